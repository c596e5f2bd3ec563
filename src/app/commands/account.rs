//! Shared by the commands about users.

use anyhow::Context;
use clap::Args;
use diesel::prelude::*;
use rand::seq::IndexedRandom;
use validator::ValidateEmail;
use vouch_core::name::{Name, NameError};

use super::text;
use crate::features::accounts::{AccessChange, read_reason};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::schema::users;
use crate::kit::email::email_key;

/// Letters and digits that are easy to tell apart.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Four groups of five: 100 bits.
const GROUPS: usize = 4;
const GROUP_LENGTH: usize = 5;

/// The email of a user, as an argument.
#[derive(Args)]
pub struct SignInEmail {
    /// Email of the user
    #[arg(long, value_parser = email)]
    pub email: String,
}

/// The reason for a change, for the instance's log.
#[derive(Args)]
pub(crate) struct ReasonArgument {
    /// Reason for the support staff to read (one line, 500 characters or fewer)
    #[arg(long, default_value = "", value_parser = read_reason)]
    reason: String,
}

impl ReasonArgument {
    /// The person at the terminal, now.
    pub(super) fn by(&self) -> AccessChange {
        AccessChange::command_line(&self.reason, clock::now())
    }
}

/// The user with this email, disabled or not.
pub(super) fn user_id(conn: &mut PgConnection, email: &str) -> anyhow::Result<i64> {
    users::table
        .filter(users::email_key.eq(email_key(email)))
        .select(users::id)
        .first(conn)
        .optional()?
        .with_context(|| text::unknown_user(email))
}

pub(super) fn email(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    match typed.validate_email() {
        true => Ok(typed.to_owned()),
        false => Err(text::NOT_AN_EMAIL.to_owned()),
    }
}

/// The name of a person or a program, as an argument.
pub(super) fn name(typed: &str) -> Result<String, NameError> {
    Name::read(typed).map(Name::into_string)
}

/// A password for a user's first sign-in. There's no default one.
pub(super) fn new_password() -> String {
    let mut random = rand::rng();
    let groups: Vec<String> = (0..GROUPS)
        .map(|_| {
            (0..GROUP_LENGTH)
                .filter_map(|_| ALPHABET.choose(&mut random))
                .map(|byte| char::from(*byte))
                .collect()
        })
        .collect();
    groups.join("-")
}

/// Prints how a new user signs in.
pub(super) fn print_sign_in(config: &Config, email: &str, password: &str) {
    say!("{}", text::sign_in(&config.public_url, email, password));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::accounts::ReasonError;

    #[test]
    fn passwords_differ_and_are_good_enough_for_our_own_rules() {
        let (one, other) = (new_password(), new_password());
        assert_ne!(one, other);
        assert_eq!(one.len(), GROUPS * (GROUP_LENGTH + 1) - 1, "{one}");
        assert_eq!(crate::features::auth::judge(&one, &[""]), Ok(()));
    }

    #[test]
    fn refuses_what_is_no_address_and_no_name() {
        assert_eq!(email(" ana@example.com "), Ok("ana@example.com".to_owned()));
        assert!(email("ana").is_err());
        assert!(name("  ").is_err());
        assert_eq!(read_reason(" Left "), Ok("Left".to_owned()));
        assert_eq!(read_reason(&"x".repeat(501)), Err(ReasonError::TooLong));
        for hidden in ["a\nb", "a\rb", "a\u{202e}b", "a\tb"] {
            assert_eq!(read_reason(hidden), Err(ReasonError::Invisible), "{hidden:?}");
        }
        assert!(name(&"x".repeat(201)).is_err());
    }
}
