//! Jobs that call stores. A slow or broken store only delays its own jobs.

mod run;
mod tools;
pub(crate) mod webhooks;

pub(crate) use self::run::{
    AttemptFailure, PeriodicJob, StoreRun, StoreRunError, run_for_store, run_periodic,
};
pub use self::tools::{Open, Tools};
