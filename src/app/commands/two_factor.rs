//! `vouch two-factor`

use anyhow::Context;
use clap::Subcommand;
use diesel::OptionalExtension;

use super::account::SignInEmail;
use super::database::with_database;
use super::text;
use crate::features::auth::{Person, User, two_factor};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};

/// The subcommands.
#[derive(Subcommand)]
pub enum TwoFactorCommand {
    /// Turn off two-factor sign-in for a user and end their sessions. Confirm their identity first
    Remove(SignInEmail),
}

pub(super) fn run(config: &Config, command: &TwoFactorCommand) -> anyhow::Result<()> {
    let TwoFactorCommand::Remove(address) = command;
    let person = with_database(config, |conn| {
        Ok(in_scope(conn, Scope::Unowned, |conn| {
            let Some(user) = User::by_email(conn, &address.email)? else { return Ok(None) };
            let Some(person) = Person::find(conn, user.id).optional()? else { return Ok(None) };
            if person.has_two_factor() {
                two_factor::turn_off(conn, &person, clock::now())?;
            }
            diesel::QueryResult::Ok(Some(person))
        })?)
    })?;
    let person = person.with_context(|| text::unknown_user(&address.email))?;
    match person.has_two_factor() {
        true => say!("{}", text::two_factor_off(&person.email, person.is_support)),
        false => say!("{}", text::two_factor_already_off(&person.email)),
    }
    Ok(())
}
