//! BigCommerce: its settings, its webhooks and orders, its codes; against a mock store.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::SecretBox;
use serde_json::Value;
use vouch::features::store_workers::Tools;
use vouch::features::stores::{self, NewStore, Store, WebhookSecret};
use vouch::kit::audit::Actor;
use vouch::kit::clock;
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;
use vouch_platforms::bigcommerce::{Credentials, Rules, SECRET_HEADER, header_secret};
use vouch_platforms::http::Http;

use crate::harness::bigcommerce::{message, sign};
use crate::harness::stores::MockStore;
use crate::harness::stores::bigcommerce::{Bigcommerce, CLIENT_ID, CLIENT_SECRET, TOKEN};
use crate::harness::{Page, SECRET_KEY, TestApp};

mod client;
mod orders;
mod settings;

/// The application, and a store that it is connected to.
pub(crate) struct Shop {
    pub app: TestApp,
    pub bc: MockStore<Bigcommerce>,
    pub store: Store,
}

fn encryptor() -> Encryptor {
    Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)))
}

impl Shop {
    pub(crate) fn open() -> Self {
        let (app, bc) = (TestApp::start(), Bigcommerce::start());
        let store = connect(&app, &bc.base);
        Self { app, bc, store }
    }

    /// Sets what codes get, and switches their creation on.
    pub(crate) fn creates_codes(&mut self, rules: &Rules) {
        let (actor, json) = (self.app.actor(), serde_json::to_value(rules).unwrap());
        self.store = self.app.within(|conn| {
            stores::set_discount_rules(conn, &actor, &self.store, true, Some(&json))?;
            Store::find(conn, self.store.merchant_id, self.store.id)
        });
    }

    fn tools(&self) -> Tools {
        let (http, encryptor) = (Http::new(true), encryptor());
        let (opens, calls) = (encryptor.clone(), http.clone());
        Tools {
            keep: Default::default(),
            db: self.app.db.clone(),
            encryptor,
            http,
            public_url: self.app.base.as_str().into(),
            open: Arc::new(move |store, now| stores::open_client(store, &opens, &calls, now)),
        }
    }

    /// Does everything in the background that is due at `now`.
    pub(crate) fn work(&self, now: DateTime<Utc>) -> usize {
        vouch::app::workers::run_due_jobs(&self.tools(), now).unwrap()
    }

    /// A message of the store, signed.
    pub(crate) fn send(&self, scope: &str, order_id: i64) -> Page {
        let id = format!("msg_{:032x}", rand::random::<u128>());
        self.send_as(&id, &message(scope, order_id), CLIENT_SECRET, clock::now())
    }

    /// The same, as of the store's clock.
    pub(crate) fn send_at(&self, scope: &str, order_id: i64, at: DateTime<Utc>) -> Page {
        let id = format!("msg_{:032x}", rand::random::<u128>());
        self.send_as(&id, &message(scope, order_id), CLIENT_SECRET, at)
    }

    fn send_as(&self, id: &str, body: &Value, secret: &str, at: DateTime<Utc>) -> Page {
        let body = serde_json::to_vec(body).unwrap();
        let time = at.timestamp().to_string();
        let signature = sign(secret, id, &time, &body);
        let told = header_secret(secret.as_bytes(), &self.store.store_key);
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signature.as_str()),
            (SECRET_HEADER, told.as_str()),
        ];
        self.post(&headers, &body)
    }

    fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Page {
        let path = format!("/hooks/bigcommerce/{}", self.store.store_key);
        self.app.anonymous().send(&path, headers, body)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(
                self.bc.store().faults,
                Vec::<String>::new(),
                "not as BigCommerce documents it"
            );
        }
    }
}

/// Connects the store at `base` to Acme Tea.
pub(crate) fn connect(app: &TestApp, base: &str) -> Store {
    let merchant_id = app.fixture.merchant_id;
    app.within(|conn| Ok(connect_in(conn, merchant_id, base)))
}

/// Connects the store at `base`, in the running transaction.
pub(crate) fn connect_in(conn: &mut PgConnection, merchant_id: i64, base: &str) -> Store {
    let (actor, encryptor) = (Actor::system(merchant_id, clock::now()), encryptor());
    let secret = WebhookSecret::parse(CLIENT_SECRET).unwrap();
    let new =
        NewStore { platform: Platform::Bigcommerce, address: base, webhook_secret: Some(&secret) };
    let credentials = Credentials {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.into(),
        access_token: TOKEN.into(),
    };
    let store = stores::connect(conn, &actor, &encryptor, &new).unwrap();
    stores::set_credentials(conn, &actor, &encryptor, &store, &credentials.to_json()).unwrap();
    Store::find(conn, merchant_id, store.id).unwrap()
}
