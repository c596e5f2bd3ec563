//! The database: reachable, safe, up to date, durable, fast enough to search.

use diesel::dsl::sql;
use diesel::sql_types::{Integer, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::{Finding, Report, clock};
use crate::auth;
use crate::config::Config;
use crate::db::{Scope, Source, connect, in_scope, migrate};
use crate::mail;
use crate::orders::failures::{self, FailureCounts};
use crate::orders::recalculation;
use crate::privacy::retention;
use crate::pseudonyms;
use crate::secrets::Sealer;
use crate::stores::check_secrets;

pub(super) fn examine(config: &Config, source: &Source, report: &mut Report) {
    let mut conn = match connect::establish_for_command(source.url()) {
        Ok(conn) => conn,
        Err(error) => {
            let error = migrate::MigrateError::Connect(error);
            report.note("database", Err(format!("{error}; look at DATABASE_URL")));
            return;
        }
    };
    let conn = &mut conn;
    report.note("database", server(conn, source));
    report.note("role", role(conn));
    let migrations = migrations(source);
    let is_up_to_date = migrations.is_ok();
    report.note("migrations", migrations);
    report.note("extensions", extensions(conn));
    report.note("search", search(conn));
    report.note("durability", durability(conn));
    report.note("connections", connections(conn, config));
    report.note("settings", settings(conn));
    if is_up_to_date {
        report.note("rights", rights(conn, source));
        report.note("stores", stores(conn, config));
        report.note("two-factor sign-in", two_factor(conn, config));
        report.note("background work", background_work(conn));
        report.note("letters", letters(conn));
        report.note("webhook deliveries", failed_deliveries(conn));
        report.note("retention periods", retention_periods(conn, config));
        report.note("pseudonyms", pseudonyms(conn, config));
    }
    report.note("clock", clock::agrees(conn));
    report.note("time zones", clock::zones_agree(conn));
}

/// Lifts a failed query into a finding.
pub(super) fn asked<T>(answer: QueryResult<T>) -> Result<T, String> {
    answer.map_err(|error| format!("the database does not answer: {error}"))
}

/// A setting of the server, as text.
fn setting(conn: &mut PgConnection, name: &str) -> Result<String, String> {
    let query = sql::<Text>(&format!("current_setting('{name}')"));
    asked(diesel::select(query).get_result(conn))
}

fn server(conn: &mut PgConnection, source: &Source) -> Finding {
    let version = asked(migrate::server_version(conn))?;
    let encoding = setting(conn, "server_encoding")?;
    if encoding != "UTF8" {
        return Err(format!(
            "its encoding is {encoding}, which cannot hold every name: make one with \
             `CREATE DATABASE vouch OWNER vouch ENCODING 'UTF8' TEMPLATE template0;`"
        ));
    }
    let kind = match source.is_embedded() {
        true => "run by Vouch",
        false => "named in DATABASE_URL",
    };
    Ok(format!("PostgreSQL {version}, {kind}"))
}

fn role(conn: &mut PgConnection) -> Finding {
    migrate::check_server(conn).map_err(|error| error.to_string())?;
    Ok("bound by row security".to_owned())
}

/// As the owner: before the first `vouch migrate` the server's role sees nothing.
fn migrations(source: &Source) -> Finding {
    let mut conn = connect::establish_for_command(source.owner_url()).map_err(|error| {
        format!("{}; look at VOUCH_OWNER_DATABASE_URL", migrate::MigrateError::from(error))
    })?;
    match migrate::pending(&mut conn).map_err(|error| error.to_string())? {
        none if none.is_empty() => Ok("none is missing".to_owned()),
        missing => Err(format!(
            "{} missing: run `vouch migrate` (`vouch serve` does so by itself)",
            missing.len()
        )),
    }
}

/// Whether the server's role has what it needs and no more.
fn rights(conn: &mut PgConnection, source: &Source) -> Finding {
    let found = asked(migrate::rights_to_mend(conn))?;
    if found.is_empty() {
        return Ok("the server reads and writes rows, and appends to the audit log and the ledger"
            .to_owned());
    }
    let found = found.join(", ");
    // Grants are given by the owner with every migration.
    if source.is_embedded() || source.owner_url() != source.url() {
        return Err(format!(
            "the server’s role {found}: run `vouch migrate`, which gives it its grants"
        ));
    }
    Err(format!(
        "the server’s role {found}: as superuser of this database, run {} Then run `vouch migrate` \
         with that role in VOUCH_OWNER_DATABASE_URL",
        migrate::SQL_FOR_OWNER
    ))
}

/// Whether an injected expression could leave its merchant.
fn settings(conn: &mut PgConnection) -> Finding {
    if !asked(migrate::can_change_settings(conn))? {
        return Ok("no expression can change the ones that keep merchants apart".to_owned());
    }
    Err(format!(
        "an expression can change the ones that keep merchants apart: as superuser of this database, \
         run {} (leave the line with vouch_owner out where there is no such role)",
        migrate::SQL_FOR_SETTINGS
    ))
}

fn extensions(conn: &mut PgConnection) -> Finding {
    let missing = asked(migrate::missing_extensions(conn))?;
    if missing.is_empty() {
        return Ok("all there".to_owned());
    }
    let lines: Vec<String> =
        missing.iter().map(|name| format!("CREATE EXTENSION {name};")).collect();
    Err(format!("missing: as owner of the database, run {}", lines.join(" ")))
}

fn search(conn: &mut PgConnection) -> Finding {
    if asked(migrate::like_is_leakproof(conn))? {
        return Ok("can use the indexes".to_owned());
    }
    Err(format!(
        "row security keeps searches from using the indexes: as superuser of this database, run {}",
        migrate::SQL_FOR_LEAKPROOF
    ))
}

/// An acknowledged order must survive a power cut.
fn durability(conn: &mut PgConnection) -> Finding {
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        if setting(conn, name)? == "off" {
            return Err(format!(
                "{name} is off, so that an order that was acknowledged can be lost: \
                 as superuser, run ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"
            ));
        }
    }
    Ok("what is acknowledged survives a power cut".to_owned())
}

fn connections(conn: &mut PgConnection, config: &Config) -> Finding {
    let most: i32 = asked(
        diesel::select(sql::<Integer>(
            "current_setting('max_connections')::integer
                - current_setting('superuser_reserved_connections')::integer",
        ))
        .get_result(conn),
    )?;
    let wanted = config.connections.total();
    if i64::from(wanted) > i64::from(most) {
        return Err(format!(
            "the server takes {most}, and Vouch wants {wanted}: lower VOUCH_PAGE_CONNECTIONS, \
             or raise max_connections on the server"
        ));
    }
    Ok(format!("{wanted} of the {most} that the server takes"))
}

/// Whether what is kept of the stores opens with this installation's key.
fn stores(conn: &mut PgConnection, config: &Config) -> Finding {
    let sealer = Sealer::new(&config.secret_key);
    let checked = in_scope(conn, Scope::Installation, |conn| check_secrets(conn, &sealer));
    let (tried, unreadable) = asked(checked)?;
    if unreadable.is_empty() {
        return Ok(format!("{tried} secrets, which this key opens"));
    }
    let names: Vec<String> = unreadable
        .iter()
        .map(|secret| format!("{} of {}", secret.store, secret.merchant))
        .collect();
    Err(format!(
        "the secrets of {} do not open with this key: start with the VOUCH_SECRET_KEY that they were \
         stored under, or give the secrets anew in Account > Settings",
        names.join(", ")
    ))
}

/// Whether what codes are checked with opens with this installation's key.
fn two_factor(conn: &mut PgConnection, config: &Config) -> Finding {
    let sealer = Sealer::new(&config.secret_key);
    let checked =
        in_scope(conn, Scope::Unowned, |conn| auth::two_factor::check_secrets(conn, &sealer));
    let (number, stuck) = asked(checked)?;
    if stuck.is_empty() {
        return Ok(format!("{number} secrets, which this key opens"));
    }
    Err(format!(
        "the secrets of {} do not open with this key, so that they cannot sign in: start with the \
         VOUCH_SECRET_KEY that they were stored under, or run `vouch two-factor remove` for each",
        stuck.join(", ")
    ))
}

/// Whether recalculations are parked.
fn background_work(conn: &mut PgConnection) -> Finding {
    let (number, reason) = asked(in_scope(conn, Scope::Installation, recalculation::parked))?;
    if number == 0 {
        return Ok("no recalculation is parked".to_owned());
    }
    Err(format!(
        "{number} recalculations are parked after many attempts, the last because of: {reason}. Some \
         orders keep what they earned before a change: fix the cause and restart Vouch, which tries \
         them again"
    ))
}

/// Whether letters were given up.
fn letters(conn: &mut PgConnection) -> Finding {
    let (number, reason) = asked(in_scope(conn, Scope::Installation, mail::given_up))?;
    if number == 0 {
        return Ok("none was given up".to_owned());
    }
    Err(format!(
        "{number} given up in the last 30 days, the last because of: {reason}. Support staff see them \
         on /support/mail, and can send them again"
    ))
}

/// Whether deliveries failed, and whether Vouch still tries.
fn failed_deliveries(conn: &mut PgConnection) -> Finding {
    let FailureCounts { retried, left } =
        asked(in_scope(conn, Scope::Installation, failures::counts))?;
    if retried + left == 0 {
        return Ok("none has failed".to_owned());
    }
    Err(format!(
        "{} failed: {retried} are retried automatically, {left} need attention. Members see why under \
         Orders > Messages from stores, and can replay them. Vouch tries them again when a new version starts",
        retried + left
    ))
}

/// Whether personal data is kept longer than it may be.
fn retention_periods(conn: &mut PgConnection, config: &Config) -> Finding {
    let overdue = asked(in_scope(conn, Scope::Installation, |conn| {
        retention::overdue(conn, config.keep, crate::clock::now())
    }))?;
    let late: Vec<String> = overdue
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(name, rows)| format!("{name} ({rows})"))
        .collect();
    if late.is_empty() {
        return Ok("nothing is kept for longer".to_owned());
    }
    Err(format!(
        "kept for longer than they may be: {}; run the background workers (`vouch serve`), and look in \
         their log for `apply retention periods`",
        late.join(", ")
    ))
}

/// Whether what erased people are recognized by opens with this instance's key.
fn pseudonyms(conn: &mut PgConnection, config: &Config) -> Finding {
    let sealer = Sealer::new(&config.secret_key);
    let (number, unreadable) =
        asked(in_scope(conn, Scope::Installation, |conn| pseudonyms::check(conn, &sealer)))?;
    if unreadable == 0 {
        return Ok(format!("{number} keys, which this key opens"));
    }
    Err(format!(
        "{unreadable} of {number} keys don't open with this key, so that data of people who were erased \
         can come back: start with the VOUCH_SECRET_KEY that they were stored under"
    ))
}
