//! Orders: what stores report of them, and what is known of each.

pub mod amounts;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod report;
pub mod shopify;
pub mod state;

pub use report::{
    OrderReport, PaymentState, RefundedLine, ReportedCode, ReportedLine, ReportedRefund, StoreEvent,
};
pub use state::OrderState;
