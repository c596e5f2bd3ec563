//! What an instance tells its operators: whether it's alive, whether it's ready, and its metrics.

pub(crate) mod handlers;
mod metrics;
mod queues;
mod readiness;

pub(crate) use self::metrics::Metrics;
pub(crate) use self::queues::late;
pub use self::readiness::Readiness;
