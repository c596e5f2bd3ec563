//! Account > Settings: General, the stores, Calculation, API.

pub mod api;
/// The audit log.
pub mod audit_log;
pub mod calculation;
/// The program's name, time zone and currency.
pub mod general;
/// The connected stores of a platform.
pub(crate) mod stores;
