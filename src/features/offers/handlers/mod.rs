//! Handlers, by action.

mod archive;
mod create;
mod list;
mod update;

pub use archive::{archive, restore};
pub use create::{create, new};
pub use list::index;
pub use update::{show, update};
use vouch_core::money::Currency;

use crate::features::auth::pages::MerchantPage;

/// The currency of flat amounts.
fn currency(page: &MerchantPage) -> Currency {
    page.merchant().currency
}
