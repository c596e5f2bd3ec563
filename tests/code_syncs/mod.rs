//! The codes of a store beside the program's.

mod pages;
mod platforms;
mod runs;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::app::workers::run_due_jobs;
use vouch::features::code_syncs::{self, CodeSync, CountedCodes};
use vouch::features::store_workers::Tools;
use vouch::features::stores::{self, Store};
use vouch::features::sync_notes::SyncStatus;
use vouch::features::triggers::{self, Reach, Trigger, TriggerKind};
use vouch::kit::clock;
use vouch::kit::db::schema::{code_sync_results, code_syncs as runs_of};
use vouch_platforms::http::Http;
use vouch_platforms::{
    CallError, Client, CodeState, CursorPage, Mark, NewCode, OrderMessage, StoreAccess, StoreCode,
    TimeRange, Webhooks,
};

use crate::harness::{Page, Person, TestApp};
use crate::pushes::{creating, encryptor, store};

/// What goes wrong with a page.
enum Fault {
    Answers(CallError),
    Panics,
}

/// A store in memory that gives its codes a page at a time.
#[derive(Clone)]
struct Shelf(Arc<Mutex<Inner>>);

struct Inner {
    codes: Vec<StoreCode>,
    page: usize,
    /// The pages that were asked for, by their first row.
    asked: Vec<usize>,
    /// What goes wrong with the page that begins there, once.
    faults: BTreeMap<usize, Fault>,
    access: Result<StoreAccess, CallError>,
}

impl Shelf {
    fn of(codes: Vec<StoreCode>) -> Self {
        let (asked, faults) = (Vec::new(), BTreeMap::new());
        let access = Ok(StoreAccess::default());
        Self(Arc::new(Mutex::new(Inner { codes, page: 10, asked, faults, access })))
    }

    fn hold(&self, code: StoreCode) {
        self.0.lock().unwrap().codes.push(code);
    }

    /// The page that begins there goes wrong, once.
    fn fails_at(&self, first: usize, fault: Fault) {
        self.0.lock().unwrap().faults.insert(first, fault);
    }

    fn asked(&self) -> Vec<usize> {
        self.0.lock().unwrap().asked.clone()
    }
}

/// A code as the store has it: live, under the rules of new codes.
fn in_store(code: &str) -> StoreCode {
    StoreCode {
        code: code.to_owned(),
        remote_ref: format!("ref-{code}"),
        admin_url: Some(format!("https://admin.example/discounts/{code}")),
        mark: None,
        state: CodeState::Live,
        rules: "10% off everything.".to_owned(),
        same_rules: true,
    }
}

impl Client for Shelf {
    fn access(&mut self) -> Result<StoreAccess, CallError> {
        self.0.lock().unwrap().access.clone()
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        let inner = self.0.lock().unwrap();
        Ok(inner.codes.iter().find(|held| held.code.eq_ignore_ascii_case(code)).cloned())
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        let made = StoreCode { mark: Some(code.mark), ..in_store(&code.code) };
        self.hold(made.clone());
        Ok(made)
    }

    fn codes(&mut self, cursor: Option<&str>) -> Result<CursorPage<StoreCode>, CallError> {
        let mut inner = self.0.lock().unwrap();
        let first = cursor.map_or(0, |text| text.parse().unwrap());
        inner.asked.push(first);
        match inner.faults.remove(&first) {
            Some(Fault::Answers(error)) => return Err(error),
            Some(Fault::Panics) => {
                drop(inner);
                panic!("a fault of the test");
            }
            None => {}
        }
        let rows: Vec<StoreCode> =
            inner.codes.iter().skip(first).take(inner.page).cloned().collect();
        let next = first + inner.page;
        let next = (next < inner.codes.len()).then(|| next.to_string());
        Ok(CursorPage { rows, next })
    }

    fn orders(
        &mut self,
        _: &TimeRange,
        _: Option<&str>,
    ) -> Result<CursorPage<OrderMessage>, CallError> {
        Ok(CursorPage { rows: Vec::new(), next: None })
    }

    fn ensure_webhooks(&mut self, _: &str) -> Result<Webhooks, CallError> {
        Ok(Webhooks::default())
    }
}

fn tools(app: &TestApp, shelf: &Shelf) -> Tools {
    let shelf = shelf.clone();
    Tools {
        keep: Default::default(),
        db: app.db.clone(),
        encryptor: encryptor(),
        http: Http::new(true),
        public_url: app.base.as_str().into(),
        open: Arc::new(move |_, _| Ok(Box::new(shelf.clone()))),
    }
}

fn work_at(app: &TestApp, shelf: &Shelf, now: DateTime<Utc>) {
    run_due_jobs(&tools(app, shelf), now).unwrap();
}

fn work(app: &TestApp, shelf: &Shelf) {
    work_at(app, shelf, clock::now());
}

/// A store that creates codes and has these, and the program with ADA10.
fn start(codes: Vec<StoreCode>) -> (TestApp, Shelf) {
    let (app, _) = creating();
    with_rules(&app, "first");
    (app, Shelf::of(codes))
}

/// Rules that differ from others by their name.
fn with_rules(app: &TestApp, name: &str) {
    let rules = serde_json::json!({ "name": name });
    app.within(|conn| {
        stores::set_discount_rules(conn, &app.actor(), &store(app), true, Some(&rules))
    });
}

/// A code of Ada's from an hour ago, that Vouch does not push.
fn trigger(app: &TestApp, code: &str) -> i64 {
    let actor = app.actor_at(clock::now() - Duration::hours(1));
    app.within(|conn| {
        let (ada, reach) = (app.fixture.ada_id, Reach::VouchOnly);
        let kind = TriggerKind::CouponCode;
        Ok(triggers::create_reaching(conn, &actor, ada, kind, code, reach).unwrap().id)
    })
}

fn retire(app: &TestApp, trigger_id: i64) {
    app.within(|conn| {
        let trigger = Trigger::find(conn, app.fixture.merchant_id, trigger_id)?;
        triggers::retire(conn, &app.actor(), &trigger)
    });
}

fn count_codes(app: &TestApp, store: &Store, typed: &str) {
    let counted = CountedCodes::parse(typed).unwrap();
    app.within(|conn| code_syncs::set_counted_codes(conn, &app.actor(), store, &counted));
}

fn ask(app: &TestApp, store: &Store) -> code_syncs::SyncRequest {
    app.within(|conn| code_syncs::ask(conn, &app.actor(), store))
}

fn shown(app: &TestApp, store: &Store) -> Option<CodeSync> {
    app.within(|conn| CodeSync::shown(conn, store))
}

fn running(app: &TestApp, store: &Store) -> Option<CodeSync> {
    app.within(|conn| CodeSync::unfinished(conn, store))
}

/// Code and status of every finding of the shown check, in the order of codes.
fn found(app: &TestApp, store: &Store) -> Vec<(String, String)> {
    let shown = shown(app, store).expect("a check is done");
    let rows: Vec<(String, String)> = app.within(|conn| {
        code_sync_results::table
            .filter(code_sync_results::code_sync_id.eq(shown.id))
            .filter(code_sync_results::status.is_not_null())
            .order(code_sync_results::key)
            .select((code_sync_results::code, code_sync_results::status.assume_not_null()))
            .load(conn)
    });
    for status in SyncStatus::ALL {
        let count = rows.iter().filter(|(_, name)| name == status.as_str()).count();
        assert_eq!(shown.count(*status), i64::try_from(count).unwrap(), "{status}");
    }
    rows
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect()
}

/// How many checks there are, with their findings.
fn kept(app: &TestApp) -> (i64, i64) {
    app.within(|conn| {
        Ok((
            runs_of::table.count().get_result(conn)?,
            code_sync_results::table.count().get_result(conn)?,
        ))
    })
}

/// A finished check of a store, with findings of every kind about the program's triggers, and one
/// that runs. Within `Scope::Instance`.
pub(crate) fn fill(conn: &mut PgConnection, store_id: i64) -> QueryResult<()> {
    conn.batch_execute(&format!(
        "UPDATE stores SET creates_codes = true WHERE id = {store_id}; \
         INSERT INTO code_syncs (merchant_id, store_id, requested_by, requested_at, started_at, finished_at, \
                 is_shown, creates_codes, read_count, other_count, in_sync_count, missing_count, \
                 inactive_count, different_count, store_only_count, retired_count) \
             SELECT merchant_id, id, 'Somebody', now(), now(), now(), true, true, 1300, 12, 20, 10, \
                 10, 10, 1, 10 FROM stores WHERE id = {store_id}; \
         INSERT INTO code_syncs (merchant_id, store_id, requested_at, started_at, read_count) \
             SELECT merchant_id, id, now(), now(), 250 FROM stores WHERE id = {store_id}; \
         INSERT INTO code_sync_results (merchant_id, code_sync_id, key, code, trigger_id, \
                 status, state, same_rules, rules, admin_url) \
             SELECT t.merchant_id, c.id, t.key, lower(t.value), t.id, \
                 v.name, CASE v.name WHEN 'vouch_only' THEN NULL WHEN 'off' THEN 'expired' \
                     ELSE 'live' END, true, '15% off everything, once per customer.', \
                 CASE WHEN v.name <> 'vouch_only' THEN 'https://admin.example/discounts/' || t.id END \
             FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM triggers \
                 WHERE kind = 'coupon_code') t \
             JOIN (VALUES (1, 'both'), (2, 'vouch_only'), (3, 'off'), (4, 'different'), \
                 (0, 'retired')) v (n, name) ON v.n = t.n % 5 \
             JOIN code_syncs c ON c.merchant_id = t.merchant_id AND c.is_shown \
             WHERE c.store_id = {store_id}; \
         INSERT INTO code_sync_results (merchant_id, code_sync_id, key, code, status, state, \
                 same_rules, rules) \
             SELECT merchant_id, id, 'A-VERY-LONG-CODE-THAT-SOMEBODY-MADE-IN-THE-STORE-1', \
                 'a-very-long-code-that-somebody-made-in-the-store-1', 'store_only', 'live', true, \
                 '' FROM code_syncs WHERE is_shown AND store_id = {store_id};"
    ))
}

fn path(store: &Store) -> String {
    format!("/settings/stores/{}/code-sync", store.id)
}

fn look(person: &Person, store: &Store) -> Page {
    person.get(&path(store))
}

fn mark(app: &TestApp, trigger_id: i64) -> Option<Mark> {
    Some(Mark { merchant_id: app.fixture.merchant_id, trigger_id })
}
