//! Jobs that call stores. A slow or broken store holds up nobody but itself.

mod run;
mod tools;
/// Looks after a store's webhooks.
pub mod webhooks;

pub use self::run::{
    Failure, Next, PeriodicJob, StoreRun, StoreRunError, run_for_store, run_periodic,
};
pub use self::tools::{Caller, Open, Tools};
