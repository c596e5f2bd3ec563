//! Conversion triggers: what ties orders to an affiliate.

pub mod code;
mod model;
pub mod suggest;

pub use code::{CouponCode, TriggerKind};
pub use model::{CreateTriggerError, Taken, Trigger, TriggerValue, ValueError, create, free_codes};
