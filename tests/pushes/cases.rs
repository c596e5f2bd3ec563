//! A store of each platform, where codes are created.

use serde_json::Value;
use vouch::features::stores::{self as model, NewStore, Store, WebhookSecret};
use vouch_core::platform::Platform as On;
use vouch_platforms::bigcommerce::Rules as BigcommerceRules;
use vouch_platforms::woocommerce::Credentials as WooKey;

use super::{creating_in, encryptor};
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::shopify::Shop;
use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, WooSite, ten_percent};
use crate::harness::stores::{MockStore, Platform};
use crate::harness::{Page, Person, TestApp};

/// The application, and the one store where its codes are created.
pub(super) struct Case<P> {
    pub app: TestApp,
    pub owner: Person,
    pub held: MockStore<P>,
    store: Store,
    codes: fn(&P) -> Vec<String>,
}

impl Case<Shop> {
    pub(super) fn shopify() -> Self {
        let held = MockStore::shopify();
        let app = creating_in(&held);
        let store = super::store(&app);
        Self { owner: app.owner(), app, held, store, codes: Shop::codes }
    }
}

impl Case<Bigcommerce> {
    pub(super) fn bigcommerce() -> Self {
        let (app, held) = (TestApp::start(), Bigcommerce::start());
        let store = bigcommerce_in(&app, &held);
        Self { owner: app.owner(), app, held, store, codes: Bigcommerce::codes }
    }
}

impl Case<WooSite> {
    pub(super) fn woocommerce() -> Self {
        let (app, held) = (TestApp::start(), WooSite::start());
        let store = woocommerce_in(&app, &held);
        Self { owner: app.owner(), app, held, store, codes: WooSite::codes }
    }
}

impl<P: Platform> Case<P> {
    /// How many codes of that spelling, in any case, the store has.
    pub(super) fn count(&self, code: &str) -> usize {
        let codes = (self.codes)(&self.held.store());
        codes.iter().filter(|held| held.eq_ignore_ascii_case(code)).count()
    }

    pub(super) fn platform(&self) -> On {
        self.store.platform
    }

    pub(super) fn store_name(&self) -> &str {
        &self.store.name
    }

    /// What the merchant reads of a code.
    pub(super) fn page(&self, trigger_id: i64) -> Page {
        self.owner.get(&format!("/triggers/{trigger_id}"))
    }

    /// As if the merchant had entered the same credentials again.
    pub(super) fn get_new_credentials(&self) {
        use secrecy::ExposeSecret as _;
        let kept = self.store.credentials(&encryptor()).unwrap().unwrap();
        self.app.within(|conn| {
            let actor = self.app.actor();
            model::set_credentials(conn, &actor, &encryptor(), &self.store, kept.expose_secret())
        });
    }
}

/// Connects a BigCommerce store, where codes are created.
pub(super) fn bigcommerce_in(app: &TestApp, held: &MockStore<Bigcommerce>) -> Store {
    let store = crate::bigcommerce::connect(app, &held.base);
    create_codes(app, &store, &serde_json::to_value(BigcommerceRules::default()).unwrap());
    store
}

/// Connects a WooCommerce store, where codes are created.
pub(super) fn woocommerce_in(app: &TestApp, held: &MockStore<WooSite>) -> Store {
    let key = WooKey { consumer_key: CONSUMER_KEY.into(), consumer_secret: CONSUMER_SECRET.into() };
    let secret = WebhookSecret::parse("woo-secret-of-the-tests-0123456789").unwrap();
    let (platform, address) = (On::Woocommerce, held.base.as_str());
    let new = NewStore { platform, address, webhook_secret: Some(&secret) };
    let store = app.within(|conn| {
        let (actor, encryptor) = (app.actor(), encryptor());
        let store = model::connect(conn, &actor, &encryptor, &new).unwrap();
        model::set_credentials(conn, &actor, &encryptor, &store, &key.to_json())?;
        Store::find(conn, store.merchant_id, store.id)
    });
    create_codes(app, &store, &ten_percent().to_json());
    store
}

fn create_codes(app: &TestApp, store: &Store, rules: &Value) {
    app.within(|conn| model::set_discount_rules(conn, &app.actor(), store, true, Some(rules)));
}
