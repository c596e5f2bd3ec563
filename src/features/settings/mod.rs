//! Account > Settings: General, the stores, Calculation, API.

mod access;
/// Keys for the REST API.
pub mod api;
/// Who did what.
pub mod audit_log;
/// The connection to BigCommerce.
pub mod bigcommerce;
/// Calculation Logic.
pub mod calculation;
mod connected;
/// Name, time zone, currency.
pub mod general;
/// The connection to Shopify.
pub mod shopify;
/// The connection to WooCommerce.
pub mod woocommerce;

pub use self::connected::{check_access, disconnect, moved_discounts};
