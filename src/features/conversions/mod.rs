//! Conversions: one affiliate's credit for one order, or a manual amount.

pub mod change;
pub mod handlers;
pub mod list;
pub mod manual;

pub use change::{Changed, NewReview, overrule, review, undo};
pub use list::{Conversion, ConversionFilter, ConversionRow, StatusFilter};
pub use status::{ConversionStatus, DenialReason, Facts, Review, Via};
pub use vouch_core::conversion as status;
