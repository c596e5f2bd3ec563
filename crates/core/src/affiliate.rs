//! The statuses of an affiliate in a program.

use crate::text_enum;

text_enum! {
    /// Only an Active affiliate earns; the others are known, and their codes stay theirs.
    #[derive(Default)]
    pub enum AffiliateStatus {
        /// Has applied and was not decided upon.
        #[default]
        Pending = "pending", "Pending";
        /// Takes part.
        Active = "active", "Active";
        /// Applied and was not wanted.
        Denied = "denied", "Denied";
        /// Took part and no longer does.
        Disabled = "disabled", "Disabled";
    }
}

impl AffiliateStatus {
    /// The color of the status badge.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Pending => "wait",
            Self::Active => "good",
            Self::Denied => "bad",
            Self::Disabled => "off",
        }
    }
}
