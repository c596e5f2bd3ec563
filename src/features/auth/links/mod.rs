//! Single-use links in emails, for invitations, new passwords and confirmations.
//!
//! A link works for one purpose and one subject. It's bound to the email it was sent to: it ends as
//! soon as its subject's email changes, even if that changes back. It also ends when it's used,
//! replaced by a newer one, withdrawn, or past the lifetime of its purpose. Only the hash of its
//! token is stored.

mod model;
mod token;

use chrono::Duration;

pub use self::model::sweep;
pub(crate) use self::model::{
    LinkEnd, LinkSubject, end, end_of_merchant, expiries, find, issue, issued_since, take,
};
pub(crate) use self::token::merchant_of;
use crate::kit::db::text_enum;

text_enum! {
    /// What a link lets its recipient do.
    pub(crate) enum LinkPurpose {
        /// Join a merchant's team. The subject is the invitation.
        MemberInvitation = "member_invitation", "Member invitation";
        /// Sign in as an affiliate. The subject is the affiliate.
        PortalInvitation = "portal_invitation", "Portal invitation";
        /// Choose a new password. The subject is the user.
        PasswordReset = "password_reset", "Password reset";
        /// Confirm the email of an application. The subject is the application.
        Confirmation = "registration_confirmation", "Registration confirmation";
    }
}

impl LinkPurpose {
    /// As short as possible, but long enough for the recipient to read the email.
    pub(crate) const fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset => Duration::hours(1),
            Self::Confirmation => Duration::hours(24),
            Self::MemberInvitation => Duration::days(3),
            Self::PortalInvitation => Duration::days(7),
        }
    }
}
