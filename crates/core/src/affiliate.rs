//! The statuses of an affiliate in a program.

use crate::text_enum;

text_enum! {
    /// Only an Active affiliate earns. The others keep their codes.
    #[derive(Default)]
    pub enum AffiliateStatus {
        /// Has applied; the application is pending.
        #[default]
        Pending = "pending", "Pending";
        /// Earns commission.
        Active = "active", "Active";
        /// Applied and was denied.
        Denied = "denied", "Denied";
        /// Was active and was disabled.
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
