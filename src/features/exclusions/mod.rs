//! Coupon exclusions: codes and patterns that affiliates may not claim.

mod covering;
mod exclusion;
mod feature;
mod forms;
pub mod handlers;
pub mod list;
mod model;
mod rekey;
mod terms;
pub mod upload;

pub use crate::features::availability::ExclusionScope;
pub use covering::covering_orders;
pub use exclusion::{Dates, Exclusion};
pub use feature::enable;
pub use list::{ExclusionSort, ExclusionState};
pub use look_alike::{Pattern, PatternError, Shape};
pub use model::{MAX, MAX_COMPOSED, NewExclusion, SaveError, add, change, remove, restore};
pub(crate) use rekey::rekey;
pub use vouch_core::look_alike;
