//! Somebody has a table, or all connections of a kind.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::kit::db::Scope;
use vouch::kit::db::connect::ConnectRetry;
use vouch::kit::db::migrate::{Addresses, MigrateError, run_pending_then};

use super::{Timed, at_once, send_order, timed};
use crate::api::{new_key, report};
use crate::harness::{TestApp, on_this_machine};

/// Has `tables` for itself while `work` runs.
fn while_locked<T>(app: &TestApp, tables: &str, work: impl FnOnce() -> T) -> T {
    let mut conn = app.as_owner();
    conn.batch_execute(&format!("BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")).unwrap();
    let answer = work();
    conn.batch_execute("ROLLBACK").unwrap();
    answer
}

/// What no order needs, neither by webhook nor by the API.
const TABLES_OF_PAGES: &str = "users, audit_log, sessions, members, recovery_codes, links, emails, invitations, \
    applications, registration_settings, code_requests, imports, import_rows, one_time_keys, \
    code_syncs, code_sync_results, backfills, instance_log";

/// Ends what runs beside a test, also when that fails.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn with_the_tables_of_pages_locked_orders_are_taken_in() {
    let app = TestApp::start_with_usual_waits();
    let (owner, key) = (app.owner(), new_key(&app));
    // The first report makes the store that these orders belong to, and a row of the audit log.
    assert_eq!(report(&app, &key, &crate::api::order()).status, 201);
    let cookie = owner.cookie();
    let is_over = AtomicBool::new(false);
    while_locked(&app, TABLES_OF_PAGES, || {
        thread::scope(|scope| {
            let _ends = SetAtEnd(&is_over);
            // More pages than there are connections for them, or for anything.
            for _ in 0..24 {
                scope.spawn(|| {
                    let person = app.anonymous();
                    person.set_cookie(cookie.clone());
                    while !is_over.load(Ordering::Relaxed) {
                        let answer = timed(|| person.get("/affiliates"));
                        assert_eq!(answer.page.status, 503);
                        assert!(answer.page.header("retry-after").is_some());
                        assert!(
                            answer.took < on_this_machine(Duration::from_secs(6)),
                            "{:?}",
                            answer.took
                        );
                    }
                });
            }
            thread::sleep(Duration::from_millis(500));
            // Longer than a store is remembered.
            for id in 0..12 {
                let answer = send_order(&app, 100 + id);
                assert_eq!(answer.page.status, 200, "{}", answer.page.text());
                assert!(answer.took < on_this_machine(Duration::from_secs(1)), "{:?}", answer.took);
                let mut body = crate::api::order();
                body["id"] = json!(format!("api-{id}"));
                let answer = timed(|| report(&app, &key, &body));
                assert_eq!(answer.page.status, 201, "{}", answer.page.text());
                assert!(answer.took < on_this_machine(Duration::from_secs(1)), "{:?}", answer.took);
                thread::sleep(Duration::from_millis(500));
            }
        });
    });
    assert_eq!(owner.get("/affiliates").status, 200);
}

#[test]
fn with_the_orders_locked_a_store_is_told_to_send_again() {
    let app = TestApp::start_with_usual_waits();
    assert_eq!(send_order(&app, 100).page.status, 200);
    let owner = app.owner();
    let answers: Vec<Timed> = while_locked(&app, "orders", || {
        let cookie = owner.cookie();
        at_once(12, |n| match n % 3 {
            0 => {
                let person = app.anonymous();
                person.set_cookie(cookie.clone());
                timed(|| person.get("/orders"))
            }
            _ => send_order(&app, 200 + n),
        })
    });
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.page.status, 503, "{n}");
        let limit = if n % 3 == 0 { 6_000 } else { 4_300 };
        assert!(
            answer.took < on_this_machine(Duration::from_millis(limit)),
            "{n}: {:?}",
            answer.took
        );
    }
    assert_eq!(send_order(&app, 201).page.status, 200);
}

#[test]
fn jobs_that_hang_leave_pages_and_orders_alone() {
    let app = TestApp::start_with_usual_waits();
    let owner = app.owner();
    let (all_hang, let_go) = (Barrier::new(5), Barrier::new(5));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                app.db
                    .run_blocking(Scope::Instance, |conn| {
                        diesel::sql_query("SELECT 1").execute(conn)?;
                        all_hang.wait();
                        let_go.wait();
                        QueryResult::Ok(())
                    })
                    .unwrap();
            });
        }
        all_hang.wait();
        let page = timed(|| owner.get("/affiliates"));
        let order = send_order(&app, 100);
        let ready = timed(|| app.anonymous().get("/readyz"));
        let_go.wait();
        for answer in [page, order, ready] {
            assert_eq!(answer.page.status, 200);
            assert!(answer.took < on_this_machine(Duration::from_secs(1)), "{:?}", answer.took);
        }
    });
}

#[test]
fn a_migration_lets_orders_by_while_it_waits_for_a_reader() {
    let app = TestApp::start_with_usual_waits();
    assert_eq!(send_order(&app, 100).page.status, 200);
    let mut reader = app.as_owner();
    reader
        .batch_execute("SET application_name = 'a long report'; BEGIN; SELECT count(*) FROM orders")
        .unwrap();
    let (owner_url, is_done) = (app.owner_url(), AtomicBool::new(false));
    thread::scope(|scope| {
        let migrating = scope.spawn(|| {
            let addresses = Addresses { owner: &owner_url, server: &app.database_url };
            let outcome = run_pending_then(addresses, &ConnectRetry::default(), |conn| {
                conn.batch_execute("ALTER TABLE orders ADD COLUMN test_of_waits integer")
            });
            is_done.store(true, Ordering::Relaxed);
            outcome
        });
        let begun = Instant::now();
        for id in 200.. {
            let answer = send_order(&app, id);
            assert_eq!(answer.page.status, 200, "{}", answer.page.text());
            assert!(
                answer.took < on_this_machine(Duration::from_millis(1_500)),
                "{:?}",
                answer.took
            );
            if begun.elapsed() > Duration::from_secs(4) {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        assert!(!is_done.load(Ordering::Relaxed), "it waits for the reader");
        reader.batch_execute("COMMIT").unwrap();
        migrating.join().unwrap().unwrap();
    });
    app.as_owner().batch_execute("ALTER TABLE orders DROP COLUMN test_of_waits").unwrap();
}

#[test]
fn a_migration_that_waits_in_vain_says_for_whom() {
    let app = TestApp::start_with_usual_waits();
    let mut reader = app.as_owner();
    reader
        .batch_execute("SET application_name = 'a long report'; BEGIN; SELECT count(*) FROM orders")
        .unwrap();
    let owner_url = app.owner_url();
    let addresses = Addresses { owner: &owner_url, server: &app.database_url };
    let retry = ConnectRetry { locks: Duration::from_secs(2), ..ConnectRetry::default() };
    let outcome = run_pending_then(addresses, &retry, |conn| {
        conn.batch_execute("ALTER TABLE orders ADD COLUMN test_of_waits integer")
    });
    let Err(MigrateError::Blocked { holder, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(holder.contains("a long report") && holder.contains("pid "), "{holder}");

    // Another process that migrates is waited for, until this one is to end.
    let mut other = app.as_owner();
    other.batch_execute("SELECT pg_advisory_lock(508676105064)").unwrap();
    let retry = ConnectRetry::default();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| run_pending_then(addresses, &retry, |_| Ok(())));
        thread::sleep(Duration::from_millis(300));
        retry.is_over.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        let outcome = waiting.join().unwrap();
        assert!(matches!(outcome, Err(MigrateError::Stopped)), "{outcome:?}");
        assert!(begun.elapsed() < on_this_machine(Duration::from_secs(2)));
    });
}
