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
    format!("Settings of {name} saved.")
}

pub(super) fn disable_question(name: &str) -> String {
    format!("Disable {name}? Their new orders won’t earn commission. Their codes stay reserved.")
}

/// What a status means for orders and codes.
pub(super) fn meaning(status: AffiliateStatus) -> &'static str {
    match status {
        AffiliateStatus::Pending => {
            "This affiliate is waiting for your review. Their orders don’t earn commission yet."
        }
        AffiliateStatus::Active => {
            "This affiliate earns commission on orders that match their conversion triggers."
        }
        AffiliateStatus::Denied => {
            "This affiliate is denied. Their new orders don’t earn commission, and their codes stay reserved."
        }
        AffiliateStatus::Disabled => {
            "This affiliate is disabled. Their new orders don’t earn commission, and their codes stay reserved."
        }
    }
}
