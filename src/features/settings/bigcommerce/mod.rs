//! Account > Settings > BigCommerce.

mod connection;
mod credentials;
mod discounts;
mod discounts_form;
mod page;

use vouch_core::platform::Platform;

pub use self::connection::show;
pub use self::credentials::{connect, credentials, new_credentials, replace_credentials};
pub use self::discounts::set_discounts;
use crate::kit::urls;

/// The address of this page.
const HERE: &str = "/settings/bigcommerce";

/// The address of this page for one of several stores.
fn of_store(store_id: i64) -> String {
    urls::store_settings_of(Platform::Bigcommerce, store_id)
}
