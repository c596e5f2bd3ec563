//! What people read about conversions.

use std::fmt;

use vouch_core::conversion::{ConversionStatus, DenialReason, NOT_PAID_YET_LABEL, Review};
use vouch_core::money::{Currency, format_money};

use super::change::{NewReview, OverruleError, ReviewOutcome};
use super::list::{Conversion, ConversionRow, Credited};
use super::manual::CreditOrderError;
use crate::kit::lists::Count;
use crate::kit::web::numbers::counted;

pub(super) const SELECT_ONE: &str = "Select at least one conversion.";
pub(super) const CHOOSE_STATUS: &str =
    "Choose whether to approve, deny or set the conversions to pending.";
pub(super) const CREDITED: &str = "Conversion credited.";

impl ConversionRow {
    /// The text next to the status for members, with the names of reviewers.
    pub(crate) fn status_note(&self) -> String {
        let by = self.conversion.reviewed_by.as_deref();
        status_note(&self.conversion, by, self.fraud_by.as_deref())
    }

    /// The text next to the status for the affiliate, without the names of members.
    pub(crate) fn status_note_for_affiliate(&self) -> String {
        status_note(&self.conversion, None, None)
    }
}

/// The text next to the status: the review and the qualification, unless the status already shows
/// them. `by` reviewed the conversion, `fraud_by` denied its order.
fn status_note(of: &Conversion, by: Option<&str>, fraud_by: Option<&str>) -> String {
    let denied = |reason: DenialReason, by: Option<&str>| match by {
        Some(by) if reason == DenialReason::Other => format!("Denied by {by}"),
        Some(by) => format!("Denied by {by} ({})", lower(reason.label())),
        None if reason == DenialReason::Other => String::new(),
        None => reason.label().to_owned(),
    };
    let review = match (of.review, of.denial_reason) {
        _ if of.is_fraud => denied(DenialReason::Fraud, fraud_by),
        (Some(Review::Denied), Some(reason)) => denied(reason, by),
        (Some(Review::Approved), _) if of.status != ConversionStatus::Approved => {
            by.map_or_else(|| "Approved".to_owned(), |by| format!("Approved by {by}"))
        }
        _ => String::new(),
    };
    let rule = match (of.unqualified_reason, of.not_paid_yet) {
        (Some(reason), _) if review.is_empty() => reason.label().to_owned(),
        (Some(reason), _) => format!("doesn’t qualify ({})", lower(reason.label())),
        (None, true) if review.is_empty() => NOT_PAID_YET_LABEL.to_owned(),
        (None, true) => lower(NOT_PAID_YET_LABEL),
        (None, false) => String::new(),
    };
    [review, rule].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The label with a lower-case first letter, for the middle of a sentence.
fn lower(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The label of a row's check box.
pub(super) fn select(row: &ConversionRow) -> String {
    let what = row.order.as_deref().unwrap_or("manual adjustment");
    format!("Select {what} ({})", row.affiliate)
}

/// The count below a list, with the totals of the conversions that earn commission.
pub(super) fn totals(count: Count, credited: &[Credited]) -> String {
    let count = count.words("conversion", "conversions");
    if credited.is_empty() {
        return count;
    }
    let sums: Vec<String> = credited.iter().map(sum).collect();
    format!("{count} · {} (pending and approved)", sums.join(" + "))
}

fn sum(of: &Credited) -> String {
    let money = |minor| format_money(minor, of.currency);
    let (commission, revenue) = (money(of.commission_minor), money(of.revenue_minor));
    if of.revenue_minor == 0 && of.refunded_minor == 0 {
        return format!("{commission} commission");
    }
    let refunds = match of.refunded_minor {
        0 => String::new(),
        refunded => format!(" after {} refunds", money(refunded)),
    };
    format!("{commission} commission on {revenue} revenue{refunds}")
}

fn conversions(count: usize) -> String {
    counted(count, "conversion", "conversions")
}

fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// The approved conversions that earn nothing yet, as a sentence after their number.
fn not_yet(count: usize, approved: usize, (one, several): (&str, &str)) -> String {
    match (count, approved) {
        (0, _) => String::new(),
        (1, 1) => format!(" The conversion {one}."),
        (1, _) => format!(" 1 conversion {one}."),
        (count, _) => format!(" {count} conversions {several}."),
    }
}

/// The result of a review.
pub(super) fn reviewed(review: &NewReview<'_>, outcome: &ReviewOutcome) -> String {
    let ReviewOutcome { changed, left_alone, unqualified, not_paid_yet, .. } = *outcome;
    let status = match review {
        NewReview::Approve { .. } => "approved",
        NewReview::Deny { reason: DenialReason::Fraud, .. } => "denied as fraud",
        NewReview::Deny { .. } => "denied",
        NewReview::BackToPending { .. } => "set to pending",
    };
    let mut text = match changed {
        0 => "No conversions changed.".to_owned(),
        changed => format!("{} {status}.", conversions(changed)),
    };
    if matches!(review, NewReview::Approve { .. }) {
        let unpaid =
            ("stays pending until its order is paid", "stay pending until their orders are paid");
        let ineligible = (
            "doesn’t qualify, so it doesn’t earn commission",
            "don’t qualify, so they don’t earn commission",
        );
        text += &not_yet(not_paid_yet, changed, unpaid);
        text += &not_yet(unqualified, changed, ineligible);
    }
    if left_alone > 0 {
        let status =
            if matches!(review, NewReview::BackToPending { .. }) { "pending" } else { status };
        text += &format!(" {} {} already {status}.", conversions(left_alone), was(left_alone));
    }
    text
}

/// The result of an undo.
pub(super) fn undone(outcome: &ReviewOutcome) -> String {
    let ReviewOutcome { changed, left_alone, .. } = *outcome;
    let mut text = match changed {
        0 => "No conversions restored.".to_owned(),
        changed => format!("{} restored.", conversions(changed)),
    };
    if left_alone > 0 {
        let (left, changed) =
            (conversions(left_alone), if left_alone == 1 { "it" } else { "they" });
        text += &format!(" {left} {} skipped because {changed} changed again.", was(left_alone));
    }
    text
}

/// An adjustment was added or deducted.
pub(crate) fn adjusted(minor: i64, currency: Currency) -> String {
    let amount = format_money(minor.saturating_abs(), currency);
    if minor < 0 { format!("{amount} deducted.") } else { format!("{amount} added.") }
}

impl std::error::Error for OverruleError {}

impl fmt::Display for OverruleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnqualified => f.write_str(
                "This conversion already qualifies, so you don’t need to override a rule.",
            ),
            Self::NotForMembers => {
                f.write_str("You can’t override the rule that disqualifies this conversion.")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CreditOrderError {}

impl fmt::Display for CreditOrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Already(row) => write!(f, "This order is already credited to {}.", row.affiliate),
            Self::DeniedBefore(row) => {
                let name = &row.affiliate;
                write!(
                    f,
                    "{name}’s conversion for this order was denied. Approve that conversion instead."
                )
            }
            Self::Fraud(by) => {
                write!(f, "{by} denied this order as fraud. Approve one of its conversions first.")
            }
            Self::NotReported => {
                f.write_str("You can credit this order once the store sends its details.")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_own_sentence() {
        let review = NewReview::Approve { note: "" };
        let outcome = ReviewOutcome {
            changed: 2,
            left_alone: 1,
            unqualified: 3,
            not_paid_yet: 4,
            change_id: None,
        };
        let text = reviewed(&review, &outcome);
        let sentences: Vec<&str> = text.split_terminator('.').collect();
        assert_eq!(sentences.len(), 4, "{text}");
        for (sentence, count) in sentences.iter().zip(["2", "4", "3", "1"]) {
            assert!(sentence.trim().starts_with(count), "{text}");
        }
        let denied = NewReview::Deny { reason: DenialReason::Other, note: "" };
        assert_eq!(reviewed(&denied, &outcome).matches('.').count(), 2, "only an approval waits");
    }

    #[test]
    fn a_deduction_has_no_second_minus() {
        assert!(adjusted(-500, Currency::USD).starts_with("$5.00"));
        assert_ne!(adjusted(-500, Currency::USD), adjusted(500, Currency::USD));
    }
}
