//! WooCommerce: its webhooks, its settings, its orders and codes.

mod backfills;
mod calls;
mod hooks;
mod reading;
mod refunds;
mod settings;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch::app::workers::run_due_jobs;
use vouch::features::store_workers::Tools;
use vouch::features::stores::{self, Store};
use vouch::kit::db::schema::conversions;
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;

use crate::harness::stores::MockStore;
use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, WooSite};
use crate::harness::{Page, SECRET_KEY, TestApp};

fn commissions(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

fn encryptor() -> Encryptor {
    Encryptor::new(&secrecy::SecretBox::new(Box::new(SECRET_KEY)))
}

fn tools(app: &TestApp) -> Tools {
    let http = Http::new(true);
    let calls = http.clone();
    Tools {
        keep: Default::default(),
        db: app.db.clone(),
        encryptor: encryptor(),
        http,
        public_url: app.base.as_str().into(),
        open: std::sync::Arc::new(move |store, now| {
            stores::open_client(store, &encryptor(), &calls, now)
        }),
    }
}

/// Does everything that is due at `now`.
fn work(app: &TestApp, now: DateTime<Utc>) {
    run_due_jobs(&tools(app), now).unwrap();
}

/// Connects the site over the page, as an owner does.
fn connect(app: &TestApp, site: &MockStore<WooSite>) -> Page {
    let owner = app.owner();
    let page = owner.get("/settings/woocommerce");
    let fields = [
        ("address", site.base.as_str()),
        ("consumer_key", CONSUMER_KEY),
        ("consumer_secret", CONSUMER_SECRET),
    ];
    let answer = owner.submit(&page, "form[action='/settings/woocommerce']", &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    owner.follow(&answer)
}

fn connected(app: &TestApp) -> Store {
    let merchant_id = app.fixture.merchant_id;
    let mut all = app.within(|conn| Store::connected(conn, merchant_id, Platform::Woocommerce));
    all.pop().expect("a store is connected")
}
