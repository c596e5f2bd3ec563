//! `vouch support`

use clap::Subcommand;

use super::account::{Address, name, new_password, print_sign_in};
use super::with_database;
use crate::auth::{self, NewUser, NewUserError};
use crate::config::Config;
use crate::db::{Scope, in_scope};

/// What can be done with support staff.
#[derive(Subcommand)]
pub enum SupportCommand {
    /// Make somebody who looks after the merchants of this installation
    Create(Create),
}

/// A member of the support staff to be made.
#[derive(clap::Args)]
pub struct Create {
    #[command(flatten)]
    address: Address,
    /// Name of the person
    #[arg(long, value_parser = name)]
    name: String,
}

pub(super) fn run(config: &Config, command: &SupportCommand) -> anyhow::Result<()> {
    let SupportCommand::Create(new) = command;
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
    println!("Made {} support staff.", new.name);
    print_sign_in(config, &new.address.email, &password);
    println!("At the first sign-in they set up two-factor sign-in, with an app on their phone.");
    Ok(())
}
