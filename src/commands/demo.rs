//! `vouch demo`

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use secrecy::ExposeSecret;

use super::account::new_password;
use super::with_database;
use crate::clock;
use crate::config::Config;
use crate::db::{Scope, in_scope};
use crate::demo::{self, LOGINS, Loaded};
use crate::secrets::Sealer;

/// Where the password is kept that nobody chose, so that it is the same at the next start.
const PASSWORD_FILE: &str = "demo-password";

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let password = password(config)?;
    let sealer = Sealer::new(&config.secret_key);
    let loaded = with_database(config, |conn| {
        let loaded = in_scope(conn, Scope::Installation, |conn| {
            demo::load(conn, &sealer, clock::now()).map_err(Failure)
        })?;
        let emails = LOGINS.map(|login| login.email);
        in_scope(conn, Scope::Unowned, |conn| {
            demo::sign_in_with(conn, &emails, &password).map_err(Failure)
        })?;
        Ok(loaded)
    })?;
    print(config, &loaded, &password);
    Ok(())
}

/// A failure of any kind, the database's included, as `in_scope` wants it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Failure(anyhow::Error);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self(error.into())
    }
}

/// `VOUCH_DEMO_PASSWORD`; else the one of an earlier run, kept in the data folder; else a new one.
fn password(config: &Config) -> anyhow::Result<String> {
    if let Some(given) = &config.demo_password {
        return Ok(given.expose_secret().to_owned());
    }
    let file = config.data_dir.join(PASSWORD_FILE);
    match std::fs::read_to_string(&file) {
        Ok(kept) if !kept.trim().is_empty() => Ok(kept.trim().to_owned()),
        Ok(_) => keep(&file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => keep(&file),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn keep(file: &Path) -> anyhow::Result<String> {
    let password = new_password();
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut opened| opened.write_all(password.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(password)
}

fn print(config: &Config, loaded: &Loaded, password: &str) {
    println!(
        "{}",
        match loaded.is_new {
            true => "Loaded the demo program Juniper & Sage: three months of orders.",
            false => "The demo program Juniper & Sage is there already; nothing in it was changed.",
        }
    );
    println!();
    println!("Sign in at {}/login", config.public_url);
    for login in &LOGINS {
        println!("  {:<10} {}", login.what, login.email);
    }
    println!("  Password   {password}");
    println!();
    if loaded.store.secret.is_empty() {
        println!("Its store was disconnected, so that there is no order to send.");
        return;
    }
    let address = format!("{}/hooks/shopify/{}", config.public_url, loaded.store.store_key);
    let [order, refund, update] = demo::letters(&loaded.store, loaded.code, clock::now());
    println!(
        "Send {} with the code {}, as Shopify would (200 means taken in):",
        order.what, loaded.code
    );
    println!();
    println!("{}", order.curl(&address));
    println!();
    println!(
        "Then {}, and {}, in either order and as often as you like:",
        refund.what, update.what
    );
    println!();
    println!("{}", refund.curl(&address));
    println!();
    println!("{}", update.curl(&address));
    println!();
}
