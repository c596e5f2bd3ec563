//! What people read about orders, webhook deliveries and manual credits.

use vouch_core::attribution::Attribution;
use vouch_core::money::{Currency, MoneyError};
use vouch_core::order::snapshot::ReadNote;
use vouch_core::order::times::ClampedTime;

use crate::features::conversions::change::NOTE_LENGTH;
use crate::features::ingest::intake::IngestOutcome;
use crate::kit::db::text_enum;
use crate::kit::web::numbers::counted;

text_enum! {
    /// Why an order has no conversions.
    pub(crate) enum NotCredited {
        /// The codes on the order aren't assigned to an affiliate.
        Unassigned = "unassigned", "Code not assigned";
        /// No trigger matches the order.
        NoMatch = "no_match", "No matching trigger";
        /// A trigger matches, but wasn't active when the order was placed.
        Inactive = "inactive", "Trigger not active";
    }
}

impl NotCredited {
    pub(crate) fn of(attribution: &Attribution) -> Self {
        match (attribution.matched(), attribution.other_codes.is_empty()) {
            (0, true) => Self::NoMatch,
            (0, false) => Self::Unassigned,
            _ => Self::Inactive,
        }
    }
}

/// The label of a delivery's topic. Text of an earlier version stays the same.
pub(crate) fn topic(topic: &str) -> &str {
    match topic {
        "orders/create" | "order.created" | "store/order/created" => "Order created",
        "orders/updated" | "order.updated" | "store/order/updated" => "Order updated",
        "orders/paid" => "Order paid",
        "orders/cancelled" => "Order canceled",
        "orders/edited" => "Order edited",
        "orders/delete" | "order.deleted" => "Order deleted",
        "refunds/create" | "store/order/refund/created" => "Refund created",
        "order.restored" => "Order restored",
        "order.read" | "orders/read" => "Order fetched from store",
        "order.refunds" => "Refund details fetched from store",
        "app/uninstalled" | "store/app/uninstalled" => "App uninstalled",
        "store/order/statusUpdated" => "Order status changed",
        "orders" => "Order sent to API",
        "ledger.currency_corrected" => "Currency corrected by a Vouch update",
        "ledger.balance_corrected" => "Balance corrected by a Vouch update",
        other => other,
    }
}

/// A field that was skipped while the webhook was parsed.
pub(super) fn skipped_field(note: &ReadNote) -> String {
    format!("“{}” {}.", note.path, note.code)
}

/// The difference between the store's clock and Vouch's, in seconds. A positive one is behind.
pub(super) fn clock_note(store: &str, shift: i32) -> String {
    let direction = if shift > 0 { "behind" } else { "ahead of" };
    let (minutes, seconds) = (shift.unsigned_abs() / 60, shift.unsigned_abs() % 60);
    let minutes_text = counted(minutes, "minute", "minutes");
    let seconds_text = counted(seconds, "second", "seconds");
    let length = match (minutes, seconds) {
        (0, _) => seconds_text,
        (_, 0) => minutes_text,
        _ => format!("{minutes_text} {seconds_text}"),
    };
    format!("{store}’s clock was {length} {direction} ours. We adjusted the time of the order.")
}

/// `updated, placed`
pub(super) fn clamped(times: &[ClampedTime]) -> String {
    times.iter().map(|which| which.label()).collect::<Vec<_>>().join(", ")
}

pub(super) const REFUNDS_REQUESTED: &str = "Refund details requested from the store.";

/// The result of a retried webhook delivery; `None` if it failed again.
pub(super) fn retried(outcome: &IngestOutcome) -> Option<&'static str> {
    match outcome {
        IngestOutcome::Processed { .. } => Some("Webhook processed."),
        IngestOutcome::Outdated { .. } | IngestOutcome::Repeated => {
            Some("Webhook processed. The order didn’t change.")
        }
        IngestOutcome::Ignored => Some("Webhook ignored, because it doesn’t change an order."),
        IngestOutcome::Waiting => {
            Some("Webhook retried. Vouch is fetching the order from the store.")
        }
        IngestOutcome::Conflict { .. } | IngestOutcome::Failed => None,
    }
}

pub(super) fn retry_failed(reason: &str) -> String {
    format!("The webhook failed again. {reason}").trim_end().to_owned()
}

/// `is_all` unless there may be more failed webhooks than are retried at once.
pub(super) fn all_retried(processed: usize, failed: usize, is_all: bool) -> String {
    let webhooks = |count| counted(count, "webhook", "webhooks");
    let retried = match (processed, failed) {
        (0, 0) => "No failed webhooks to retry.".to_owned(),
        (processed, 0) => format!("{} processed.", webhooks(processed)),
        (0, failed) => format!("{} failed again.", webhooks(failed)),
        (processed, failed) => {
            format!("{} processed. {} failed again.", webhooks(processed), webhooks(failed))
        }
    };
    let rest = if is_all { "" } else { " To retry the rest, choose Retry failed webhooks again." };
    retried + rest
}

pub(super) const NOT_CREDITED: &str = "Not credited";
pub(super) const RELOAD_FORM: &str = "Nothing was saved. Submit the form again.";
pub(super) const ORDER_CREDITED_BEFORE: &str = "This order was already credited.";
pub(super) const CREDIT_REMOVED: &str =
    "Manual credit removed. The order’s conversion triggers apply again.";
pub(super) const ADJUSTED_BEFORE: &str =
    "This adjustment was already saved. Open the form again to add another.";
pub(super) const UNKNOWN_CURRENCY: &str = "Enter a currency code, such as USD.";
pub(super) const ZERO_AMOUNT: &str = "Enter an amount other than zero.";
pub(super) const LARGE_AMOUNT: &str = "Enter a smaller amount.";
pub(super) const NO_REASON: &str = "Enter a reason.";

pub(super) fn order_credited(order: Option<&str>, affiliate: &str) -> String {
    format!("{} credited to {affiliate}.", order.unwrap_or("Order"))
}

pub(super) fn long_reason() -> String {
    format!("Enter {NOTE_LENGTH} characters or fewer.")
}

pub(super) fn amount_error(error: MoneyError) -> String {
    match error {
        MoneyError::NotANumber => "Enter an amount, such as 29.10.".to_owned(),
        MoneyError::TooPrecise(currency) => too_precise(currency),
        MoneyError::TooLarge => LARGE_AMOUNT.to_owned(),
    }
}

fn too_precise(currency: Currency) -> String {
    match currency.exponent() {
        0 => format!("Enter a whole number. {currency} has no decimals."),
        decimals => {
            format!("Enter an amount with up to {}.", counted(decimals, "decimal", "decimals"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_note_has_singulars() {
        assert!(clock_note("Tea", 61).contains("1 minute 1 second "));
        assert!(clock_note("Tea", -120).contains("2 minutes "));
        assert_ne!(clock_note("Tea", -30), clock_note("Tea", 30));
    }

    #[test]
    fn an_order_without_conversions_has_a_reason() {
        let mut attribution = Attribution::default();
        assert_eq!(NotCredited::of(&attribution), NotCredited::NoMatch);
        attribution.other_codes.push("SUMMER".to_owned());
        assert_eq!(NotCredited::of(&attribution), NotCredited::Unassigned);
    }
}
