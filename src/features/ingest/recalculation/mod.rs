//! Recalculates orders that were processed before a fact changed.
//!
//! The transaction that changes a fact also inserts a request
//! ([`crate::features::recalculations`]), and touches no order. Workers process requests in
//! portions of a few orders, each in its own transaction. Orders that another transaction holds are
//! skipped and done later.
//!
//! No order slips between a change and its recalculation. A transaction that attributes an order
//! marks itself before it reads any fact ([`super::in_flight`]). A worker finds a request only
//! after the change was committed. It then waits until all transactions have ended that were
//! attributing orders at that time. Any transaction that read the old facts is among them, and its
//! orders can be found now. Later transactions read the new facts.

mod now;
mod portion;
mod queue;

pub(crate) use self::now::recalculate;
pub use self::queue::{drain, failed_requests, retry_failed, run_due};
