//! Handlers, by action.

mod add;
mod chooser;
mod fields;
mod list;
mod of_affiliate;
mod query;
mod reassign;
mod show;
mod view;

pub use self::add::{AddTrigger, create, new};
pub use self::list::{export, index};
pub use self::of_affiliate::{create_of_affiliate, index_of_affiliate, new_of_affiliate};
pub use self::reassign::{cancel_reassignment, reassign, reassignment};
pub use self::show::{reinstate, retire, show};
use crate::triggers::TriggerKind;
use crate::triggers::forms::Created;

/// What stands above the list with the new trigger in it.
fn created_words(created: &Created, affiliate_name: &str) -> String {
    let value = &created.trigger.value;
    match created.trigger.kind {
        TriggerKind::CouponCode if !created.stores.is_empty() => format!(
            "Orders placed with {value} from now on credit {affiliate_name}. The code is on its \
             way to {}. You’ll need to add an expiration date there, if it should have one.",
            created.stores.join(", ")
        ),
        TriggerKind::CouponCode => format!(
            "Orders placed with {value} from now on credit {affiliate_name}. Create the same \
             discount code in your store, so that it is accepted during checkout. You’ll need to \
             add its expiration date there as well."
        ),
        TriggerKind::CustomerEmail => {
            format!("Orders placed by {value} from now on credit {affiliate_name}.")
        }
        TriggerKind::Sku => {
            format!("From now on {affiliate_name} earns a royalty on every sale of {value}.")
        }
    }
}
