//! Coupon exclusions: codes and patterns that affiliates may not claim.

mod covering;
mod exclusion;
mod feature;
mod forms;
pub(crate) mod handlers;
pub(crate) mod list;
mod model;
mod rekey;
mod terms;
mod text;
pub(crate) mod upload;

pub use crate::features::availability::ExclusionScope;
pub(crate) use covering::covering_orders;
pub use exclusion::{Dates, Exclusion};
pub use feature::enable;
pub use look_alike::Pattern;
pub(crate) use look_alike::Shape;
pub use model::{NewExclusion, SaveError, add, change, remove, restore};
pub(crate) use rekey::rekey;
pub use vouch_core::look_alike;
