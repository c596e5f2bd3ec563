//! What emails say, and what support staff read about them.

mod affiliates;
mod parts;
mod users;

use chrono::{DateTime, Utc};

use self::affiliates::{
    Contact, account_invitation, application_approved, application_denied, applied_again,
    codes_approved, codes_denied, confirmation, payout_details_changed,
};
use self::parts::Parts;
use self::users::{member_invited, member_removed, notice, password_reset};
use super::content::EmailContent;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers::counted;

/// The text of an email.
pub(super) struct EmailText {
    pub(super) subject: String,
    pub(super) paragraphs: Vec<String>,
    pub(super) link_label: String,
}

impl EmailText {
    /// `program` is "" in emails of the instance. `takes_replies` is whether replies reach the
    /// merchant.
    pub(super) fn new(content: &EmailContent, program: &str, takes_replies: bool) -> Self {
        let contact = Contact { program, takes_replies };
        let (subject, paragraphs, link_label) = parts(content, program, &contact);
        let greeting = match name_of(content) {
            Some(name) => format!("Hi {name},"),
            None => "Hi,".to_owned(),
        };
        let paragraphs = std::iter::once(greeting).chain(paragraphs).collect();
        Self { subject, paragraphs, link_label: link_label.to_owned() }
    }
}

fn name_of(content: &EmailContent) -> Option<&str> {
    use EmailContent as C;
    match content {
        C::ApplicationConfirmation { .. } | C::AppliedAgain { .. } | C::MemberInvited { .. } => {
            None
        }
        C::ApplicationApproved { name, .. }
        | C::ApplicationDenied { name, .. }
        | C::AccountInvitation { name }
        | C::CodesApproved { name, .. }
        | C::CodesDenied { name, .. }
        | C::PayoutDetailsChanged { name }
        | C::MemberRemoved { name }
        | C::PasswordReset { name, .. }
        | C::PasswordChanged { name, .. }
        | C::TwoFactorOn { name, .. }
        | C::TwoFactorOff { name, .. }
        | C::RecoveryCodeUsed { name, .. }
        | C::RecoveryCodesCreated { name, .. } => Some(name),
    }
}

fn parts(content: &EmailContent, program: &str, contact: &Contact<'_>) -> Parts {
    use EmailContent as C;
    match content {
        C::ApplicationConfirmation { has_code } => confirmation(program, *has_code),
        C::AppliedAgain { applicant } => applied_again(program, contact, *applicant),
        C::ApplicationApproved { codes, .. } => application_approved(program, codes),
        C::ApplicationDenied { reason, .. } => application_denied(program, contact, reason),
        C::AccountInvitation { .. } => account_invitation(program),
        C::CodesApproved { name, codes } => codes_approved(program, name, codes),
        C::CodesDenied { codes, reason, .. } => codes_denied(program, contact, codes, reason),
        C::PayoutDetailsChanged { .. } => payout_details_changed(program, contact),
        C::MemberInvited { inviter, role } => member_invited(program, inviter, *role),
        C::MemberRemoved { .. } => member_removed(program),
        C::PasswordReset { email, .. } => password_reset(email),
        C::PasswordChanged { email, at, .. } => notice(
            "Your password was changed",
            format!("The password for {email} was changed on {}.", utc(at)),
            "You were signed out on all your other devices.",
        ),
        C::TwoFactorOn { email, at, .. } => notice(
            "Two-factor sign-in is on",
            format!("Two-factor sign-in was turned on for {email} on {}.", utc(at)),
            "You now enter a code after your password to sign in.",
        ),
        C::TwoFactorOff { email, at, .. } => notice(
            "Two-factor sign-in is off",
            format!("Two-factor sign-in was turned off for {email} on {}.", utc(at)),
            "You now sign in with your password only.",
        ),
        C::RecoveryCodeUsed { email, at, left, .. } => notice(
            "A recovery code was used",
            format!("A recovery code for {email} was used on {}.", utc(at)),
            &format!("You have {} left.", counted(*left, "recovery code", "recovery codes")),
        ),
        C::RecoveryCodesCreated { email, at, .. } => notice(
            "You have new recovery codes",
            format!("New recovery codes were created for {email} on {}.", utc(at)),
            "Your old codes no longer work.",
        ),
    }
}

fn utc(at: &DateTime<Utc>) -> String {
    format!("{} UTC", DisplayTime::utc(at).text)
}

/// The last line of an email.
pub(super) fn signature(program: &str) -> String {
    match program {
        "" => "Sent by Vouch.".to_owned(),
        program => format!("Sent by Vouch for {program}."),
    }
}

/// Instead of the subject of an email of a newer version.
pub(super) fn unknown(code: &str) -> String {
    format!("Email from a newer version of Vouch ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::emails::content::ApplicantStatus;
    use crate::kit::session::Role;

    /// One of each.
    fn all() -> Vec<EmailContent> {
        use EmailContent as C;
        let (name, email) = (|| "Ana".to_owned(), || "ana@example.com".to_owned());
        let (at, codes) = (DateTime::UNIX_EPOCH, || vec!["A10".to_owned(), "B10".to_owned()]);
        vec![
            C::ApplicationConfirmation { has_code: true },
            C::AppliedAgain { applicant: ApplicantStatus::Pending },
            C::AppliedAgain { applicant: ApplicantStatus::Active },
            C::AppliedAgain { applicant: ApplicantStatus::Reviewed },
            C::ApplicationApproved { name: name(), codes: codes() },
            C::ApplicationDenied { name: name(), reason: "Too far.".to_owned() },
            C::AccountInvitation { name: name() },
            C::CodesApproved { name: name(), codes: codes() },
            C::CodesDenied { name: name(), codes: codes(), reason: "Too far.".to_owned() },
            C::PayoutDetailsChanged { name: name() },
            C::MemberInvited { inviter: name(), role: Role::Admin },
            C::MemberRemoved { name: name() },
            C::PasswordReset { name: name(), email: email() },
            C::PasswordChanged { name: name(), email: email(), at },
            C::TwoFactorOn { name: name(), email: email(), at },
            C::TwoFactorOff { name: name(), email: email(), at },
            C::RecoveryCodeUsed { name: name(), email: email(), at, left: 1 },
            C::RecoveryCodesCreated { name: name(), email: email(), at },
        ]
    }

    #[test]
    fn only_emails_with_a_reply_address_tell_people_to_reply() {
        for content in all() {
            let says_reply = |takes_replies: bool| {
                let text = EmailText::new(&content, "Acme Tea", takes_replies);
                text.paragraphs.join(" ").to_lowercase().contains("reply to this")
            };
            assert_eq!(says_reply(true), content.invites_reply(), "{content:?}");
            assert!(!says_reply(false), "{content:?}");
        }
    }

    #[test]
    fn an_email_is_read_back_as_it_was_stored() {
        for content in all() {
            let stored = serde_json::to_value(&content).unwrap();
            assert_eq!(serde_json::from_value::<EmailContent>(stored).unwrap(), content);
        }
    }
}
