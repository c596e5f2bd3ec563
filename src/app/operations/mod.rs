//! Health, readiness and metrics of an instance, for its operators.

pub(crate) mod handlers;
mod metrics;
mod queues;
mod readiness;

pub(crate) use self::metrics::Metrics;
pub(crate) use self::queues::late;
pub use self::readiness::Readiness;
