//! Handlers, by action.

mod add;
mod chooser;
mod fields;
mod list;
mod of_affiliate;
mod reassign;
mod show;
mod view;

pub(crate) use self::add::create;
pub(crate) use self::add::new;
pub(crate) use self::list::{export, index};
pub(crate) use self::of_affiliate::{create_of_affiliate, index_of_affiliate, new_of_affiliate};
pub(crate) use self::reassign::reassign;
pub(crate) use self::reassign::{cancel_reassignment, reassignment};
pub(crate) use self::show::show;
pub(crate) use self::show::{reinstate, retire};
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::triggers::forms::CreatedTrigger;
use crate::features::triggers::{Trigger, TriggerKind};

/// The message after a trigger is created.
fn created_words(created: &CreatedTrigger, affiliate: &Affiliate) -> String {
    let (value, name) = (&created.trigger.value, &affiliate.name);
    let earning = earning_words(&created.trigger, affiliate);
    let credit = if earning.is_empty() {
        match created.trigger.kind {
            TriggerKind::CouponCode => {
                format!("Orders placed with {value} from now on credit {name}.")
            }
            TriggerKind::CustomerEmail => {
                format!("Orders placed by {value} from now on credit {name}.")
            }
            TriggerKind::Sku => {
                format!("From now on {name} earns a royalty on every sale of {value}.")
            }
        }
    } else {
        format!("{value} belongs to {name} from now on.{earning}")
    };
    match created.trigger.kind {
        TriggerKind::CouponCode if !created.stores.is_empty() => format!(
            "{credit} The code is on its way to {}. You’ll need to add an expiration date there, \
             if it should have one.",
            created.stores.join(", ")
        ),
        TriggerKind::CouponCode => format!(
            "{credit} Create the same discount code in your store, so that it is accepted during \
             checkout. You’ll need to add its expiration date there as well."
        ),
        TriggerKind::CustomerEmail | TriggerKind::Sku => credit,
    }
}

/// Explains why orders with a trigger earn nothing for its holder, as a sentence after another one;
/// empty if they do.
fn earning_words(trigger: &Trigger, holder: &Affiliate) -> String {
    if trigger.is_retired() {
        return format!(" {} is retired, so new orders don’t earn commission.", trigger.value);
    }
    if holder.status == AffiliateStatus::Active {
        return String::new();
    }
    let (name, status) = (&holder.name, holder.status.to_string().to_lowercase());
    format!(" {name} is {status}. Orders don’t earn commission until {name} is active.")
}
