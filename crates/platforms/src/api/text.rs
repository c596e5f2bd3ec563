//! What's wrong with a field of a reported order.

use std::fmt::Display;

use super::{MAX_ITEMS, MAX_PARTS};

pub(super) const EMPTY: &str = "Must not be empty.";
pub(super) const NUL: &str = "Must not contain the character U+0000.";
pub(super) const LINE_ID_TAKEN: &str = "Another line already has this ID.";
pub(super) const REFUND_ID_TAKEN: &str = "Another refund already has this ID.";
pub(super) const UNKNOWN_LINE: &str = "No line of this order has this ID.";
pub(super) const AMOUNT_NEEDED: &str = "Required if `quantity` is 0.";
pub(super) const TOO_FAR_AHEAD: &str =
    "Must not be more than a day in the future. Check your clock.";
pub(super) const NO_TIME: &str = "Must be an RFC 3339 time, such as 2026-03-10T12:00:00Z.";
pub(super) const NEGATIVE: &str = "Must not be negative.";
pub(super) const TOO_LARGE: &str = "This amount is too large.";

pub(super) fn too_many_parts(count: usize) -> String {
    format!("Must have at most {MAX_PARTS} entries. This has {count}.")
}

pub(super) fn too_long(max: usize) -> String {
    format!("Must have at most {max} characters.")
}

pub(super) fn too_early(first_year: i32) -> String {
    format!("Must be in the year {first_year} or later. Check the date.")
}

pub(super) fn quantity() -> String {
    format!("Must be between 0 and {MAX_ITEMS}.")
}

pub(super) fn invalid(error: impl Display) -> String {
    format!("{error}.")
}

pub(super) fn amount(typed: &str, error: impl Display) -> String {
    format!("“{typed}” {error}.")
}
