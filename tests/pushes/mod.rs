//! Codes on their way into stores, and the work for stores in the background.

mod cases;
mod failed_jobs;
mod faults;
mod jobs;
mod memory;
mod pages;
mod processes;
mod turn;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::SecretBox;
use serde_json::Value;
use vouch::app::workers::run_due_jobs;
use vouch::features::store_workers::{Open, Tools};
use vouch::features::stores::{self as model, Store};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::clock;
use vouch::kit::db::schema::{pushes, stores};
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;
use vouch_platforms::{
    CallError, Client, CodeState, CursorPage, NewCode, OrderMessage, Reason, StoreAccess,
    StoreCode, TimeRange, Webhooks,
};

use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::{Shop, TOKEN};
use crate::harness::{SECRET_KEY, TestApp};

/// A store in memory: what it holds, and what goes wrong with the next calls.
#[derive(Clone, Default)]
pub(super) struct FakeStore(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    codes: Vec<StoreCode>,
    calls: Vec<String>,
    look_faults: VecDeque<Fault>,
    create_faults: VecDeque<Fault>,
    /// Codes whose creation is always refused or never answered.
    poison: Vec<(String, CallError)>,
}

/// What goes wrong with one call.
pub(super) enum Fault {
    /// It answers this, and does nothing.
    Answers(CallError),
    /// It does it, and the answer is lost.
    AnswerLost,
    /// Somebody else makes the code first.
    MadeMeanwhile,
    /// The call panics: a fault of ours.
    Panics,
}

impl FakeStore {
    pub(super) fn codes(&self) -> Vec<String> {
        self.0.lock().unwrap().codes.iter().map(|code| code.code.clone()).collect()
    }

    pub(super) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    pub(super) fn creations(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    pub(super) fn hold(&self, code: &str) {
        self.0.lock().unwrap().codes.push(in_store(code));
    }

    pub(super) fn next_look(&self, fault: Fault) {
        self.0.lock().unwrap().look_faults.push_back(fault);
    }

    pub(super) fn next_creation(&self, fault: Fault) {
        self.0.lock().unwrap().create_faults.push_back(fault);
    }

    pub(super) fn poison(&self, code: &str, error: CallError) {
        self.0.lock().unwrap().poison.push((code.to_owned(), error));
    }

    pub(super) fn heal(&self) {
        self.0.lock().unwrap().poison.clear();
    }
}

fn in_store(code: &str) -> StoreCode {
    StoreCode {
        code: code.to_owned(),
        remote_ref: format!("ref-{code}"),
        admin_url: Some(format!("https://admin.example/discounts/{code}")),
        mark: None,
        state: CodeState::Live,
        rules: "10% off everything".to_owned(),
        same_rules: true,
    }
}

impl Client for FakeStore {
    fn access(&mut self) -> Result<StoreAccess, CallError> {
        Ok(StoreAccess::default())
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        let mut inner = self.0.lock().unwrap();
        inner.calls.push(format!("look {code}"));
        if let Some(Fault::Answers(error)) = inner.look_faults.pop_front() {
            return Err(error);
        }
        Ok(inner.codes.iter().find(|held| held.code.eq_ignore_ascii_case(code)).cloned())
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        let mut inner = self.0.lock().unwrap();
        inner.calls.push(format!("create {}", code.code));
        if let Some((_, error)) = inner.poison.iter().find(|(poison, _)| *poison == code.code) {
            return Err(error.clone());
        }
        let fault = inner.create_faults.pop_front();
        match fault {
            Some(Fault::Answers(error)) => return Err(error),
            Some(Fault::MadeMeanwhile) => inner.codes.push(in_store(&code.code)),
            Some(Fault::Panics) => {
                drop(inner);
                panic!("a fault of the test");
            }
            Some(Fault::AnswerLost) | None => {}
        }
        if inner.codes.iter().any(|held| held.code.eq_ignore_ascii_case(&code.code)) {
            return Err(CallError::Taken);
        }
        let made = StoreCode { mark: Some(code.mark), ..in_store(&code.code) };
        inner.codes.push(made.clone());
        match fault {
            Some(Fault::AnswerLost) => Err(CallError::Unanswered(Reason::Interrupted)),
            _ => Ok(made),
        }
    }

    fn codes(&mut self, _: Option<&str>) -> Result<CursorPage<StoreCode>, CallError> {
        Ok(CursorPage { rows: self.0.lock().unwrap().codes.clone(), next: None })
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

/// What works for stores, with `fake` behind every one of them.
pub(super) fn tools(app: &TestApp, fake: &FakeStore) -> Tools {
    let fake = fake.clone();
    Tools {
        keep: Default::default(),
        db: app.db.clone(),
        encryptor: encryptor(),
        http: Http::new(true),
        public_url: app.base.as_str().into(),
        open: Arc::new(move |_, _| Ok(Box::new(fake.clone()))),
    }
}

pub(super) fn encryptor() -> Encryptor {
    Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)))
}

pub(super) fn store(app: &TestApp) -> Store {
    let (merchant_id, store_id) = (app.fixture.merchant_id, app.fixture.store_id);
    app.within(|conn| Store::find(conn, merchant_id, store_id))
}

/// The application with a store where codes are created.
pub(super) fn creating() -> (TestApp, FakeStore) {
    let app = TestApp::start();
    let store = store(&app);
    app.within(|conn| {
        let actor = app.actor();
        model::set_credentials(conn, &actor, &encryptor(), &store, b"{}")?;
        model::set_discount_rules(conn, &actor, &store, true, None)
    });
    (app, FakeStore::default())
}

/// The application, whose store is `shop`: everything that is real is real.
pub(super) fn creating_in(shop: &MockStore<Shop>) -> TestApp {
    let app = TestApp::start();
    let store = store(&app);
    app.within(|conn| {
        diesel::update(stores::table.filter(stores::id.eq(store.id)))
            .set(stores::address.eq(&shop.base))
            .execute(conn)?;
        let token = serde_json::json!({ "token": TOKEN }).to_string();
        model::set_credentials(conn, &app.actor(), &encryptor(), &store, token.as_bytes())?;
        let rules = serde_json::to_value(crate::shopify::rules()).unwrap();
        model::set_discount_rules(conn, &app.actor(), &store, true, Some(&rules))
    });
    app
}

/// Does what is due at `now` over real HTTP.
pub(super) fn call_out(app: &TestApp, now: DateTime<Utc>) {
    let open: Arc<Open> =
        Arc::new(|store, now| model::open_client(store, &encryptor(), &Http::new(true), now));
    run_due_jobs(&Tools { open, ..tools(app, &FakeStore::default()) }, now).unwrap();
}

/// A new code of Ada's.
pub(super) fn code(app: &TestApp, value: &str) -> i64 {
    app.within(|conn| {
        let (actor, ada) = (app.actor(), app.fixture.ada_id);
        let created = triggers::create(conn, &actor, ada, TriggerKind::CouponCode, value);
        Ok(created.unwrap().id)
    })
}

/// Does what is due by now.
pub(super) fn work(app: &TestApp, fake: &FakeStore) -> usize {
    work_at(app, fake, clock::now())
}

pub(super) fn work_at(app: &TestApp, fake: &FakeStore, now: DateTime<Utc>) -> usize {
    run_due_jobs(&tools(app, fake), now).unwrap()
}

/// What a store says, in its own words.
pub(super) fn said(words: &str) -> Reason {
    Reason::Said { platform: Platform::Shopify, said: words.to_owned() }
}

/// The status of a code's only push, and the code of its reason, or "".
pub(super) fn status(app: &TestApp, trigger_id: i64) -> (String, String) {
    let (status, details) = details(app, trigger_id);
    (status, details["code"].as_str().unwrap_or_default().to_owned())
}

/// The status of a code's only push, and its reason with the parameters.
pub(super) fn details(app: &TestApp, trigger_id: i64) -> (String, Value) {
    let (status, details): (String, Option<Value>) = app.within(|conn| {
        pushes::table
            .filter(pushes::trigger_id.eq(trigger_id))
            .select((pushes::status, pushes::details))
            .get_result(conn)
    });
    (status, details.unwrap_or_default())
}

pub(super) fn push_id(app: &TestApp, trigger_id: i64) -> i64 {
    app.within(|conn| {
        pushes::table.filter(pushes::trigger_id.eq(trigger_id)).select(pushes::id).first(conn)
    })
}

/// Why the store can't be called.
pub(super) fn problem(app: &TestApp) -> Option<Reason> {
    let store_id = app.fixture.store_id;
    let stored: Option<Value> = app.within(|conn| {
        stores::table.filter(stores::id.eq(store_id)).select(stores::access_reason).first(conn)
    });
    stored.map(|reason| serde_json::from_value(reason).unwrap())
}
