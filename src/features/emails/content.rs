use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kit::session::Role;

/// What an email says: the occasion, with the values that its text needs. Stored emails depend on
/// these names. `reason` is deleted with the text of a sent email.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum EmailContent {
    /// To the email in a public form, which anyone can enter. It contains nothing else from the
    /// form, so strangers can't send text to people through Vouch.
    ApplicationConfirmation {
        has_code: bool,
    },
    /// To a person who applies again. The page didn't reveal that to the sender.
    AppliedAgain {
        applicant: ApplicantStatus,
    },
    ApplicationApproved {
        name: String,
        codes: Vec<String>,
    },
    ApplicationDenied {
        name: String,
        #[serde(default)]
        reason: String,
    },
    /// To an affiliate whose link got lost or expired.
    AccountInvitation {
        name: String,
    },
    CodesApproved {
        name: String,
        codes: Vec<String>,
    },
    CodesDenied {
        name: String,
        codes: Vec<String>,
        #[serde(default)]
        reason: String,
    },
    /// It doesn't contain the details.
    PayoutDetailsChanged {
        name: String,
    },
    MemberInvited {
        inviter: String,
        role: Role,
    },
    MemberRemoved {
        name: String,
    },
    PasswordReset {
        name: String,
        email: String,
    },
    PasswordChanged {
        name: String,
        email: String,
        at: DateTime<Utc>,
    },
    TwoFactorOn {
        name: String,
        email: String,
        at: DateTime<Utc>,
    },
    TwoFactorOff {
        name: String,
        email: String,
        at: DateTime<Utc>,
    },
    RecoveryCodeUsed {
        name: String,
        email: String,
        at: DateTime<Utc>,
        left: i64,
    },
    RecoveryCodesCreated {
        name: String,
        email: String,
        at: DateTime<Utc>,
    },
}

/// What a person who applies again already is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicantStatus {
    Pending,
    Active,
    /// Denied or disabled, which the email doesn't tell.
    Reviewed,
}

impl EmailContent {
    /// Whether the text tells the recipient to contact the merchant.
    pub(super) fn invites_reply(&self) -> bool {
        matches!(
            self,
            Self::AppliedAgain { applicant: ApplicantStatus::Active | ApplicantStatus::Reviewed }
                | Self::ApplicationDenied { .. }
                | Self::CodesDenied { .. }
                | Self::PayoutDetailsChanged { .. }
        )
    }
}
