//! What stores say of orders, taken in: each message becomes a snapshot of its order, and what it credits
//! is worked out anew, in one transaction. Any order of arrival, any repetition, one ledger.

/// Messages that wait for their order to be read.
pub mod awaited;
/// Deliveries that failed, and when they are processed again.
pub mod failures;
pub(crate) mod in_flight;
pub mod intake;
/// Appending to the ledger.
pub(crate) mod ledger;
pub mod queue;
/// Orders that Vouch read from a store.
pub mod read;
pub mod recalculation;
/// What refunds were for, where orders only outline them.
pub mod refund_reads;
pub mod replay;

pub use recalculation::recalculate;
pub use replay::{ReplayError, replay};
