//! `vouch merchant`

use anyhow::Context;
use chrono_tz::Tz;
use clap::Subcommand;
use diesel::prelude::*;
use vouch_core::money::Currency;

use super::account::{ReasonArgument, SignInEmail, name, new_password, print_sign_in};
use super::database::with_database;
use super::text;
use crate::features::accounts;
use crate::features::auth::{self, NewUser, User};
use crate::features::merchants::{self, CreateMerchantError, NewMerchant, Owner};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::schema::merchants as merchants_table;
use crate::kit::db::{Scope, in_scope};

/// The subcommands.
#[derive(Subcommand)]
pub enum MerchantCommand {
    /// Create a merchant and its owner. An existing user keeps their password
    Create(CreateMerchant),
    /// Close a merchant, end its sessions and revoke its API keys
    Close(OfMerchant),
    /// Reopen a closed merchant. Its API keys stay revoked
    Reopen(OfMerchant),
}

/// Which merchant, and why.
#[derive(clap::Args)]
pub struct OfMerchant {
    /// The merchant's slug, as in /join/SLUG
    #[arg(long)]
    slug: String,
    #[command(flatten)]
    why: ReasonArgument,
}

/// A new merchant.
#[derive(clap::Args)]
pub struct CreateMerchant {
    /// Name of the affiliate program
    #[arg(long, value_parser = name)]
    name: String,
    #[command(flatten)]
    owner: SignInEmail,
    /// Name of the owner [default: the part of the email before the @]
    #[arg(long, value_parser = name)]
    owner_name: Option<String>,
    /// Currency that totals show first (ISO 4217)
    #[arg(long, default_value = "USD")]
    currency: Currency,
    /// Time zone of the program's days (IANA name)
    #[arg(long, default_value = "UTC")]
    time_zone: Tz,
}

pub(super) fn run(config: &Config, command: &MerchantCommand) -> anyhow::Result<()> {
    match command {
        MerchantCommand::Create(new) => create(config, new),
        MerchantCommand::Close(of) => close(config, of),
        MerchantCommand::Reopen(of) => reopen(config, of),
    }
}

fn close(config: &Config, of: &OfMerchant) -> anyhow::Result<()> {
    let closed = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let merchant_id = merchant_id(conn, &of.slug)?;
            anyhow::Ok(accounts::close(conn, &of.why.by(), merchant_id)?)
        })
    })?;
    match closed {
        Some(ended) => say!("{}", text::merchant_closed(&of.slug, &ended.words())),
        None => say!("{}", text::merchant_already_closed(&of.slug)),
    }
    Ok(())
}

fn reopen(config: &Config, of: &OfMerchant) -> anyhow::Result<()> {
    let reopened = with_database(config, |conn| {
        in_scope(conn, Scope::Instance, |conn: &mut PgConnection| {
            let merchant_id = merchant_id(conn, &of.slug)?;
            anyhow::Ok(accounts::reopen(conn, &of.why.by(), merchant_id)?)
        })
    })?;
    match reopened {
        true => say!("{}", text::merchant_reopened(&of.slug)),
        false => say!("{}", text::merchant_not_closed(&of.slug)),
    }
    Ok(())
}

/// Closed or not.
fn merchant_id(conn: &mut PgConnection, slug: &str) -> anyhow::Result<i64> {
    let found = merchants_table::table
        .filter(merchants_table::slug.eq(slug))
        .select(merchants_table::id)
        .first(conn)
        .optional()?;
    found.with_context(|| text::unknown_merchant(slug))
}

fn create(config: &Config, new: &CreateMerchant) -> anyhow::Result<()> {
    let email = &new.owner.email;
    let owner_name = new.owner_name.as_deref().or_else(|| email.split('@').next()).unwrap_or(email);
    let password = new_password();
    let hash = auth::hash(&password)?;
    let (created, is_new) = with_database(config, |conn| {
        let made = in_scope(conn, Scope::Instance, |conn| {
            let known = User::by_email(conn, email)?;
            let owner = match &known {
                Some(user) => Owner::Existing(user.id),
                None => Owner::New(NewUser {
                    email,
                    name: owner_name,
                    password_hash: Some(&hash),
                    is_support: false,
                }),
            };
            let merchant = NewMerchant {
                name: &new.name,
                currency: new.currency,
                time_zone: new.time_zone,
                owner,
            };
            let created = merchants::create(conn, &merchant, clock::now())?;
            Ok::<_, CreateMerchantError>((created, known.is_none()))
        })?;
        Ok(made)
    })?;
    say!("{}", text::merchant_created(&new.name, &created.slug));
    match is_new {
        true => print_sign_in(config, email, &password),
        false => say!("{}", text::owner_keeps_password(email)),
    }
    Ok(())
}
