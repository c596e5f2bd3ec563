//! Conversions: one affiliate's credit for one order, or an amount given by hand.

/// Members' decisions on conversions, and their undoing.
pub mod change;
/// The pages.
pub mod handlers;
/// Lists of conversions.
pub mod list;
/// Credit by hand: an order, or an amount.
pub mod manual;

pub use change::{Changed, NewReview, overrule, review, undo};
pub use list::{Conversion, ConversionFilter, ConversionRow, StatusFilter};
pub use status::{ConversionStatus, DenialReason, Facts, Review, Via};
pub use vouch_core::conversion as status;
