//! Account > Settings: General, Shopify, Calculation, API.

/// Keys for the REST API.
pub mod api;
/// Calculation Logic.
pub mod calculation;
/// Name, time zone, currency.
pub mod general;
/// The connection to Shopify.
pub mod shopify;
