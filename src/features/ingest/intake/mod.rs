//! Processes deliveries from stores, each in one transaction. That stores the delivery and the
//! newest report of the order, recalculates the commissions *now*, and appends only the difference
//! to the ledger. One rule covers sales, edits, refunds, cancellations, repeats and late
//! deliveries.

mod batch;
mod candidates;
mod cause;
mod clock;
mod converge;
mod delivery;
mod erased;
mod held;
mod ingest;
mod keys;
mod notes;
mod order_row;
mod parts;
mod reserve;
mod rules;

pub(crate) use self::batch::Batch;
pub(super) use self::cause::Cause;
pub use self::delivery::{DeliverySource, IncomingDelivery, gzip};
pub(super) use self::held::IfHeld;
pub(super) use self::ingest::decide_again;
pub use self::ingest::{IngestOutcome, ingest_one};
pub(crate) use self::ingest::{fail, ingest};
pub(super) use self::order_row::OrderRow;
