//! Failed deliveries. If the error was Vouch's own, a job retries them with backoff. An announced
//! order isn't retried after the last fetch attempt, because Vouch would fetch it forever.
//!
//! All failed deliveries are retried once when another build starts. A temporary fault never ends
//! up here. Its delivery gets a 503 response, and the store sends it again
//! ([`crate::kit::db::Fault`]).

mod build;
mod model;
mod run;

pub use self::build::build;
pub(crate) use self::model::RETRY_DELIVERY;
pub(crate) use self::model::{DeliveryFailure, FailureCounts, FailureReason, counts, find, retry};
pub(super) use self::model::{record, resolve, retry_later};
pub use self::run::renew;
pub(crate) use self::run::run;
