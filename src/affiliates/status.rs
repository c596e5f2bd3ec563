//! Where an affiliate stands with the program.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Only an Active affiliate earns; the others are known, and their codes stay theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AffiliateStatus {
    /// Has applied and was not decided upon.
    #[default]
    Pending,
    Active,
    Denied,
    Disabled,
}

impl AffiliateStatus {
    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Denied => "Denied",
            Self::Disabled => "Disabled",
        }
    }
}

impl fmt::Display for AffiliateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
