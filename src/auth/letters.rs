//! What Vouch writes to people about their own account.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::model::Person;
use crate::mail::{Letter, Link};
use crate::secrets::Sealer;
use crate::web::when::When;

/// The link by which a person chooses a new password.
pub(super) fn password_reset<'a>(person: &'a Person, sealer: &Sealer, token: &str) -> Letter<'a> {
    Letter {
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
        link: Some(Link::secret(
            sealer,
            "Choose a new password",
            &format!("/password-resets/{token}"),
        )),
    }
}

/// That the password is another one.
pub(super) fn password_changed(person: &Person, now: DateTime<Utc>) -> Letter<'_> {
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

/// Something about a person's account that they should hear of even if they did it themselves.
fn notice<'a>(person: &'a Person, subject: &str, happened: String) -> Letter<'a> {
    Letter {
        to: &person.email,
        subject: subject.to_owned(),
        program: None,
        paragraphs: vec![
            hello(person),
            happened,
            "If it was not you, choose a new password at once, and tell whoever runs your program."
                .to_owned(),
        ],
        link: Some(Link::page("Choose a new password", "/password-resets/new")),
    }
}

fn hello(person: &Person) -> String {
    format!("Hello {},", person.name)
}

fn at(now: DateTime<Utc>) -> String {
    format!("{} UTC", When::new(now, Tz::UTC).text)
}
