//! The secret key, and what's encrypted with it.

use diesel::PgConnection;

use super::report::{CheckResult, Report, asked, problem, warning};
use super::text;
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
    report.note("pseudonyms", "erasure keys", pseudonyms(conn, config));
}

fn secret_key(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let judged = asked(in_scope(conn, Scope::Instance, |conn| key::judge(conn, config)))?;
    match judged {
        Ok(()) => Ok(text::SECRET_KEY.to_owned()),
        Err(error) => {
            // Reading the settings may have created a key, which isn't used.
            key::discard_unused(config);
            Err(problem(text::advice(error.detail(), error.next())))
        }
    }
}

fn key_rotation(config: &Config) -> CheckResult {
    if !key::is_rotation_left(config) {
        return Ok(text::NO_ROTATION.to_owned());
    }
    Err(warning(text::rotation_interrupted()))
}

fn stores(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let checked = in_scope(conn, Scope::Instance, |conn| check_secrets(conn, &encryptor));
    let (tried, unreadable) = asked(checked)?;
    if unreadable.is_empty() {
        return Ok(text::secrets(tried));
    }
    let names: Vec<String> = unreadable
        .iter()
        .map(|secret| format!("{} of {}", secret.store, secret.merchant))
        .collect();
    Err(problem(text::store_secrets_unreadable(&names)))
}

fn two_factor(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let checked =
        in_scope(conn, Scope::Unowned, |conn| auth::two_factor::check_secrets(conn, &encryptor));
    let (number, stuck) = asked(checked)?;
    if stuck.is_empty() {
        return Ok(text::secrets(number));
    }
    Err(problem(text::two_factor_unreadable(&stuck)))
}

/// Whether this key decrypts the keys by which erased people are recognized.
fn pseudonyms(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let encryptor = Encryptor::new(&config.secret_key);
    let (number, unreadable) =
        asked(in_scope(conn, Scope::Instance, |conn| pseudonyms::check(conn, &encryptor)))?;
    if unreadable == 0 {
        return Ok(text::secrets(number));
    }
    Err(problem(text::pseudonyms_unreadable(unreadable, number)))
}
