//! Conversion triggers: what ties orders to an affiliate.

pub mod code;
pub mod suggest;

pub use code::{CouponCode, TriggerKind};
