//! A database of an earlier version is brought up to date with its data.

use std::collections::BTreeMap;
use std::io::Read as _;

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness as _;
use flate2::read::GzDecoder;
use vouch::features::auth;
use vouch::kit::db::migrate::MIGRATIONS;
use vouch::kit::db::schema::users;

use crate::harness::{PASSWORD, TestApp};

/// The rows of the demo program, written by the version whose last migration was [`BEFORE_NAMES`].
const DEMO: &[u8] = include_bytes!("demo.sql.gz");
/// The last migration before tables and columns took their standard names, and the one that named them.
const BEFORE_NAMES: &str = "20261130000095";
const NAMES: &str = "20261130000099";

/// What the demo has none of: a row of each further table that was renamed.
const MORE: &str = "\
    INSERT INTO letters (message_id, recipient, subject, program, paragraphs, parked_at, last_error) \
        VALUES ('m1', 'maria@sol-y-mar.example', 'Welcome', 'Juniper & Sage', '[\"Hello\"]', now(), 'refused'); \
    INSERT INTO comparisons (merchant_id, store_id, asked_by, asked_at, begun_at, again_by, off_count) \
        SELECT merchant_id, id, 'Olivia', now(), now(), 'Adam', 3 FROM stores LIMIT 1; \
    INSERT INTO comparison_findings (merchant_id, comparison_id, key, code, verdict, same_rules, rules) \
        SELECT merchant_id, id, 'A', 'a', 'off', true, '' FROM comparisons; \
    INSERT INTO catch_ups (merchant_id, store_id, period_from, period_until, asked_by, asked_at) \
        SELECT merchant_id, id, now(), now(), 'Olivia', now() FROM stores LIMIT 1; \
    INSERT INTO form_answers (key_hash, claimed_at) VALUES ('\\x01', now());";

/// A table as it was called, and as it's called.
fn renamed(table: &str) -> &str {
    match table {
        "letters" => "emails",
        "comparisons" => "code_syncs",
        "comparison_findings" => "code_sync_results",
        "catch_ups" => "backfills",
        "form_answers" => "form_responses",
        "daily_figures" => "daily_rollups",
        "affiliate_daily_figures" => "affiliate_daily_rollups",
        "trigger_figures" => "trigger_rollups",
        same => same,
    }
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

fn values(conn: &mut PgConnection, query: &str) -> Vec<String> {
    let rows: Vec<Value> = diesel::sql_query(query).load(conn).unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

fn tables(conn: &mut PgConnection) -> Vec<String> {
    values(
        conn,
        "SELECT tablename::text AS value FROM pg_tables \
         WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'",
    )
}

/// The values of a table's rows, whatever its columns are called.
fn content(conn: &mut PgConnection, table: &str) -> Vec<String> {
    let query = format!(
        "SELECT (SELECT string_agg(coalesce(f.value, '(null)'), '|' ORDER BY f.value) \
             FROM jsonb_each_text(to_jsonb(t)) f) AS value \
         FROM {table} t ORDER BY 1"
    );
    values(conn, &query)
}

/// Applies the migrations that come after what is applied, up to `last`.
fn migrate_to(app: &TestApp, last: &str) {
    let mut conn = app.as_owner();
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap();
    for migration in migrations {
        let version = migration.name().version().to_string();
        let applied = conn.applied_migrations().unwrap();
        if version.as_str() <= last && applied.iter().all(|known| known.to_string() != version) {
            conn.run_migration(&migration).unwrap();
        }
    }
}

/// An app on the demo's database as it was before the standard names.
fn before_the_names() -> TestApp {
    let app = TestApp::start_empty();
    let mut owner = app.as_owner();
    while owner.applied_migrations().unwrap()[0].to_string().as_str() > BEFORE_NAMES {
        owner.revert_last_migration(MIGRATIONS).unwrap();
    }
    let mut rows = String::new();
    GzDecoder::new(DEMO).read_to_string(&mut rows).unwrap();
    let mut superuser = app.as_superuser();
    superuser.batch_execute("TRUNCATE derived_keys").unwrap();
    superuser.batch_execute(&rows).unwrap();
    superuser.batch_execute(MORE).unwrap();
    app
}

#[test]
fn a_database_from_before_the_standard_names_keeps_every_value() {
    let app = before_the_names();
    let mut superuser = app.as_superuser();
    let before: BTreeMap<String, Vec<String>> = tables(&mut superuser)
        .into_iter()
        .map(|table| (renamed(&table).to_owned(), content(&mut superuser, &table)))
        .collect();
    assert!(before["orders"].len() > 300 && before["emails"].len() == 1);

    migrate_to(&app, NAMES);
    assert_eq!(tables(&mut superuser).len(), before.len());
    for (table, rows) in &before {
        assert_eq!(&content(&mut superuser, table), rows, "{table}");
    }
}

#[test]
fn the_pages_of_an_upgraded_program_show_what_they_showed() {
    let app = before_the_names();
    let mut superuser = app.as_superuser();
    let earned = |column: &str, conn: &mut PgConnection| {
        values(conn, &format!("SELECT sum({column})::text AS value FROM conversions"))
    };
    let before = earned("commission_minor", &mut superuser);
    app.migrate();
    assert_eq!(earned("commission_minor", &mut superuser), before);

    // The demo's own password is nothing that a test may know.
    let hash = auth::hash(PASSWORD).unwrap();
    diesel::update(users::table)
        .set(users::password_hash.eq(hash))
        .execute(&mut superuser)
        .unwrap();
    let owner = app.sign_in("owner@juniper-sage.example");
    for path in
        ["/dashboard", "/affiliates", "/triggers", "/conversions", "/orders", "/settings/audit-log"]
    {
        let page = owner.get(path);
        assert_eq!(page.status, 200, "{path}");
    }
    assert!(!owner.get("/conversions").all("tbody tr").is_empty());
    assert!(!owner.get("/orders").all("tbody tr").is_empty());
}
