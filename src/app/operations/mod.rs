//! What whoever runs an installation asks it: whether it lives, whether it is ready, what it does.

/// `/healthz`, `/readyz` and `/metrics`.
pub mod handlers;
mod metrics;
mod queues;
mod readiness;

pub use self::metrics::Metrics;
pub use self::queues::late;
pub use self::readiness::Readiness;
