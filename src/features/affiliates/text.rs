//! What members read about affiliates.

use super::AffiliateStatus;

pub(super) const ENTER_NAME: &str = "Enter a name.";
pub(super) const ENTER_EMAIL: &str = "Enter an email, such as name@example.com.";
pub(super) const EMAIL_TAKEN: &str =
    "Another affiliate already has this email. Enter a different one.";
pub(super) const CHOOSE_OFFER: &str = "Choose one of the program’s offers.";

pub(super) fn added(name: &str, public_id: &str) -> String {
    format!("{name} added. Their affiliate ID is {public_id}.")
}

pub(super) fn saved(name: &str) -> String {
    format!("{name}’s settings saved.")
}

/// What a status means for orders and codes.
pub(super) fn meaning(status: AffiliateStatus) -> &'static str {
    match status {
        AffiliateStatus::Pending => "Waiting for your review. Orders don’t earn commission yet.",
        AffiliateStatus::Active => "Earns commission on orders that match their triggers.",
        AffiliateStatus::Denied => {
            "Application denied. New orders earn no commission. Their codes stay reserved for them."
        }
        AffiliateStatus::Disabled => {
            "Disabled. New orders earn no commission. Their codes stay reserved for them."
        }
    }
}
