//! Account > Settings: General, the stores, Calculation, API.

/// Keys for the REST API.
pub mod api;
/// Who did what.
pub mod audit_log;
/// Calculation Logic.
pub mod calculation;
/// Name, time zone, currency.
pub mod general;
/// The stores of a platform.
pub(crate) mod stores;
