//! What an instance tells its operators: whether it's alive, whether it's ready, and its metrics.

pub mod handlers;
mod metrics;
mod queues;
mod readiness;

pub use self::metrics::Metrics;
pub use self::queues::late;
pub use self::readiness::Readiness;
