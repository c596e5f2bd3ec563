//! Taking in what stores send: one transaction that remembers the delivery, keeps the newest report
//! of the order, works out what everybody should earn *now*, and appends to the ledger only the
//! difference from what is there. Sale, edit, refund, cancellation, repeat, out of order: one rule
//! serves them all.

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

pub use self::batch::Batch;
pub(super) use self::cause::Cause;
pub use self::delivery::{IncomingDelivery, Source, gzip};
pub(super) use self::held::IfHeld;
pub(super) use self::ingest::decide_again;
pub use self::ingest::{Outcome, fail, ingest, ingest_one};
pub(super) use self::order_row::OrderRow;
