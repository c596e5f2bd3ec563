//! Handlers, by action.

mod archive;
mod create;
mod list;
mod update;

pub(crate) use archive::{archive, restore};
pub(crate) use create::create;
pub(crate) use create::new;
pub(crate) use list::index;
pub(crate) use update::show;
pub(crate) use update::update;
use vouch_core::money::Currency;

use crate::features::auth::pages::MerchantPage;

/// The currency of flat amounts.
fn currency(page: &MerchantPage) -> Currency {
    page.merchant().currency
}
