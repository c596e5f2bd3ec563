//! `vouch demo`

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use diesel::PgConnection;
use secrecy::ExposeSecret;

use super::account::new_password;
use super::database::{with_database, with_owned_database};
use super::text;
use crate::app::demo::bulk::{self, Size};
use crate::app::demo::{self, DemoStore, DemoUser, LOGINS};
use crate::features::auth::judge;
use crate::kit::clock;
use crate::kit::config::{Config, give_to_owner};
use crate::kit::console::say;
use crate::kit::db::{Scope, in_scope};
use crate::kit::secrets::Encryptor;

/// The file with the random password, so that it stays the same.
const PASSWORD_FILE: &str = "demo-password";

/// The size of a large program. Without any of these, the small one is loaded.
#[derive(clap::Args)]
pub struct DemoArguments {
    /// Load a large program with this many affiliates instead
    #[arg(long, value_name = "NUMBER")]
    affiliates: Option<u64>,
    /// Load a large program with this many conversion triggers instead
    #[arg(long, value_name = "NUMBER")]
    triggers: Option<u64>,
    /// Load a large program with this many orders instead
    #[arg(long, value_name = "NUMBER")]
    orders: Option<u64>,
}

impl DemoArguments {
    fn size(&self) -> Option<Size> {
        let is_big = self.affiliates.is_some() || self.triggers.is_some() || self.orders.is_some();
        is_big.then(|| Size {
            affiliates: self.affiliates.unwrap_or(1_000),
            triggers: self.triggers.unwrap_or(10_000),
            orders: self.orders.unwrap_or(10_000),
        })
    }
}

pub(super) fn run(config: &Config, arguments: &DemoArguments) -> anyhow::Result<()> {
    let password = password(config)?;
    let encryptor = Encryptor::new(&config.secret_key);
    match arguments.size() {
        None => with_database(config, |conn| small(conn, config, &encryptor, &password)),
        // Through temporary tables, and with statistics made at its end.
        Some(size) => {
            with_owned_database(config, |conn| big(conn, config, &encryptor, &password, size))
        }
    }
}

fn small(
    conn: &mut PgConnection,
    config: &Config,
    encryptor: &Encryptor,
    password: &str,
) -> anyhow::Result<()> {
    let loaded = in_scope(conn, Scope::Instance, |conn| demo::load(conn, encryptor, clock::now()))?;
    say!("{}", text::demo_loaded(loaded.is_new));
    sign_in(conn, config, &LOGINS, password)?;
    print_webhooks(config, &loaded.store, loaded.code);
    Ok(())
}

fn big(
    conn: &mut PgConnection,
    config: &Config,
    encryptor: &Encryptor,
    password: &str,
    size: Size,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut last = (String::new(), begun);
    let mut progress = |what: &str, done: u64, of: u64| {
        if last.0 != what {
            last = (what.to_owned(), last.1);
        }
        if done == of || done.is_multiple_of(100_000) {
            let per_second = rows_per_second(done, last.1);
            say!("{}", text::bulk_progress(what, done, of, per_second));
        }
        if done == of {
            last.1 = Instant::now();
        }
    };
    let loaded = in_scope(conn, Scope::Instance, |conn| {
        bulk::load(conn, encryptor, size, clock::now(), &mut progress)
    })?;
    if loaded.is_new {
        bulk::tidy(conn)?;
        say!("{}", text::bulk_loaded(begun.elapsed().as_secs()));
    } else {
        say!("{}", text::BULK_EXISTS);
    }
    let owner = DemoUser { what: "Owner", email: &loaded.owner, name: "" };
    sign_in(conn, config, &[owner], password)?;
    print_webhooks(config, &loaded.store, &loaded.code);
    Ok(())
}

fn rows_per_second(rows: u64, since: Instant) -> u64 {
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    rows.saturating_mul(1_000) / millis
}

/// `VOUCH_DEMO_PASSWORD`, else the saved one of an earlier run, else a new one.
fn password(config: &Config) -> anyhow::Result<String> {
    if let Some(given) = &config.demo_password {
        let given = given.expose_secret();
        // The demo's users have the same rights as others, and the instance may be public.
        judge(given, &[LOGINS[0].email])
            .map_err(|refusal| anyhow::anyhow!("VOUCH_DEMO_PASSWORD: {refusal}"))?;
        return Ok(given.to_owned());
    }
    let file = config.data_dir.join(PASSWORD_FILE);
    match std::fs::read_to_string(&file) {
        Ok(kept) if !kept.trim().is_empty() => Ok(kept.trim().to_owned()),
        Ok(_) => keep(&file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => keep(&file),
        Err(error) => Err(error).with_context(|| format!("can't read {}", file.display())),
    }
}

fn keep(file: &Path) -> anyhow::Result<String> {
    let password = new_password();
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(file)
        .and_then(|mut opened| opened.write_all(password.as_bytes()))
        .and_then(|()| give_to_owner(file))
        .with_context(|| format!("can't write {}", file.display()))?;
    Ok(password)
}

fn sign_in(
    conn: &mut PgConnection,
    config: &Config,
    logins: &[DemoUser<'_>],
    password: &str,
) -> anyhow::Result<()> {
    let emails: Vec<&str> = logins.iter().map(|login| login.email).collect();
    in_scope(conn, Scope::Unowned, |conn| demo::sign_in_with(conn, &emails, password))?;
    say!("");
    say!("Sign in at {}/login", config.public_url);
    for login in logins {
        say!("  {:<10} {}", login.what, login.email);
    }
    say!("  {:<10} {password}", "Password");
    if logins.iter().any(|login| login.what == "Support") {
        say!("{}", text::DEMO_SUPPORT);
    }
    say!("");
    Ok(())
}

fn print_webhooks(config: &Config, store: &DemoStore, code: &str) {
    if store.secret.is_empty() {
        say!("{}", text::DEMO_STORE_DISCONNECTED);
        return;
    }
    let address = format!("{}/hooks/shopify/{}", config.public_url, store.store_key);
    let [order, refund, update] = demo::webhooks(store, code, clock::now());
    say!("{}", text::demo_order(order.what, code));
    say!("");
    say!("{}", order.curl(&address));
    say!("");
    say!("{}", text::demo_updates(refund.what, update.what));
    say!("");
    say!("{}", refund.curl(&address));
    say!("");
    say!("{}", update.curl(&address));
    say!("");
}
