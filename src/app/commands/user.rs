//! `vouch user`

use anyhow::Context;
use clap::{Args, Subcommand};
use diesel::PgConnection;

use super::account::{Reason, SignInEmail, user_id};
use super::database::with_database;
use crate::features::accounts;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};

/// What can be done with a person's access.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Disable a person: they can't sign in, their sessions end, and their API keys are revoked
    Disable(OfUser),
    /// Let a disabled person sign in again; API keys stay revoked
    Enable(OfUser),
}

/// Whom it is about, and why.
#[derive(Args)]
pub struct OfUser {
    #[command(flatten)]
    address: SignInEmail,
    #[command(flatten)]
    why: Reason,
}

pub(super) fn run(config: &Config, command: &UserCommand) -> anyhow::Result<()> {
    let (UserCommand::Disable(of) | UserCommand::Enable(of)) = command;
    let (email, by) = (&of.address.email, of.why.by());
    let done = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let user_id = user_id(conn, email)?;
            match command {
                UserCommand::Disable(_) => anyhow::Ok(accounts::disable(conn, &by, user_id)?),
                UserCommand::Enable(_) => {
                    let changed = accounts::enable(conn, &by, user_id)?;
                    Ok(changed.then(accounts::EndedAccess::default))
                }
            }
        })
    })
    .with_context(|| format!("cannot change {email}"))?;
    match (command, done) {
        (UserCommand::Disable(_), Some(ended)) => {
            say!("Disabled {email}. {}", ended.words());
        }
        (UserCommand::Disable(_), None) => say!("{email} was disabled already."),
        (UserCommand::Enable(_), Some(_)) => say!("Enabled {email}."),
        (UserCommand::Enable(_), None) => say!("{email} was not disabled."),
    }
    Ok(())
}
