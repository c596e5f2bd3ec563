//! Account > Settings > Shopify: API access, and what codes get.

use std::sync::Arc;

use diesel::prelude::*;
use vouch::app::workers::run_due_jobs;
use vouch::features::store_workers::Tools;
use vouch::features::stores::{self, Store};
use vouch::kit::db::schema::{audit_log, job_queues};
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;
use vouch_platforms::shopify::{DiscountAmount, Items, Minimum, Rules};

use crate::harness::stores::shopify::{CLIENT_ID, CLIENT_SECRET, Shop, TOKEN};
use crate::harness::stores::{Fault, MockStore};
use crate::harness::{Page, Person, SECRET_KEY, TestApp};

const API_SECRET: &str = "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";

/// Another program's owner, who has no store yet, connects the mock store.
fn connect(app: &TestApp, shop: &MockStore<Shop>, fields: &[(&str, &str)]) -> (Person, Page) {
    let owner = app.stranger();
    let page = owner.get("/settings/shopify");
    let all = [&[("address", shop.base.as_str())], fields].concat();
    let answer = owner.submit(&page, "form[action='/settings/shopify']", &all);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    (owner, page)
}

/// The result of a test without a problem.
const CONNECTED: &str = "[role=status].tone-good";
/// The result of a test with a problem.
const WARNED: &str = "[role=status].tone-wait";
const NO_ACCESS: &str = "[data-problem=access]";

const WITH_CLIENT: [(&str, &str); 2] = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
const WITH_TOKEN: [(&str, &str); 2] = [("token", TOKEN), ("api_secret", API_SECRET)];

fn store(app: &TestApp) -> Store {
    let merchant_id = app.fixture.stranger_merchant_id;
    app.within_merchant(merchant_id, |conn| {
        Ok(Store::connected(conn, merchant_id, Platform::Shopify)?.remove(0))
    })
}

fn rules(app: &TestApp) -> Rules {
    Rules::from_json(store(app).discount_rules.as_ref().unwrap()).unwrap()
}

fn encryptor() -> Encryptor {
    Encryptor::new(&Box::new(SECRET_KEY).into())
}

#[test]
fn a_store_is_connected_with_an_app_and_answers_at_once() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    let (owner, page) = connect(&app, &shop, &WITH_CLIENT);
    assert!(page.one(CONNECTED).contains("Acme Tea"), "{}", page.text());
    assert!(page.one("[data-fact=credentials]").contains("c0de"));
    assert!(!page.text().contains(CLIENT_SECRET));
    assert_eq!(shop.store().granted, 1);
    let answer = owner.submit(&page, "form[action$='/access']", &[]);
    assert!(owner.follow(&answer).has(CONNECTED));
    assert_eq!(shop.store().granted, 1, "the token of before is good still");
    let encrypted = store(&app);
    let secrets = encrypted.webhook_secrets(&encryptor()).unwrap();
    assert_eq!(secrets.len(), 1, "the app's secret signs the webhooks");
    let kinds: Vec<String> = app.within_merchant(app.fixture.stranger_merchant_id, |conn| {
        job_queues::table.select(job_queues::kind).order(job_queues::kind).load(conn)
    });
    assert!(kinds.contains(&"webhooks".to_owned()), "{kinds:?}");
    let logged: Vec<Option<serde_json::Value>> = app
        .within_merchant(app.fixture.stranger_merchant_id, |conn| {
            audit_log::table.select(audit_log::params).load(conn)
        });
    assert!(!format!("{logged:?}").contains("c0de"), "no secret in the log");
}

#[test]
fn what_is_missing_is_said_in_words() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    shop.store().scopes.retain(|scope| scope != "write_discounts");
    let (owner, page) = connect(&app, &shop, &WITH_TOKEN);
    assert!(page.one(WARNED).contains("write_discounts"), "{}", page.text());
    assert!(!page.has(NO_ACCESS) && page.one("[data-fact=credentials]").contains("7d10"));

    shop.store().tokens.clear();
    let answer = owner.submit(&page, "form[action$='/access']", &[]);
    let page = owner.follow(&answer);
    assert!(page.has(WARNED) && page.has(NO_ACCESS), "{}", page.text());

    shop.once("graphql", Fault::html());
    shop.store().tokens.push(TOKEN.to_owned());
    let answer = owner.submit(&page, "form[action$='/access']", &[]);
    assert!(owner.follow(&answer).one(WARNED).contains("HTTP 200"));

    let page = owner.get(&format!("/settings/shopify/{}/credentials", store(&app).id));
    shop.store().scopes.push("write_discounts".to_owned());
    let answer = owner.submit(&page, "form.stack", &WITH_CLIENT);
    let page = owner.follow(&answer);
    assert!(page.has(CONNECTED), "{}", page.text());
    assert!(!page.has(NO_ACCESS), "and what was wrong is forgotten");
    assert!(page.has("[data-fact=previous-secret]"), "that of before signs what is under way");
}

#[test]
fn credentials_that_cannot_be_are_refused_and_never_echoed() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/settings/shopify/{}/credentials", app.fixture.store_id);
    let page = owner.get(&path);
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "client_id"),
        (&[("client_id", CLIENT_ID)], "client_secret"),
        (&[("client_secret", CLIENT_SECRET)], "client_id"),
        (&[("token", TOKEN)], "api_secret"),
        (&[("client_id", CLIENT_ID), ("token", TOKEN)], "client_id"),
    ];
    for (fields, field) in cases {
        let answer = owner.submit(&page, "form.stack", fields);
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.has(&format!("#f-{field}-error")), "{fields:?}");
        assert!(!answer.text().contains(CLIENT_SECRET) && !answer.text().contains(TOKEN));
    }
    assert!(
        !app.within(|conn| Store::find(conn, app.fixture.merchant_id, app.fixture.store_id))
            .has_credentials()
    );
}

/// Saves rules: 10% off everything, but for `fields`.
fn set(owner: &Person, path: &str, fields: &[(&str, &str)]) -> Page {
    let usual = [
        ("creates_codes", "no"),
        ("takeoff", "percent"),
        ("percent", "10"),
        ("items", "all"),
        ("minimum", "none"),
        ("purchases", "one_time"),
        ("title", "{affiliate}: {code}"),
    ];
    let left = usual.iter().filter(|(name, _)| fields.iter().all(|(set, _)| set != name));
    let all: Vec<(&str, &str)> = left.copied().chain(fields.iter().copied()).collect();
    owner.post_signed(path, &all)
}

#[test]
fn what_codes_get_is_set_looked_up_in_the_store_and_shown_in_a_sentence() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    let (owner, _) = connect(&app, &shop, &WITH_CLIENT);
    shop.store().currency = "EUR".to_owned();
    let path = format!("/settings/shopify/{}/discounts", store(&app).id);
    let page = owner.get(&path);
    assert_eq!(page.value_of("input[name=creates_codes][checked]"), "no");
    for field in ["percent", "amount"] {
        assert!(page.has(&format!("label[for=f-{field}] .optional")), "{field}");
    }
    let fields = [
        ("creates_codes", "yes"),
        ("takeoff", "amount"),
        ("amount", "7.50"),
        ("items", "collections"),
        ("item_list", "https://acme.example/collections/green-tea"),
        ("minimum", "quantity"),
        ("quantity", "2"),
        ("total_uses", "50"),
        ("once_per_order", "true"),
        ("once_per_customer", "true"),
        ("combine_shipping", "true"),
        ("title", "Affiliate {affiliate}: {code}"),
    ];
    let preview = set(&owner, &path, &[&fields[..], &[("preview", "page")]].concat());
    assert_eq!(preview.status, 200);
    assert!(preview.one("#preview").contains("7.50"), "{}", preview.text());
    assert!(store(&app).discount_rules.is_none(), "a preview keeps nothing");
    let answer = set(&owner, &path, &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    let gets = page.one("[data-creates-codes=yes]");
    for value in ["€7.50", "Green tea", "2", "50"] {
        assert!(gets.contains(value), "{value}: {gets}");
    }
    assert!(store(&app).creates_codes);
    let kept = rules(&app);
    assert_eq!(kept.takeoff, DiscountAmount::Amount { minor: 750, each_item: false });
    assert_eq!(kept.minimum, Minimum::Quantity { items: 2 });
    assert!(matches!(&kept.items, Items::Collections(items) if items[0].id == 488_001));
    let again = owner.get(&path);
    assert_eq!(again.value_of("input[name=amount]"), "7.50");
    assert!(again.one("#f-item_list-hint").contains("Green tea"));
    let off = owner.submit(&again, "form[action$='/discounts']", &[("creates_codes", "no")]);
    assert!(owner.follow(&off).has("[data-creates-codes=no]"));
    assert!(!store(&app).creates_codes && rules(&app) == kept, "the rules stay");
}

#[test]
fn rubbish_in_the_rules_comes_back_with_its_reason() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    let (owner, _) = connect(&app, &shop, &WITH_TOKEN);
    let path = format!("/settings/shopify/{}/discounts", store(&app).id);
    let cases: [(&[(&str, &str)], &str, &str); 8] = [
        (&[("percent", "0")], "percent", "0.01"),
        (&[("percent", "101")], "percent", "100"),
        (&[("takeoff", "amount"), ("amount", "5.001")], "amount", "USD"),
        (&[("items", "products"), ("item_list", "")], "item_list", ""),
        (&[("items", "products"), ("item_list", "oolong")], "item_list", "oolong"),
        (&[("minimum", "quantity"), ("quantity", "some")], "quantity", "1"),
        (&[("total_uses", "0")], "total_uses", "1"),
        (&[("title", " ")], "title", "150"),
    ];
    for (fields, field, named) in cases {
        let answer = set(&owner, &path, fields);
        assert_eq!(answer.status, 422, "{fields:?}");
        let said = answer.one(&format!("#f-{field}-error"));
        assert!(said.contains(named), "{fields:?}: {said}");
        let preview = set(&owner, &path, &[fields, &[("preview", "live")]].concat());
        assert_eq!(preview.status, 200, "a preview refuses nothing");
    }
    assert!(store(&app).discount_rules.is_none());
}

#[test]
fn rules_are_kept_while_the_store_does_not_answer_and_need_access_to_create() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    let (owner, _) = connect(&app, &shop, &WITH_TOKEN);
    let path = format!("/settings/shopify/{}/discounts", store(&app).id);
    shop.times(9, "graphql", Fault::status(503));
    let money =
        set(&owner, &path, &[("creates_codes", "yes"), ("takeoff", "amount"), ("amount", "5")]);
    assert_eq!(money.status, 422);
    assert!(money.has("#error-summary"), "{}", money.text());
    let handle = [("creates_codes", "yes"), ("items", "products"), ("item_list", "sencha")];
    let unknown = set(&owner, &path, &handle);
    assert_eq!(unknown.status, 422);
    assert!(unknown.one("#f-item_list-error").contains("sencha"));
    let number = [("creates_codes", "yes"), ("items", "products"), ("item_list", "990001")];
    let answer = set(&owner, &path, &number);
    assert!(owner.follow(&answer).one(WARNED).contains("HTTP 503"));
    assert!(matches!(&rules(&app).items, Items::Products(items) if items[0].id == 990_001));

    let fixture = app.owner();
    let path = format!("/settings/shopify/{}/discounts", app.fixture.store_id);
    let refused = set(&fixture, &path, &[("creates_codes", "yes")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-creates_codes-error"));
}

#[test]
fn webhooks_are_looked_after_and_their_problem_shown() {
    let app = TestApp::start();
    let shop = MockStore::shopify();
    let (owner, _) = connect(&app, &shop, &WITH_TOKEN);
    run_due_jobs(&tools(&app), vouch::kit::clock::now()).unwrap();
    let page = owner.get("/settings/shopify");
    let problem = page.one("[data-problem=webhooks]");
    assert!(problem.contains("Address protocol http:// is not supported"), "{problem}");
    assert!(shop.store().webhooks.is_empty());
    let tools = Tools { public_url: "https://vouch.example".into(), ..tools(&app) };
    run_due_jobs(&tools, vouch::kit::clock::now() + chrono::Duration::days(1)).unwrap();
    assert_eq!(shop.store().webhooks.len(), 8);
    let page = owner.get("/settings/shopify");
    assert!(page.has("[data-fact=webhooks] time") && !page.has("[data-problem=webhooks]"));
}

fn tools(app: &TestApp) -> Tools {
    let (http, tokens) = (Http::new(true), encryptor());
    let calls = http.clone();
    Tools {
        keep: Default::default(),
        db: app.db.clone(),
        encryptor: encryptor(),
        http,
        public_url: app.base.as_str().into(),
        open: Arc::new(move |store, now| stores::open_client(store, &tokens, &calls, now)),
    }
}
