//! What affiliates read in their portal.

use chrono::NaiveDate;
use vouch_core::calendar::Calendar;

use crate::kit::web::numbers::{counted, thousands};

pub(crate) const ENTER_NAME: &str = "Enter your name, or the name of your company.";
pub(crate) const HIDDEN_CHARACTER: &str =
    "These payout details contain a hidden character. Retype them.";
pub(crate) const ALREADY_REVIEWED: &str = "This request was already reviewed or withdrawn.";
pub(crate) const PROFILE_SAVED: &str = "Profile saved.";

pub(super) fn too_long(max: usize, characters: usize) -> String {
    format!("Enter {} characters or fewer. You entered {}.", thousands(max), thousands(characters))
}

pub(super) fn requested(code: &str, program: &str) -> String {
    format!("{code} requested. It’s reserved for you until {program} reviews your request.")
}

pub(super) fn too_many(max: usize) -> String {
    format!("You’ve reached the limit of {max} pending requests. Withdraw a request first.")
}

pub(super) fn not_active(program: &str) -> String {
    format!("Code not requested, because you aren’t an active affiliate of {program}.")
}

pub(super) fn closed(program: &str) -> String {
    format!("Code not requested. {program} doesn’t accept code requests right now.")
}

pub(super) fn withdrawn(code: &str) -> String {
    format!("Request for {code} withdrawn.")
}

/// The text alternative of a code's chart. `best` is the first and last day of the best week.
pub(super) fn weeks(
    weeks: usize,
    orders: i64,
    best: (NaiveDate, NaiveDate),
    most: i64,
    calendar: Calendar,
) -> String {
    format!(
        "{} in the last {weeks} weeks. The best week was {} to {} with {}.",
        counted(orders, "order", "orders"),
        calendar.date(best.0),
        calendar.date(best.1),
        counted(most, "order", "orders")
    )
}
