//! `vouch email`: emails that are held without a mail server, for operators.

use anyhow::Context;
use clap::Subcommand;
use diesel::PgConnection;

use super::database::with_database;
use super::text;
use crate::features::accounts::{self, AccessChange};
use crate::features::emails;
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};
use crate::kit::secrets::Encryptor;

/// The subcommands.
#[derive(Subcommand)]
pub enum EmailCommand {
    /// List the newest emails without their text
    List,
    /// Print a held email. Its link can give access to an account, so share it only with the
    /// recipient
    Show {
        /// Number of the email in `vouch email list`
        id: i64,
    },
}

pub(super) fn run(config: &Config, command: &EmailCommand) -> anyhow::Result<()> {
    match command {
        EmailCommand::List => list(config),
        EmailCommand::Show { id } => show(config, *id),
    }
}

fn list(config: &Config) -> anyhow::Result<()> {
    let newest =
        with_database(config, |conn| Ok(in_scope(conn, Scope::Support, emails::newest_emails)?))?;
    if newest.is_empty() {
        say!("{}", text::NO_EMAILS);
    }
    for email in newest {
        let state = email.state.code();
        say!("{:>8}  {:<8}  {}  {}", email.id, state, email.recipient, email.subject);
    }
    Ok(())
}

fn show(config: &Config, id: i64) -> anyhow::Result<()> {
    let encryptor = Encryptor::new(&config.secret_key);
    let by = AccessChange::command_line("", clock::now());
    let email = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let found = emails::reveal(conn, id, &encryptor, &config.public_url)?;
            if let Some(email) = &found {
                accounts::note_revealed(conn, &by, email)?;
            }
            anyhow::Ok(found)
        })
    })?;
    let email = email.with_context(|| text::no_held_email(id))?;
    say!("{}", text::email(&email.recipient, &email.subject, &email.text));
    Ok(())
}
