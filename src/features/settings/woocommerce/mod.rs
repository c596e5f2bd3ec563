//! Account > Settings > WooCommerce.

mod connection;
mod credentials;
mod discounts;
mod page;

pub use self::connection::{connect, show};
pub use self::credentials::{credentials, replace_credentials};
pub use self::discounts::{discounts, set_discounts};

/// The address of this page.
const HERE: &str = "/settings/woocommerce";
