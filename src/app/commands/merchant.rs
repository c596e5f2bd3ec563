//! `vouch merchant`

use anyhow::Context;
use chrono_tz::Tz;
use clap::Subcommand;
use diesel::prelude::*;
use vouch_core::money::Currency;

use super::account::{Reason, SignInEmail, name, new_password, print_sign_in};
use super::database::with_database;
use crate::features::accounts;
use crate::features::auth::{self, NewUser, User};
use crate::features::merchants::{self, CreateMerchantError, NewMerchant, Owner};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::schema::merchants as merchants_table;
use crate::kit::db::{Scope, in_scope};

/// What can be done with merchants.
#[derive(Subcommand)]
pub enum MerchantCommand {
    /// Make a merchant and its owner; somebody who signs in already becomes the owner as they are
    Create(CreateMerchant),
    /// Close a merchant: its people are signed out and lose its pages, and its API keys are revoked
    Close(OfMerchant),
    /// Open a closed merchant again; API keys stay revoked
    Reopen(OfMerchant),
}

/// Which merchant, and why.
#[derive(clap::Args)]
pub struct OfMerchant {
    /// The part of its public address: /join/SLUG
    #[arg(long)]
    slug: String,
    #[command(flatten)]
    why: Reason,
}

/// A merchant to be made.
#[derive(clap::Args)]
pub struct CreateMerchant {
    /// Name of the affiliate program
    #[arg(long, value_parser = name)]
    name: String,
    #[command(flatten)]
    owner: SignInEmail,
    /// Name of the owner [default: the part of the address before the @]
    #[arg(long, value_parser = name)]
    owner_name: Option<String>,
    /// Currency in which figures are shown first (ISO 4217)
    #[arg(long, default_value = "USD")]
    currency: Currency,
    /// Time zone in which days begin and end (IANA name)
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
        Some(ended) => say!("Closed {}. {}", of.slug, ended.words()),
        None => say!("{} was closed already.", of.slug),
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
        true => say!("Reopened {}.", of.slug),
        false => say!("{} was not closed.", of.slug),
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
    found.with_context(|| format!("no merchant has the slug {slug}"))
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
    say!("Made the program {} ({}).", new.name, created.slug);
    match is_new {
        true => print_sign_in(config, email, &password),
        false => say!("{email} is its owner, and signs in as before."),
    }
    Ok(())
}
