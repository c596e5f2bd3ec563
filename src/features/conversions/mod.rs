//! Conversions: one affiliate's credit for one order, or a manual amount.

pub(crate) mod change;
pub(crate) mod handlers;
pub(crate) mod list;
pub mod manual;
pub(crate) mod text;

pub use change::{NewReview, overrule, review, undo};
pub(crate) use list::ConversionFilter;
pub(crate) use status::{ConversionStatus, Facts, Via};
pub use status::{DenialReason, Review};
pub(crate) use vouch_core::conversion as status;
