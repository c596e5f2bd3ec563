//! `vouch support`

use clap::Subcommand;
use diesel::PgConnection;

use super::account::{ReasonArgument, SignInEmail, name, new_password, print_sign_in, user_id};
use super::database::with_database;
use super::text;
use crate::features::accounts;
use crate::features::auth::{self, NewUser, NewUserError};
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};

/// The subcommands.
#[derive(Subcommand)]
pub enum SupportCommand {
    /// Create a support user, who can help all merchants of this instance
    Create(CreateSupportUser),
    /// Make an existing user support staff, and end their sessions
    Add(OfStaff),
    /// Remove a user from support staff, end their sessions and revoke their API keys
    Remove(OfStaff),
}

/// The user and the reason.
#[derive(clap::Args)]
pub struct OfStaff {
    #[command(flatten)]
    address: SignInEmail,
    #[command(flatten)]
    why: ReasonArgument,
}

/// A new support user.
#[derive(clap::Args)]
pub struct CreateSupportUser {
    #[command(flatten)]
    address: SignInEmail,
    /// Name of the user
    #[arg(long, value_parser = name)]
    name: String,
}

pub(super) fn run(config: &Config, command: &SupportCommand) -> anyhow::Result<()> {
    match command {
        SupportCommand::Create(new) => create(config, new),
        SupportCommand::Add(of) => add(config, of),
        SupportCommand::Remove(of) => remove(config, of),
    }
}

fn add(config: &Config, of: &OfStaff) -> anyhow::Result<()> {
    let (email, by) = (&of.address.email, of.why.by());
    let added = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let user_id = user_id(conn, email)?;
            anyhow::Ok(accounts::add_support(conn, &by, user_id)?)
        })
    })?;
    match added {
        true => say!("{}", text::support_added(email)),
        false => say!("{}", text::support_already_added(email)),
    }
    Ok(())
}

fn remove(config: &Config, of: &OfStaff) -> anyhow::Result<()> {
    let (email, by) = (&of.address.email, of.why.by());
    let removed = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let user_id = user_id(conn, email)?;
            anyhow::Ok(accounts::remove_support(conn, &by, user_id)?)
        })
    })?;
    match removed {
        Some(ended) => say!("{}", text::support_removed(email, &ended.words())),
        None => say!("{}", text::support_not_added(email)),
    }
    Ok(())
}

fn create(config: &Config, new: &CreateSupportUser) -> anyhow::Result<()> {
    let password = new_password();
    let hash = auth::hash(&password)?;
    let user = NewUser {
        email: &new.address.email,
        name: &new.name,
        password_hash: Some(&hash),
        is_support: true,
    };
    with_database(config, |conn| {
        in_scope(conn, Scope::Unowned, |conn| auth::create_user(conn, &user).map(drop))
            .map_err(|error: NewUserError| error.into())
    })?;
    say!("{}", text::support_created(&new.name));
    print_sign_in(config, &new.address.email, &password);
    say!("{}", text::SUPPORT_SETS_UP_TWO_FACTOR);
    Ok(())
}
