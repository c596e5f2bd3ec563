//! Conversion triggers: codes, emails and SKUs that tie orders to an affiliate.

mod bulk;
mod forms;
pub(crate) mod handlers;
mod handover;
mod holding;
pub(crate) mod list;
mod model;
mod periods;
mod rekey;
mod text;

pub(crate) use bulk::{NewTrigger, create_all};
pub(crate) use handover::cancel_handover;
pub use handover::hand_over_due;
pub(crate) use holding::{HoldingPeriod, owners};
pub use holding::{ReassignError, reassign, reinstate, retire};
pub(crate) use list::{Holder, TriggerFilter, TriggerRow, TriggerSort, TriggerState};
pub(crate) use model::create_value;
pub use model::{CreateTriggerError, Trigger, create, create_reaching};
pub(crate) use rekey::rekey;
pub(crate) use text::{
    unavailable as unavailable_text, unknown_affiliate as unknown_affiliate_text,
};
pub use vouch_core::code::CouponCode;
pub(crate) use vouch_core::trigger::ValueError;
pub use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};
