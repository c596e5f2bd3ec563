//! `vouch user`

use clap::{Args, Subcommand};
use diesel::PgConnection;

use super::account::{ReasonArgument, SignInEmail, user_id};
use super::database::with_database;
use super::text;
use crate::features::accounts;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};

/// The subcommands.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Disable a user, end their sessions and revoke their API keys
    Disable(OfUser),
    /// Enable a disabled user. Their API keys stay revoked
    Enable(OfUser),
}

/// The user and the reason.
#[derive(Args)]
pub struct OfUser {
    #[command(flatten)]
    address: SignInEmail,
    #[command(flatten)]
    why: ReasonArgument,
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
    })?;
    match (command, done) {
        (UserCommand::Disable(_), Some(ended)) => {
            say!("{}", text::user_disabled(email, &ended.words()));
        }
        (UserCommand::Disable(_), None) => say!("{}", text::user_already_disabled(email)),
        (UserCommand::Enable(_), Some(_)) => say!("{}", text::user_enabled(email)),
        (UserCommand::Enable(_), None) => say!("{}", text::user_not_disabled(email)),
    }
    Ok(())
}
