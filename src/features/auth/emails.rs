//! Emails to people about their own account.

use chrono::{DateTime, Utc};

use super::model::Person;
use crate::kit::email::{EmailLink, EmailMessage};
use crate::kit::secrets::Encryptor;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers::counted;

/// The email with the link to choose a new password.
pub(super) fn password_reset<'a>(
    person: &'a Person,
    encryptor: &Encryptor,
    token: &str,
) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        subject: "Reset your password".to_owned(),
        program: None,
        paragraphs: vec![
            hello(person),
            format!("We received a request to reset the password for {}.", person.email),
            "The link works once and expires in 1 hour. If you didn’t ask for this, ignore this \
             email. Your password won’t change."
                .to_owned(),
        ],
        link: Some(EmailLink::secret(
            encryptor,
            "Reset password",
            &format!("/password-resets/{token}"),
        )),
    }
}

/// The notice about a changed password.
pub(super) fn password_changed(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    notice(
        person,
        "Your password was changed",
        format!(
            "The password for {} was changed on {}. You were signed out on all your other devices.",
            person.email,
            at(now)
        ),
    )
}

/// The notice that sign-in now needs a code.
pub(super) fn two_factor_on(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "Two-factor sign-in was turned on for {} on {}. You now enter a code after your password to sign in.",
        person.email,
        at(now)
    );
    notice(person, "Two-factor sign-in is on", happened)
}

/// The notice that sign-in no longer needs a code.
pub(super) fn two_factor_off(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "Two-factor sign-in was turned off for {} on {}. You now sign in with your password only.",
        person.email,
        at(now)
    );
    notice(person, "Two-factor sign-in is off", happened)
}

/// The notice that a recovery code was used to sign in.
pub(super) fn recovery_code_used(
    person: &Person,
    left: i64,
    now: DateTime<Utc>,
) -> EmailMessage<'_> {
    let happened = format!(
        "A recovery code for {} was used on {}. You have {} left.",
        person.email,
        at(now),
        counted(left, "recovery code", "recovery codes")
    );
    notice(person, "A recovery code was used", happened)
}

/// The notice about new recovery codes.
pub(super) fn recovery_codes_renewed(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "New recovery codes were created for {} on {}. Your old codes no longer work.",
        person.email,
        at(now)
    );
    notice(person, "You have new recovery codes", happened)
}

/// A security notice, sent even if the person made the change themselves.
fn notice<'a>(person: &'a Person, subject: &str, happened: String) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        subject: subject.to_owned(),
        program: None,
        paragraphs: vec![
            hello(person),
            happened,
            "Wasn’t you? Reset your password now, then contact your program.".to_owned(),
        ],
        link: Some(EmailLink::page("Reset password", "/password-resets/new")),
    }
}

fn hello(person: &Person) -> String {
    format!("Hi {},", person.name)
}

fn at(now: DateTime<Utc>) -> String {
    format!("{} UTC", DisplayTime::utc(&now).text)
}
