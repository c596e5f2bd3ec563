//! Webhooks: what stores send, checked against their signature over the raw bytes and handed to the
//! intake.

/// BigCommerce's webhooks.
pub mod bigcommerce;
mod incoming;
mod known_stores;
/// Shopify's webhooks.
pub mod shopify;
/// WooCommerce's webhooks.
pub mod woocommerce;

pub use self::known_stores::KnownStores;
