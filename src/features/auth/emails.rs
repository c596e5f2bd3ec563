//! Emails to people about their own account. A notice is sent even if the person made the change
//! themselves.

use chrono::{DateTime, Utc};

use super::model::Person;
use crate::features::emails::{EmailContent, EmailLink, EmailMessage};
use crate::kit::secrets::Encryptor;

/// The email with the link to choose a new password.
pub(super) fn password_reset<'a>(
    person: &'a Person,
    encryptor: &Encryptor,
    token: &str,
) -> EmailMessage<'a> {
    let (name, email) = of(person);
    EmailMessage {
        to: &person.email,
        program: None,
        content: EmailContent::PasswordReset { name, email },
        link: Some(EmailLink::secret(encryptor, &format!("/password-resets/{token}"))),
    }
}

/// The notice about a changed password.
pub(super) fn password_changed(person: &Person, at: DateTime<Utc>) -> EmailMessage<'_> {
    let (name, email) = of(person);
    notice(person, EmailContent::PasswordChanged { name, email, at })
}

/// The notice that sign-in now needs a code.
pub(super) fn two_factor_on(person: &Person, at: DateTime<Utc>) -> EmailMessage<'_> {
    let (name, email) = of(person);
    notice(person, EmailContent::TwoFactorOn { name, email, at })
}

/// The notice that sign-in no longer needs a code.
pub(super) fn two_factor_off(person: &Person, at: DateTime<Utc>) -> EmailMessage<'_> {
    let (name, email) = of(person);
    notice(person, EmailContent::TwoFactorOff { name, email, at })
}

/// The notice that a recovery code was used to sign in.
pub(super) fn recovery_code_used(
    person: &Person,
    left: i64,
    at: DateTime<Utc>,
) -> EmailMessage<'_> {
    let (name, email) = of(person);
    notice(person, EmailContent::RecoveryCodeUsed { name, email, at, left })
}

/// The notice about new recovery codes.
pub(super) fn recovery_codes_renewed(person: &Person, at: DateTime<Utc>) -> EmailMessage<'_> {
    let (name, email) = of(person);
    notice(person, EmailContent::RecoveryCodesCreated { name, email, at })
}

fn notice(person: &Person, content: EmailContent) -> EmailMessage<'_> {
    let link = Some(EmailLink::page("/password-resets/new"));
    EmailMessage { to: &person.email, program: None, content, link }
}

fn of(person: &Person) -> (String, String) {
    (person.name.clone(), person.email.clone())
}
