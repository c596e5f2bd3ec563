//! Conversion triggers: codes, emails and SKUs that tie orders to an affiliate.

mod bulk;
mod forms;
pub mod handlers;
mod handover;
mod holding;
pub mod list;
mod model;
mod periods;
mod rekey;
mod words;

pub use bulk::{NewTrigger, create_all};
pub use handover::{cancel_handover, hand_over_due};
pub use holding::{Owner, ReassignError, owners, reassign, reinstate, retire};
pub use list::{Holder, TriggerFilter, TriggerRow, TriggerSort, TriggerState};
pub use model::{CreateTriggerError, Trigger, create, create_reaching, create_value};
pub(crate) use rekey::rekey;
pub use vouch_core::code::CouponCode;
pub use vouch_core::trigger::{Reach, TriggerKind, TriggerValue, ValueError};
pub use words::{unavailable_words, unknown_affiliate_words};
