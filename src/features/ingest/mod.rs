//! Processes deliveries from stores. Each one becomes a snapshot of its order, and the order's
//! commissions are recalculated in the same transaction. Deliveries may repeat and come in any
//! order, with the same ledger as a result.

pub mod failures;
pub(crate) mod in_flight;
pub mod intake;
pub(crate) mod ledger;
pub(crate) mod pending_fetches;
pub mod queue;
pub mod read;
pub mod recalculation;
pub(crate) mod refund_reads;
pub mod replay;
pub(crate) mod text;

pub(crate) use recalculation::recalculate;
pub use replay::{ReplayError, replay};
