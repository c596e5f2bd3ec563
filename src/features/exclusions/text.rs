//! What members read about Coupon Exclusions.

use crate::kit::web::numbers::counted;

pub(super) const ENTER_DATE: &str = "Enter a date as YYYY-MM-DD, for example 2026-11-27.";
pub(super) const ENDS_BEFORE_START: &str = "Choose a last day on or after the first day.";
pub(super) const CHOOSE_SCOPE: &str = "Choose what the exclusion applies to.";
pub(super) const MORE_CELLS: &str =
    "The row has more cells than the header. Put quotation marks around values with a comma.";
pub(super) const UNKNOWN_SCOPE: &str = "Enter “Claims” or “Claims and orders” in Applied_To.";

/// The choices of [`ExclusionScope`](super::ExclusionScope), with what they mean.
pub(super) const CLAIMS: &str = "Claims: affiliates can’t choose the code";
pub(super) const CLAIMS_AND_ORDERS: &str =
    "Claims and orders: orders with the code don’t earn commission either";

pub(super) fn note_too_long(max: usize) -> String {
    format!("Enter {max} characters or fewer.")
}

pub(super) fn unknown_date(typed: &str) -> String {
    format!("“{typed}” isn’t a date. Enter it as 2026-11-27.")
}

pub(super) fn taken(value: &str) -> String {
    format!("{value} is already excluded. Edit that exclusion instead.")
}

pub(super) fn too_many(max: i64) -> String {
    format!("You’ve reached the limit of {max} exclusions. Remove some first.")
}

pub(super) fn too_many_composed(max: i64) -> String {
    format!(
        "You’ve reached the limit of {max} patterns with a * in the middle. Use one * \
         at the start or end instead."
    )
}

pub(super) fn added(value: &str) -> String {
    format!("{value} excluded.")
}

pub(super) fn removed(value: &str) -> String {
    format!("{value} removed from the exclusions.")
}

pub(super) fn already_removed(value: &str) -> String {
    format!("{value} was already removed.")
}

pub(super) fn restored(value: &str) -> String {
    format!("{value} restored.")
}

pub(super) fn already_restored(value: &str) -> String {
    format!("{value} was already restored.")
}

/// The title above the codes that an exclusion matches. `codes` is how many affiliates have.
pub(super) fn affected(codes: &str, has_codes: bool, requested: usize) -> String {
    match (has_codes, requested) {
        (_, 0) => format!("Affiliates have {codes} that match"),
        (true, count) => {
            format!("Affiliates have {codes} that match, and requested {count} more")
        }
        (false, count) => {
            format!(
                "Affiliates requested {}",
                counted(count, "code that matches", "codes that match")
            )
        }
    }
}
