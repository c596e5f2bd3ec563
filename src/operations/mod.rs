//! What whoever runs an installation asks it: whether it lives, whether it is ready, what it does.

/// What this process has done since its start.
pub mod counters;
/// `/healthz`, `/readyz` and `/metrics`.
pub mod handlers;
mod metrics;
mod queues;
mod readiness;
/// Security events.
pub mod security;

pub use self::metrics::Metrics;
pub use self::queues::late;
pub use self::readiness::Readiness;
