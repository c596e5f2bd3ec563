//! Recalculating orders that were taken in before a fact changed.
//!
//! Whoever changes a fact commits the change together with a request ([`crate::features::recalculations`]), and
//! touches no order. The workers carry requests out in portions of a few orders, each in a transaction of its own that
//! waits for nobody: an order that somebody else has is left for later.
//!
//! No order slips between a change and its recalculation. A transaction that decides on an order says
//! so before it reads any fact ([`super::in_flight`]). A worker that finds a request, so after the
//! change was committed, waits until all transactions have ended that were deciding at that time.
//! Whichever read the former facts is among them, and its orders are there to be found; whichever
//! began later reads the new facts.

mod now;
mod portion;
mod queue;

pub(crate) use self::now::recalculate;
pub use self::queue::{drain, failed_requests, retry_failed, run_due};
