//! One order: what a store said of it at one time, everything said of it, and its amounts.

pub mod amounts;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod snapshot;
pub mod state;
pub mod times;

pub use snapshot::{
    LineKind, OrderSnapshot, PaymentState, RefundedLine, ReportedCode, ReportedLine,
    ReportedRefund, StoreEvent,
};
pub use state::OrderState;
