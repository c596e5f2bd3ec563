//! Emails to people about their own account.

use chrono::{DateTime, Utc};

use super::model::Person;
use crate::kit::email::{EmailLink, EmailMessage};
use crate::kit::secrets::Encryptor;
use crate::kit::web::display_time::DisplayTime;

/// The email with the link to choose a new password.
pub(super) fn password_reset<'a>(
    person: &'a Person,
    encryptor: &Encryptor,
    token: &str,
) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        subject: "Choose a new password".to_owned(),
        program: None,
        paragraphs: vec![
            hello(person),
            format!("Somebody, hopefully you, has asked for a new password for {}.", person.email),
            "The link works once, and for one hour. If it was not you, there is nothing to do: your \
             password stays as it is."
                .to_owned(),
        ],
        link: Some(EmailLink::secret(
            encryptor,
            "Choose a new password",
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
            "The password for {} was changed on {}. Whoever was signed in with it elsewhere is signed out.",
            person.email,
            at(now)
        ),
    )
}

/// The notice that sign-in now needs a code.
pub(super) fn two_factor_on(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "Two-factor sign-in was turned on for {} on {}: from now on Vouch asks for a code after the password.",
        person.email,
        at(now)
    );
    notice(person, "Two-factor sign-in is on", happened)
}

/// The notice that sign-in no longer needs a code.
pub(super) fn two_factor_off(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "Two-factor sign-in was turned off for {} on {}: the password is enough now.",
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
        "A recovery code of {} was used on {}. You have {left} left.",
        person.email,
        at(now)
    );
    notice(person, "A recovery code was used", happened)
}

/// The notice about new recovery codes.
pub(super) fn recovery_codes_renewed(person: &Person, now: DateTime<Utc>) -> EmailMessage<'_> {
    let happened = format!(
        "New recovery codes were made for {} on {}. Those from before work no longer.",
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
            "If it was not you, choose a new password at once, and tell whoever runs your program."
                .to_owned(),
        ],
        link: Some(EmailLink::page("Choose a new password", "/password-resets/new")),
    }
}

fn hello(person: &Person) -> String {
    format!("Hello {},", person.name)
}

fn at(now: DateTime<Utc>) -> String {
    format!("{} UTC", DisplayTime::utc(&now).text)
}
