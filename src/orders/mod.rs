//! Orders: what stores report of them, and what is known of each.

pub mod amounts;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod intake;
pub mod queue;
pub mod reconsider;
pub mod replay;
pub mod report;
pub mod retention;
pub mod shopify;
pub mod state;
pub mod understand;

pub use reconsider::{reconsider, reconsider_affiliate, reconsider_matching};
pub use replay::{ReplayError, replay};
pub use report::{
    OrderReport, PaymentState, RefundedLine, ReportedCode, ReportedLine, ReportedRefund, StoreEvent,
};
pub use state::OrderState;
