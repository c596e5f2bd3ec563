//! `vouch support`

use clap::Subcommand;
use diesel::PgConnection;

use super::account::{Reason, SignInEmail, name, new_password, print_sign_in, user_id};
use super::database::with_database;
use crate::features::accounts;
use crate::features::auth::{self, NewUser, NewUserError};
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};

/// What can be done with support staff.
#[derive(Subcommand)]
pub enum SupportCommand {
    /// Make a new person who looks after the merchants of this server
    Create(CreateSupportUser),
    /// Give the rights of support staff to a person who signs in already
    Add(OfStaff),
    /// Take the rights of support staff from a person: their sessions end, and API keys that they made
    /// are revoked
    Remove(OfStaff),
}

/// Whom it is about, and why.
#[derive(clap::Args)]
pub struct OfStaff {
    #[command(flatten)]
    address: SignInEmail,
    #[command(flatten)]
    why: Reason,
}

/// A member of the support staff to be made.
#[derive(clap::Args)]
pub struct CreateSupportUser {
    #[command(flatten)]
    address: SignInEmail,
    /// Name of the person
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
        true => say!("{email} is support staff from the next sign-in on."),
        false => say!("{email} was support staff already."),
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
        Some(ended) => say!("{email} is no longer support staff. {}", ended.words()),
        None => say!("{email} was not support staff."),
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
    say!("Made {} support staff.", new.name);
    print_sign_in(config, &new.address.email, &password);
    say!("At the first sign-in they set up two-factor sign-in, with an app on their phone.");
    Ok(())
}
