//! The database: reachable, safe, up to date, durable, fast enough to search.

use diesel::dsl::sql;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{PgConnection, RunQueryDsl};

use super::connect::connect;
use super::report::{CheckResult, Issue, Report, asked, problem};
use super::{clock, row_security, secrets, stores, text, work};
use crate::kit::config::Config;
use crate::kit::db::migrate::MigrateError;
use crate::kit::db::{Source, migrate};

pub(super) fn examine(config: &Config, source: &Source, report: &mut Report) {
    let mut conn = match connect(source.url(), "DATABASE_URL") {
        Ok(conn) => conn,
        Err(trouble) => {
            report.note("database", "database", Err(trouble));
            return;
        }
    };
    let conn = &mut conn;
    report.note("database", "database", server(conn, source));
    report.note("database_writes", "database writes", writes(conn));
    report.note("database_role", "role", role(conn));
    let migrations = migrations(source);
    let is_up_to_date = migrations.is_ok();
    report.note("migrations", "migrations", migrations);
    report.note("extensions", "extensions", extensions(conn));
    report.note("search", "search", search(conn));
    report.note("durability", "durability", durability(conn));
    report.note("connections", "connections", connections(conn, config));
    report.note("database_settings", "settings", settings(conn));
    if is_up_to_date {
        report.note("database_rights", "rights", rights(conn, source));
        report.note("row_security", "row security", row_security::check(conn));
        secrets::examine(conn, config, report);
        stores::examine(conn, report);
        work::examine(conn, config, report);
    }
    report.note("clock", "clock", clock::agrees(conn));
    report.note("time_zones", "time zones", clock::zones_agree(conn));
}

/// A setting of the server, as text.
fn setting(conn: &mut PgConnection, name: &str) -> Result<String, Issue> {
    let query = sql::<Text>(&format!("current_setting('{name}')"));
    asked(diesel::select(query).get_result(conn))
}

/// A replica or a read-only database can't store orders.
fn writes(conn: &mut PgConnection) -> CheckResult {
    let query = sql::<Bool>("pg_is_in_recovery()");
    if asked(diesel::select(query).get_result(conn))? {
        return Err(problem(text::replica()));
    }
    if setting(conn, "transaction_read_only")? == "on" {
        return Err(problem(text::read_only()));
    }
    Ok(text::WRITABLE.to_owned())
}

fn server(conn: &mut PgConnection, source: &Source) -> CheckResult {
    let version = asked(migrate::server_version(conn))?;
    let encoding = setting(conn, "server_encoding")?;
    if encoding != "UTF8" {
        return Err(problem(text::wrong_encoding(&encoding)));
    }
    Ok(text::server(version, source.is_embedded()))
}

fn role(conn: &mut PgConnection) -> CheckResult {
    migrate::check_server(conn).map_err(|error| {
        problem(match error {
            MigrateError::TooOld(_) => text::too_old(error),
            _ => text::unsafe_role(error),
        })
    })?;
    Ok(text::ROLE.to_owned())
}

/// As the owner: before the first `vouch migrate` the server's role sees nothing.
fn migrations(source: &Source) -> CheckResult {
    let mut conn = connect(source.owner_url(), "VOUCH_OWNER_DATABASE_URL")?;
    let state =
        migrate::state(&mut conn).map_err(|error| problem(text::migrations_unknown(error)))?;
    if !state.unknown.is_empty() {
        return Err(problem(text::newer_database(state.unknown.len())));
    }
    if !state.missing.is_empty() {
        return Err(problem(text::migrations_pending(state.missing.len())));
    }
    Ok(text::MIGRATED.to_owned())
}

/// Whether the server's role has what it needs and no more.
fn rights(conn: &mut PgConnection, source: &Source) -> CheckResult {
    let found = asked(migrate::rights_to_fix(conn))?;
    if found.is_empty() {
        return Ok(text::RIGHTS.to_owned());
    }
    let found = found.join(", ");
    // The owner sets the grants with every migration.
    if source.is_embedded() || source.owner_url() != source.url() {
        return Err(problem(text::wrong_grants(&found)));
    }
    Err(problem(text::role_owns_schema(&found)))
}

/// Whether an injected expression could choose another merchant.
fn settings(conn: &mut PgConnection) -> CheckResult {
    if !asked(migrate::can_change_settings(conn))? {
        return Ok(text::SETTINGS.to_owned());
    }
    Err(problem(text::settings_unprotected()))
}

fn extensions(conn: &mut PgConnection) -> CheckResult {
    let missing = asked(migrate::missing_extensions(conn))?;
    if missing.is_empty() {
        return Ok(text::EXTENSIONS.to_owned());
    }
    Err(problem(text::extensions_missing(&missing)))
}

fn search(conn: &mut PgConnection) -> CheckResult {
    if asked(migrate::like_is_leakproof(conn))? {
        return Ok(text::SEARCH.to_owned());
    }
    Err(problem(text::search_slow()))
}

/// An acknowledged order must survive a power cut.
fn durability(conn: &mut PgConnection) -> CheckResult {
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        if setting(conn, name)? == "off" {
            return Err(problem(text::not_durable(name)));
        }
    }
    Ok(text::DURABLE.to_owned())
}

fn connections(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let max: i32 = asked(
        diesel::select(sql::<Integer>(
            "current_setting('max_connections')::integer
                - current_setting('superuser_reserved_connections')::integer",
        ))
        .get_result(conn),
    )?;
    let needed = config.connections.total();
    if i64::from(needed) > i64::from(max) {
        return Err(problem(text::too_few_connections(max, needed)));
    }
    Ok(text::connections(max, needed))
}
