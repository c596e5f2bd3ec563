//! What support staff and operators read about accounts.

use super::ended_access::EndedAccess;
use crate::kit::web::numbers::counted;

pub(crate) const INVISIBLE_CHARACTER: &str =
    "The reason contains a hidden character. Retype the reason.";

pub(super) fn reason_too_long(max: usize) -> String {
    format!("Enter {max} characters or fewer.")
}

impl EndedAccess {
    /// One sentence.
    pub(crate) fn words(self) -> String {
        let sessions = counted(self.sessions, "session", "sessions");
        let keys = counted(self.keys, "API key", "API keys");
        format!("Ended {sessions} and revoked {keys}.")
    }
}

/// An event of the instance log.
pub(super) fn instance_event(action: &str, reason: &str) -> String {
    let what = match action {
        "user.disabled" => "Disabled the account",
        "user.enabled" => "Enabled the account",
        "user.support_removed" => "Removed support access",
        "user.support_added" => "Added support access",
        "merchant.closed" => "Closed the merchant",
        "merchant.reopened" => "Reopened the merchant",
        "email.revealed" => "Viewed an email",
        _ => "Made a change that a newer version of Vouch recorded",
    };
    if reason.is_empty() {
        format!("{what}.")
    } else {
        format!("{what} with the reason “{reason}”.")
    }
}
