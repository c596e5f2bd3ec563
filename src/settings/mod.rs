//! Account > Settings: General, Shopify, Calculation. (API keys stand in `api`.)

/// Calculation Logic.
pub mod calculation;
/// Name, time zone, currency.
pub mod general;
/// The connection to Shopify.
pub mod shopify;
