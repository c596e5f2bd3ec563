//! Security events: each writes one line to the log and increments a counter.
//!
//! ```text
//! security::note(Kind::PasswordChanged);          // by the signed-in user
//! security::note(Kind::SignInFailed.by(user.id)); // by a user who isn't signed in
//! ```
//!
//! A line contains the event, the user, the merchant, the client's IP address (by the rule of
//! `VOUCH_TRUSTED_PROXIES`), the route and the request's id. It never contains a token, a password,
//! an email or other input. If an event changes a merchant's data, the merchant's audit log also
//! has an entry, written in the same transaction: [`Kind::is_audited`].
//!
//! `web::watch` records refusals from the response, so handlers that refuse don't call anything.

use std::fmt::Display;

use crate::kit::counters;
use crate::kit::db::text_enum;
use crate::kit::request;

text_enum! {
    /// The kind of an event. `tests/security_events.rs` causes each of them.
    pub enum Kind {
        /// A session began.
        SignedIn = "signed_in", "Signed in";
        /// A user signed out.
        SignedOut = "signed_out", "Signed out";
        /// The email or the password was wrong.
        SignInFailed = "sign_in_failed", "Sign-in failed";
        /// The code of two-factor sign-in, or the recovery code, was wrong.
        WrongCode = "wrong_code", "Wrong sign-in code";
        /// A recovery code was used up.
        RecoveryCodeUsed = "recovery_code_used", "Recovery code used";
        /// The password was wrong where a page asks for it again.
        WrongPassword = "wrong_password", "Wrong password";
        /// A limit on requests (429) or on the size of one (413) was exceeded.
        LimitHit = "limit_hit", "Limit exceeded";
        /// A form without the session's token, or from another site.
        CsrfRefused = "csrf_refused", "Form rejected";
        /// A page or an action needs another role (403).
        Forbidden = "forbidden", "Access denied";
        /// A signed-in user or an API key requested something that the merchant doesn't have (404).
        /// It isn't looked up whether another merchant has it. The look-up would bypass the row
        /// security, and its duration would reveal what the response hides.
        NotFound = "not_found", "Not found";
        /// A webhook with a wrong signature, or for no store.
        BadSignature = "bad_signature", "Invalid webhook signature";
        /// No API key, or a wrong or revoked one.
        BadApiKey = "bad_api_key", "Invalid API key";
        /// A wrong token for the metrics.
        BadMetricsToken = "bad_metrics_token", "Invalid metrics token";
        /// A user changed their password.
        PasswordChanged = "password_changed", "Password changed";
        /// A user set a new password with a link.
        PasswordReset = "password_reset", "Password reset";
        /// Two-factor sign-in was turned on.
        TwoFactorOn = "two_factor_on", "Two-factor turned on";
        /// Two-factor sign-in was turned off.
        TwoFactorOff = "two_factor_off", "Two-factor turned off";
        /// New recovery codes replaced the old ones.
        RecoveryCodesRenewed = "recovery_codes_renewed", "Recovery codes replaced";
        /// Sessions were ended, one's own or by support staff.
        SessionsEnded = "sessions_ended", "Sessions ended";
        /// An email with a link that gives access was queued.
        LinkSent = "link_sent", "Link sent";
        /// Such a link was used.
        LinkUsed = "link_used", "Link used";
        /// Such a link was wrong, already used or expired.
        BadLink = "bad_link", "Invalid link";
        /// Support staff started to view a merchant's pages.
        ViewBegan = "view_began", "View started";
        /// The view ended.
        ViewEnded = "view_ended", "View ended";
        /// A file of a merchant's data was downloaded.
        ExportDownloaded = "export_downloaded", "Export downloaded";
        /// One person's data was erased from a merchant's data.
        PersonErased = "person_erased", "Person erased";
        /// An API key was created.
        ApiKeyCreated = "api_key_created", "API key created";
        /// An API key was revoked.
        ApiKeyRevoked = "api_key_revoked", "API key revoked";
        /// A user was disabled.
        UserDisabled = "user_disabled", "User disabled";
        /// A user was enabled again.
        UserEnabled = "user_enabled", "User enabled";
        /// A user got or lost support rights.
        SupportRightsChanged = "support_rights_changed", "Support rights changed";
        /// A merchant was closed.
        MerchantClosed = "merchant_closed", "Merchant closed";
        /// A merchant was reopened.
        MerchantReopened = "merchant_reopened", "Merchant reopened";
        /// Support staff or an operator read a pending email.
        EmailRevealed = "email_revealed", "Email revealed";
    }
}

impl Kind {
    /// Whether the event changes a merchant's data, so that the merchant's audit log has an entry
    /// too.
    ///
    /// Changes of a user's own account don't, because the user may belong to several merchants.
    /// Refusals change nothing, and with entries anyone could fill a merchant's log.
    pub fn is_audited(self) -> bool {
        match self {
            Self::ViewBegan
            | Self::ViewEnded
            | Self::ExportDownloaded
            | Self::PersonErased
            | Self::ApiKeyCreated
            | Self::ApiKeyRevoked
            | Self::UserDisabled
            | Self::UserEnabled
            | Self::MerchantClosed
            | Self::MerchantReopened
            | Self::EmailRevealed => true,
            Self::SignedIn
            | Self::SignedOut
            | Self::SignInFailed
            | Self::WrongCode
            | Self::RecoveryCodeUsed
            | Self::WrongPassword
            | Self::LimitHit
            | Self::CsrfRefused
            | Self::Forbidden
            | Self::NotFound
            | Self::BadSignature
            | Self::BadApiKey
            | Self::BadMetricsToken
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::TwoFactorOn
            | Self::TwoFactorOff
            | Self::RecoveryCodesRenewed
            | Self::SessionsEnded
            | Self::SupportRightsChanged
            | Self::LinkSent
            | Self::LinkUsed
            | Self::BadLink => false,
        }
    }

    /// Whether a request was refused; these lines are warnings.
    fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::SignInFailed
                | Self::WrongCode
                | Self::WrongPassword
                | Self::LimitHit
                | Self::CsrfRefused
                | Self::Forbidden
                | Self::NotFound
                | Self::BadSignature
                | Self::BadApiKey
                | Self::BadMetricsToken
                | Self::BadLink
        )
    }

    /// The event caused by this user instead of the signed-in one; `None` for an unknown user.
    pub(crate) fn by(self, user_id: impl Into<Option<i64>>) -> SecurityEvent {
        SecurityEvent { user_id: user_id.into(), ..self.into() }
    }

    /// The event about one object: a noun and its id, such as `("merchant", 12)`.
    pub(crate) fn about(self, noun: &str, key: impl Display) -> SecurityEvent {
        SecurityEvent { subject: Some(format!("{noun} {key}")), ..self.into() }
    }
}

/// An event that is ready for [`note`].
#[derive(Clone, Debug)]
pub(crate) struct SecurityEvent {
    kind: Kind,
    user_id: Option<i64>,
    subject: Option<String>,
}

impl From<Kind> for SecurityEvent {
    fn from(kind: Kind) -> Self {
        Self { kind, user_id: None, subject: None }
    }
}

/// Logs and counts the event. Call it after the change, within the request, because
/// [`crate::kit::request`] provides the signed-in user and the other facts.
pub(crate) fn note(event: impl Into<SecurityEvent>) {
    let SecurityEvent { kind, user_id, subject } = event.into();
    let request = request::current();
    let request = request.as_deref();
    let sender = request.map(request::Request::sender).unwrap_or_default();
    // `Option` fields with `None` aren't written.
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: "vouch::security",
                event = kind.as_str(),
                user = user_id.or(sender.user_id),
                merchant = sender.merchant_id,
                api_key = sender.api_key_id,
                store = sender.store_id,
                subject = subject.as_deref(),
                client = request.map(|request| request.client.to_string()),
                method = request.map(|request| request.method.as_str()),
                route = request.map(|request| request.route.as_deref().unwrap_or("unknown")),
                request_id = request.map(|request| request.id.as_str()),
                "{}", kind.as_str()
            )
        };
    }
    if kind.is_refusal() {
        line!(warn);
    } else {
        line!(info);
    }
    counters::security_event(kind.as_str());
}
