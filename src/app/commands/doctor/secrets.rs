//! The secret key, and what's encrypted with it.

use diesel::PgConnection;

use super::report::{CheckResult, Report, asked, problem, warning};
use crate::app::instance::key;
use crate::features::auth;
use crate::features::stores::check_secrets;
use crate::kit::config::Config;
use crate::kit::db::{Scope, in_scope};
use crate::kit::pseudonyms;
use crate::kit::secrets::Encryptor;

pub(super) fn examine(conn: &mut PgConnection, config: &Config, report: &mut Report) {
    report.note("secret_key", "secret key", secret_key(conn, config));
    report.note("key_rotation", "key rotation", key_rotation(config));
    report.note("store_secrets", "store secrets", stores(conn, config));
    report.note("two_factor_secrets", "two-factor sign-in", two_factor(conn, config));
    report.note("pseudonyms", "pseudonyms", pseudonyms(conn, config));
}

fn secret_key(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let judged = asked(in_scope(conn, Scope::Instance, |conn| key::judge(conn, config)))?;
    match judged {
        Ok(()) => Ok("the one that the database's secrets are encrypted with".to_owned()),
        Err(error) => {
            // What doctor made when it read the settings belongs to no one.
            key::discard_unused(config);
            let (detail, next) = error.in_parts();
            Err(problem(detail, next))
        }
    }
}

fn key_rotation(config: &Config) -> CheckResult {
    if !key::is_rotation_left(config) {
        return Ok("none was broken off".to_owned());
    }
    Err(warning(
        "a rotation of the secret key was broken off",
        "stop Vouch, and run `vouch rotate-key` to finish it",
    ))
}

fn stores(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let checked = in_scope(conn, Scope::Instance, |conn| check_secrets(conn, &encryptor));
    let (tried, unreadable) = asked(checked)?;
    if unreadable.is_empty() {
        return Ok(format!("{tried} secrets, which this key decrypts"));
    }
    let names: Vec<String> = unreadable
        .iter()
        .map(|secret| format!("{} of {}", secret.store, secret.merchant))
        .collect();
    Err(problem(
        format!("this key doesn't decrypt the secrets of {}", names.join(", ")),
        "start with the VOUCH_SECRET_KEY that they were stored with, or enter the secrets again in \
         Account > Settings",
    ))
}

fn two_factor(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let checked =
        in_scope(conn, Scope::Unowned, |conn| auth::two_factor::check_secrets(conn, &encryptor));
    let (number, stuck) = asked(checked)?;
    if stuck.is_empty() {
        return Ok(format!("{number} secrets, which this key decrypts"));
    }
    Err(problem(
        format!(
            "this key doesn't decrypt the secrets of {}, so they can't sign in",
            stuck.join(", ")
        ),
        "start with the VOUCH_SECRET_KEY that they were stored with, or run `vouch two-factor remove` \
         for each",
    ))
}

/// Whether what erased people are recognized by opens with this instance's key.
fn pseudonyms(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let (number, unreadable) =
        asked(in_scope(conn, Scope::Instance, |conn| pseudonyms::check(conn, &encryptor)))?;
    if unreadable == 0 {
        return Ok(format!("{number} keys, which this key decrypts"));
    }
    Err(problem(
        format!(
            "this key doesn't decrypt {unreadable} of {number} keys, so data of people who were erased can \
             come back"
        ),
        "start with the VOUCH_SECRET_KEY that they were stored with",
    ))
}
