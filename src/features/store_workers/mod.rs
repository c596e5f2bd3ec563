//! Jobs that call stores. A slow or broken store holds up nobody but itself.

mod run;
mod tools;
/// Looks after a store's webhooks.
pub(crate) mod webhooks;

pub(crate) use self::run::{
    Failure, PeriodicJob, StoreRun, StoreRunError, run_for_store, run_periodic,
};
pub use self::tools::{Open, Tools};
