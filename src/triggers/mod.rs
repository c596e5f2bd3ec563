//! Conversion triggers: what ties orders to an affiliate.

pub mod code;
/// The pages.
pub mod handlers;
/// Lists of triggers.
pub mod list;
mod model;
pub mod suggest;

pub use code::{CouponCode, TriggerKind};
pub use list::{Holder, Place, TriggerFilter, TriggerRow, TriggerSort, TriggerState};
pub use model::{CreateTriggerError, Taken, Trigger, TriggerValue, ValueError, create, free_codes};
