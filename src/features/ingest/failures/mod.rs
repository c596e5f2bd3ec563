//! Deliveries that Vouch keeps as failed. A job processes again, with backoff, what is Vouch's own
//! fault, except an order that it couldn't read after the last fetch: that would fetch forever.
//! Everything that failed is processed once more when another build starts.
//! A fault that passes never gets here: its delivery is answered by 503, and the store sends it
//! again ([`crate::kit::db::Fault`]).

mod build;
mod model;
mod run;

pub use self::build::build;
pub(crate) use self::model::RETRY_DELIVERY;
pub(crate) use self::model::{Failure, FailureCounts, FailureReason, counts, find, retry};
pub(super) use self::model::{OWN_FAULT, record, resolve, retry_later};
pub use self::run::renew;
pub(crate) use self::run::run;
