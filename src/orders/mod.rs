//! Orders: what stores report of them, and what is known of each.

/// Messages that wait for their order to be read.
pub mod awaited;
/// What stores sent, failed messages first of all.
pub mod deliveries;
/// Everything that is known of one order.
pub mod explain;
/// Deliveries that failed, and when they are processed again.
pub mod failures;
/// The pages.
pub mod handlers;
pub(crate) mod in_flight;
pub mod intake;
/// The list of orders.
pub mod list;
pub mod queue;
/// Orders that Vouch read from a store.
pub mod read;
pub mod recalculation;
/// What refunds were for, where orders only outline them.
pub mod refund_reads;
pub mod replay;

pub use recalculation::recalculate;
pub use replay::{ReplayError, replay};
pub use vouch_core::order::{
    LineKind, OrderSnapshot, OrderState, PaymentState, RefundedLine, ReportedCode, ReportedLine,
    ReportedRefund, StoreEvent, amounts, snapshot, state, times,
};
