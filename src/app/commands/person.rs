//! `vouch person`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use diesel::prelude::*;
use serde_json::{Map, Value};

use super::account::email;
use super::database::bring_up_to_date;
use super::text;
use crate::app::instance::key;
use crate::features::privacy::export::export;
use crate::features::privacy::{
    DataSubject, Lookup, erase_from_instance, erase_person, sent_emails,
};
use crate::kit::audit::Actor;
use crate::kit::clock;
use crate::kit::config::{Config, Connections};
use crate::kit::console::say;
use crate::kit::db::connect::ConnectRetry;
use crate::kit::db::schema::merchants;
use crate::kit::db::{Db, Scope, Source};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};

/// The subcommands. A person is a customer, an applicant, an affiliate or a member.
#[derive(Subcommand)]
pub enum PersonCommand {
    /// Export everything stored about a person as JSON
    Export(Export),
    /// Erase a person's data. Without --yes, only show where it was found
    Erase(Erase),
}

#[derive(Args)]
pub(crate) struct Which {
    /// Email of the person
    #[arg(long, value_parser = email)]
    email: String,
    /// Slug of the only program to search, as in /join/SLUG [default: every program]
    #[arg(long)]
    program: Option<String>,
}

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// File to write to [default: standard output]
    #[arg(long)]
    output: Option<PathBuf>,
}

#[derive(Args)]
pub struct Erase {
    #[command(flatten)]
    which: Which,
    /// Erase the person. An erasure can't be undone
    #[arg(long)]
    yes: bool,
}

/// A program: key, name in URLs.
type Program = (i64, String);

pub(super) fn run(config: &Config, command: &PersonCommand) -> anyhow::Result<()> {
    let source = Source::open(config)?;
    bring_up_to_date(&source, &ConnectRetry::default())?;
    // Ends before `source` does, and with it the embedded server.
    let connections = Connections { pages: 1, intake: 1, jobs: 1, wait_factor: 1 };
    let db = Db::connect(source.url(), connections).context(text::DATABASE_UNREACHABLE)?;
    db.run_blocking(Scope::Instance, |conn| key::take_into_use(conn, config))??;
    match command {
        PersonCommand::Export(arguments) => write(&db, arguments),
        PersonCommand::Erase(arguments) => erase(config, &db, arguments),
    }
}

fn programs(db: &Db, which: &Which) -> anyhow::Result<Vec<Program>> {
    let all: Vec<Program> = db.run_blocking(Scope::Instance, |conn| {
        merchants::table.order(merchants::id).select((merchants::id, merchants::slug)).load(conn)
    })?;
    let Some(slug) = &which.program else { return Ok(all) };
    let chosen: Vec<Program> = all.into_iter().filter(|program| program.1 == *slug).collect();
    anyhow::ensure!(!chosen.is_empty(), text::unknown_merchant(slug));
    Ok(chosen)
}

fn write(db: &Db, arguments: &Export) -> anyhow::Result<()> {
    let lookup = Lookup::by_email(&arguments.which.email);
    let mut file = Map::new();
    for (merchant_id, slug) in programs(db, &arguments.which)? {
        let actor = Actor::system(merchant_id, clock::now());
        let scope = Scope::Merchant(merchant_id);
        if db
            .run_blocking(scope, |conn| DataSubject::find(conn, merchant_id, &lookup))?
            .is_unknown()
        {
            continue;
        }
        let (person, mut found) = db.run_blocking(scope, |conn| export(conn, &actor, &lookup))?;
        let emails =
            db.run_blocking(Scope::Instance, |conn| sent_emails(conn, merchant_id, &person))?;
        found.insert("emails_sent".to_owned(), emails);
        file.insert(slug, Value::Object(found));
    }
    anyhow::ensure!(!file.is_empty(), text::UNKNOWN_PERSON);
    let text = serde_json::to_string_pretty(&file)?;
    match &arguments.output {
        Some(path) => {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let file = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
            file.with_context(|| format!("{}", path.display()))?;
        }
        None => say!("{text}"),
    }
    Ok(())
}

fn erase(config: &Config, db: &Db, arguments: &Erase) -> anyhow::Result<()> {
    let lookup = Lookup::by_email(&arguments.which.email);
    let pseudonyms = Pseudonyms::new(&Encryptor::new(&config.secret_key));
    let mut is_known = false;
    for (merchant_id, slug) in programs(db, &arguments.which)? {
        let person = db.run_blocking(Scope::Merchant(merchant_id), |conn| {
            DataSubject::find(conn, merchant_id, &lookup)
        })?;
        if person.is_unknown() {
            continue;
        }
        is_known = true;
        if !arguments.yes {
            let counts = text::PersonCounts {
                orders: person.order_ids.len(),
                affiliates: person.affiliate_ids.len(),
                applications: person.application_ids.len(),
                triggers: person.trigger_ids.len(),
            };
            say!("{}", text::person_found(&slug, &counts));
            continue;
        }
        let actor = Actor::system(merchant_id, clock::now());
        let erased =
            erase_person(db, &actor, &pseudonyms, &lookup)?.with_context(|| slug.clone())?;
        db.run_blocking(Scope::Instance, |conn| erase_from_instance(conn, &person))?;
        if !erased.is_nothing() {
            security::note(Kind::PersonErased.about("merchant", merchant_id));
        }
        say!("{}", text::person_erased(&slug, erased.orders, erased.affiliates));
    }
    match (is_known, arguments.yes) {
        (false, _) => say!("{}", text::PERSON_NOT_FOUND),
        (true, false) => say!("{}", text::PERSON_NOT_ERASED),
        (true, true) => {}
    }
    Ok(())
}
