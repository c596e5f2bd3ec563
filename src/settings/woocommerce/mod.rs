//! Account > Settings > WooCommerce.

mod connection;
mod credentials;
mod page;
mod rules;

pub use self::connection::{check, connect, disconnect, show};
pub use self::credentials::{credentials, replace};
pub use self::rules::{rules, set_rules};

/// The address of this page.
const HERE: &str = "/settings/woocommerce";
