//! A backup has every row in it, or there is none.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::commands::{Instance, text};
use crate::harness::TestApp;

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(conn: &mut PgConnection, query: &str) -> QueryResult<i64> {
    diesel::sql_query(query).get_result::<Number>(conn).map(|row| row.number)
}

/// The rows of every table, and sums of money over them.
fn contents(here: &Instance) -> BTreeMap<String, i64> {
    here.within_database(|conn| {
        let tables: Vec<Table> = diesel::sql_query(
            "SELECT relname::text AS name FROM pg_class \
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
        )
        .load(conn)?;
        let mut found = BTreeMap::new();
        for Table { name } in tables {
            let rows = number(conn, &format!("SELECT count(*) AS number FROM {name}"))?;
            found.insert(name, rows);
        }
        for sum in ["revenue_minor", "commission_minor", "refunded_minor"] {
            let query = format!("SELECT sum({sum})::bigint AS number FROM conversions");
            found.insert(format!("sum of {sum}"), number(conn, &query)?);
        }
        Ok(found)
    })
}

#[test]
fn a_filled_database_comes_back_from_its_backup_with_every_row() {
    let here = Instance::new("backup");
    let loaded = here.output(&["demo", "--demo-password=correct-horse-battery-9"]);
    assert_eq!(loaded.status.code(), Some(0), "{}", text(&loaded.stderr));
    let before = contents(&here);
    assert!(before["orders"] > 100 && before["sum of revenue_minor"] > 0, "{before:?}");

    let elsewhere = Instance::new("restored");
    let file = here.folder.join("vouch.backup");
    let path = file.to_str().unwrap();
    let output = here.output(&["backup", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(here.output(&["backup", path]).status.code(), Some(1), "none is written over");
    assert_eq!(here.output(&["restore", path]).status.code(), Some(1), "nor is a full database");
    assert_eq!(contents(&here), before);

    let output = elsewhere.output(&["restore", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(contents(&elsewhere), before);
    // It's served once its key is there, and not before.
    assert_eq!(elsewhere.output(&["serve"]).status.code(), Some(1));
    fs::copy(here.folder.join("secret.key"), elsewhere.folder.join("secret.key")).unwrap();
    let serving = elsewhere.serve();
    serving.signal(libc::SIGTERM);
    assert_eq!(serving.ended().code(), Some(0));
    let said = elsewhere.output(&["doctor", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let problems: Vec<_> = checks.iter().filter(|check| check["status"] == "problem").collect();
    // The demo program has webhooks that failed.
    assert!(problems.iter().all(|check| check["code"] == "deliveries"), "{problems:?}");
}

#[test]
fn a_backup_that_would_miss_rows_is_refused() {
    let (here, app) = (Instance::new("backup-bound"), TestApp::start());
    let file = here.folder.join("vouch.backup");
    let run = |role: Option<String>| {
        let mut command = here.vouch(&["backup", file.to_str().unwrap()]);
        command.env("DATABASE_URL", &app.database_url);
        command.env("VOUCH_OWNER_DATABASE_URL", app.owner_url());
        command.envs(role.map(|url| ("VOUCH_BACKUP_DATABASE_URL", url)));
        command.output().unwrap()
    };
    // No role at all, the server's, and the owner, whom forced row security binds as well.
    for role in [None, Some(app.database_url.clone()), Some(app.owner_url())] {
        let output = run(role);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("VOUCH_BACKUP_DATABASE_URL"), "{said}");
        let left: Vec<_> = fs::read_dir(&here.folder).unwrap().flatten().collect();
        assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains("backup")));
    }
    let output = run(Some(app.superuser_url()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(file.exists());
}

#[test]
fn a_file_that_is_no_backup_is_refused() {
    let here = Instance::new("backup-none");
    let file = here.folder.join("vouch.backup");
    fs::write(&file, "PGDMP, or nearly").unwrap();
    let output = here.output(&["restore", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}
