//! Account > Settings > BigCommerce.

mod connection;
mod credentials;
mod page;
mod rules;

pub use self::connection::{check, disconnect, show};
pub use self::credentials::{connect, credentials, new_credentials, replace_credentials};
pub use self::rules::update as update_rules;

/// The address of this page.
const HERE: &str = "/settings/bigcommerce";

/// Where the rules of one store are posted.
fn rules_of_store(store_id: i64) -> String {
    format!("{HERE}/{store_id}/rules")
}

/// The address of this page for one of several stores.
fn of_store(store_id: i64) -> String {
    format!("{HERE}?store={store_id}")
}
