//! Orders: a store's report at one time, the state merged from all reports, and the amounts per
//! line.

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
