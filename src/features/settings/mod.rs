//! Account > Settings: General, the stores, Calculation, API.

pub(crate) mod api;
/// The audit log.
pub(crate) mod audit_log;
pub(crate) mod calculation;
/// The program's name, time zone and currency.
pub(crate) mod general;
/// The connected stores of a platform.
pub(crate) mod stores;
mod text;
