//! What goes wrong around Vouch, or within it, and what must be left of that afterwards: nothing.

mod log;
mod passing;
mod retries;
mod stopping;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::kit::db::schema::{commission_entries, deliveries};

use crate::harness::program::{DataFolder, eventually, signal, vouch};
use crate::harness::{METRICS_TOKEN, TestApp};

/// The program, on the database of a test. Whatever the test asks `app` for, it asks the program.
struct Program {
    child: Child,
    _folder: DataFolder,
}

impl Program {
    /// Starts `vouch serve`, whose standard output nobody reads once it has said that it is ready.
    fn start(app: &mut TestApp, name: &str, stderr: Stdio, log_filter: &str) -> Self {
        let folder = DataFolder::new(&format!("faults-{name}"));
        let mut child = vouch(&app.database_url, &folder, &["serve"])
            .env("VOUCH_METRICS_TOKEN", METRICS_TOKEN)
            .env("VOUCH_LOG_FILTER", log_filter)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains("listening on"))
            .expect("it says where it listens");
        let address = ready.trim_end_matches('.').rsplit(' ').next().unwrap();
        app.base = format!("http://{address}");
        Self { child, _folder: folder }
    }

    /// SIGTERM; how it ended, and how long that took.
    fn stop(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        assert!(signal(self.child.id().cast_signed(), libc::SIGTERM));
        (self.child.wait().unwrap(), begun.elapsed())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of one of the doctor's checks.
fn doctor(app: &TestApp, code: &str) -> String {
    let folder = DataFolder::new("faults-doctor");
    let said = vouch(&app.database_url, &folder, &["doctor", "--json"])
        .env("VOUCH_OWNER_DATABASE_URL", app.owner_url())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["code"] == code);
    check.unwrap_or_else(|| panic!("{report}"))["status"].as_str().unwrap().to_owned()
}

/// The value of a series of the metrics; 0 where there is none yet.
fn metric(app: &TestApp, series: &str) -> f64 {
    let bearer = format!("Bearer {METRICS_TOKEN}");
    let page = app.anonymous().get_with("/metrics", &[("authorization", bearer.as_str())]);
    assert_eq!(page.status, 200);
    let text = page.text();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// From now on, what `what` (such as `insert on orders`) touches fails with this SQLSTATE.
fn raise(app: &TestApp, sqlstate: &str, what: &str, condition: &str) {
    app.as_owner()
        .batch_execute(&format!(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'ein Fehler' USING ERRCODE = '{sqlstate}'; END $$; \
             CREATE TRIGGER fault BEFORE {what} FOR EACH ROW WHEN ({condition}) \
                 EXECUTE FUNCTION fault()"
        ))
        .unwrap();
}

/// The fault is over.
fn fix(app: &TestApp) {
    app.as_owner().batch_execute("DROP FUNCTION fault() CASCADE").unwrap();
}

/// The outcomes of all deliveries.
fn outcomes(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        deliveries::table.order(deliveries::id).select(deliveries::outcome).load(conn)
    })
}

/// All amounts of the ledger.
fn ledger(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        commission_entries::table
            .order(commission_entries::id)
            .select(commission_entries::amount_minor)
            .load(conn)
    })
}
