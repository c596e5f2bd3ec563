//! The database: reachable, safe, up to date, durable, fast enough to search.

use diesel::dsl::sql;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{PgConnection, RunQueryDsl};

use super::connect::connect;
use super::report::{CheckResult, Issue, Report, asked, problem};
use super::{clock, row_security, secrets, stores, work};
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

/// A replica, or a database that was set to read only, takes no order.
fn writes(conn: &mut PgConnection) -> CheckResult {
    let query = sql::<Bool>("pg_is_in_recovery()");
    if asked(diesel::select(query).get_result(conn))? {
        return Err(problem(
            "the server is a replica, which only reads",
            "name the primary in DATABASE_URL, or promote this server",
        ));
    }
    if setting(conn, "transaction_read_only")? == "on" {
        return Err(problem(
            "the database is set to read only",
            "as its owner, run ALTER DATABASE vouch RESET default_transaction_read_only; and the same \
             for the role",
        ));
    }
    Ok("are possible".to_owned())
}

fn server(conn: &mut PgConnection, source: &Source) -> CheckResult {
    let version = asked(migrate::server_version(conn))?;
    let encoding = setting(conn, "server_encoding")?;
    if encoding != "UTF8" {
        return Err(problem(
            format!("its encoding is {encoding}, which can't hold every name"),
            "make one with `CREATE DATABASE vouch OWNER vouch ENCODING 'UTF8' TEMPLATE template0;`",
        ));
    }
    let kind = match source.is_embedded() {
        true => "run by Vouch",
        false => "named in DATABASE_URL",
    };
    Ok(format!("PostgreSQL {version}, {kind}"))
}

fn role(conn: &mut PgConnection) -> CheckResult {
    migrate::check_server(conn).map_err(|error| {
        let next = match error {
            MigrateError::TooOld(_) => {
                "install PostgreSQL 14 or newer, and move the database there"
            }
            _ => "make proper roles, and name them in DATABASE_URL and VOUCH_OWNER_DATABASE_URL",
        };
        problem(error.to_string(), next)
    })?;
    Ok("bound by row security".to_owned())
}

/// As the owner: before the first `vouch migrate` the server's role sees nothing.
fn migrations(source: &Source) -> CheckResult {
    let mut conn = connect(source.owner_url(), "VOUCH_OWNER_DATABASE_URL")?;
    let state = migrate::state(&mut conn)
        .map_err(|error| problem(error.to_string(), "check the problems above first"))?;
    if !state.unknown.is_empty() {
        return Err(problem(
            format!(
                "the database was brought up to date by a newer Vouch ({} migrations that this one \
                 doesn't know)",
                state.unknown.len()
            ),
            "install that version here, or restore the backup from before the update",
        ));
    }
    if !state.missing.is_empty() {
        return Err(problem(
            format!("{} are missing", state.missing.len()),
            "run `vouch migrate` (`vouch serve` does so when it starts)",
        ));
    }
    Ok("none is missing".to_owned())
}

/// Whether the server's role has what it needs and no more.
fn rights(conn: &mut PgConnection, source: &Source) -> CheckResult {
    let found = asked(migrate::rights_to_fix(conn))?;
    if found.is_empty() {
        return Ok("the server reads and writes rows, and appends to the audit log and the ledger"
            .to_owned());
    }
    let found = found.join(", ");
    // Grants are given by the owner with every migration.
    if source.is_embedded() || source.owner_url() != source.url() {
        return Err(problem(
            format!("the server’s role {found}"),
            "run `vouch migrate`, which gives it its grants",
        ));
    }
    Err(problem(
        format!("the server’s role {found}"),
        format!(
            "as superuser of this database, run {} Then run `vouch migrate` with that role in \
             VOUCH_OWNER_DATABASE_URL",
            migrate::SQL_FOR_OWNER
        ),
    ))
}

/// Whether an injected expression could leave its merchant.
fn settings(conn: &mut PgConnection) -> CheckResult {
    if !asked(migrate::can_change_settings(conn))? {
        return Ok("no expression can change the ones that keep merchants apart".to_owned());
    }
    Err(problem(
        "an expression can change the ones that keep merchants apart",
        format!(
            "as superuser of this database, run {} (leave the line with vouch_owner out where there is \
             no such role)",
            migrate::SQL_FOR_SETTINGS
        ),
    ))
}

fn extensions(conn: &mut PgConnection) -> CheckResult {
    let missing = asked(migrate::missing_extensions(conn))?;
    if missing.is_empty() {
        return Ok("all there".to_owned());
    }
    let lines: Vec<String> =
        missing.iter().map(|name| format!("CREATE EXTENSION {name};")).collect();
    Err(problem(
        format!("{} missing", missing.join(", ")),
        format!("as owner of the database, run {}", lines.join(" ")),
    ))
}

fn search(conn: &mut PgConnection) -> CheckResult {
    if asked(migrate::like_is_leakproof(conn))? {
        return Ok("can use the indexes".to_owned());
    }
    Err(problem(
        "row security keeps searches from using the indexes",
        format!("as superuser of this database, run {}", migrate::SQL_FOR_LEAKPROOF),
    ))
}

/// An acknowledged order must survive a power cut.
fn durability(conn: &mut PgConnection) -> CheckResult {
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        if setting(conn, name)? == "off" {
            return Err(problem(
                format!("{name} is off, so an order that was acknowledged can be lost"),
                format!("as superuser, run ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"),
            ));
        }
    }
    Ok("what is acknowledged survives a power cut".to_owned())
}

fn connections(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let most: i32 = asked(
        diesel::select(sql::<Integer>(
            "current_setting('max_connections')::integer
                - current_setting('superuser_reserved_connections')::integer",
        ))
        .get_result(conn),
    )?;
    let wanted = config.connections.total();
    if i64::from(wanted) > i64::from(most) {
        return Err(problem(
            format!("the server takes {most}, and Vouch wants {wanted}"),
            "lower VOUCH_PAGE_CONNECTIONS, or raise max_connections on the server",
        ));
    }
    Ok(format!("{wanted} of the {most} that the server takes"))
}
