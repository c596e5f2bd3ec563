//! Account > Settings > WooCommerce.

use diesel::prelude::*;
use vouch::kit::clock;
use vouch::kit::db::schema::pushes;

use super::{commissions, connect, connected, encryptor, work};
use crate::harness::TestApp;
use crate::harness::stores::Fault;
use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, Permission, WooSite};
use crate::harness::woocommerce::WooOrder;

/// The result of a test without a problem.
const CONNECTED: &str = "[role=status].tone-good";
/// The result of a test with a problem.
const WARNED: &str = "[role=status].tone-wait";

/// What a customer gets from a code, as the settings say it.
fn gets(app: &TestApp) -> String {
    app.owner().get("/settings/woocommerce").one("[data-creates-codes=yes]")
}

fn set_rules(app: &TestApp, fields: &[(&str, &str)]) -> crate::harness::Page {
    let owner = app.owner();
    let path = format!("/settings/woocommerce/{}/discounts", connected(app).id);
    let page = owner.get(&path);
    owner.submit(&page, &format!("form[action='{path}']"), fields)
}

fn add_code(app: &TestApp, code: &str) {
    let owner = app.owner();
    let path = format!("/affiliates/{}/triggers", app.fixture.ada_id);
    let fields = [("type", "coupon_code"), ("coupon_code", code)];
    let answer = owner.post_signed(&path, &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
}

#[test]
fn a_merchant_connects_creates_a_code_and_gets_its_orders() {
    let (app, site) = (TestApp::start(), WooSite::start());
    let page = connect(&app, &site);
    assert!(page.has(CONNECTED), "{}", page.text());
    let ending = &CONSUMER_KEY[CONSUMER_KEY.len() - 7..];
    assert!(page.one("[data-fact=credentials]").contains(ending));
    for secret in [CONSUMER_KEY, CONSUMER_SECRET] {
        assert!(!page.text().contains(secret));
    }
    let saved = set_rules(&app, &[("creates_codes", "yes"), ("kind", "percent"), ("amount", "15")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert!(gets(&app).contains("15%"));

    add_code(&app, "Maya-15");
    work(&app, clock::now());
    assert_eq!(site.store().codes(), ["maya-15"]);
    assert_eq!(site.store().coupons[0]["amount"], "15.00");
    let status: String = app.within(|conn| pushes::table.select(pushes::status).first(conn));
    assert_eq!(status, "pushed");

    let store = connected(&app);
    let secret = store.webhook_secrets(&encryptor()).unwrap().remove(0);
    let secret = String::from_utf8(secrecy::ExposeSecret::expose_secret(&secret).to_vec()).unwrap();
    // WooCommerce gives whole seconds; the code is a moment old.
    let placed = clock::now() + chrono::Duration::seconds(1);
    let order = WooOrder::new(7, placed).code("MAYA-15", 15);
    let body = serde_json::to_vec(&order.0).unwrap();
    let signature = crate::harness::shopify::sign(&secret, &body);
    let sent = app.woocommerce_raw(&store, "order.created", "d", &body, &signature);
    assert_eq!(sent.status, 200);
    assert_eq!(commissions(&app), [850]);
}

#[test]
fn a_preview_says_what_a_shopper_gets_and_saves_nothing() {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    let fields = [("creates_codes", "yes"), ("kind", "cart"), ("amount", "5"), ("preview", "live")];
    let path = format!("/settings/woocommerce/{}/discounts", connected(&app).id);
    let page = app.owner().post_signed(&path, &fields);
    assert_eq!(page.status, 200);
    assert!(page.one("#preview").contains("$5.00"), "{}", page.text());
    assert!(!connected(&app).creates_codes);
}

#[test]
fn what_is_no_address_key_or_rule_comes_back_with_the_reason_and_without_secrets() {
    let (app, site) = (TestApp::start(), WooSite::start());
    let owner = app.owner();
    let page = owner.get("/settings/woocommerce");
    let fields = [("address", "no site"), ("consumer_key", "ck_short"), ("consumer_secret", "x")];
    let answer = owner.submit(&page, "form[action='/settings/woocommerce']", &fields);
    assert_eq!(answer.status, 422);
    for (field, named) in [("address", ""), ("consumer_key", "ck_"), ("consumer_secret", "cs_")] {
        let said = answer.one(&format!("#f-{field}-error"));
        assert!(said.contains(named), "{field}: {said}");
    }
    assert_eq!(answer.value_of("input[name=address]"), "no site");
    assert!(!answer.text().contains("ck_short"));

    connect(&app, &site);
    let again = owner.get("/settings/woocommerce");
    let fields = [
        ("address", site.base.as_str()),
        ("consumer_key", CONSUMER_KEY),
        ("consumer_secret", CONSUMER_SECRET),
    ];
    let answer = owner.submit(&again, "form[action='/settings/woocommerce']", &fields);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#f-address-error"));

    for (field, value) in [
        ("amount", "0"),
        ("amount", "101"),
        ("minimum", "-1"),
        ("total_uses", "0"),
        ("uses_per_customer", "x"),
    ] {
        let mut fields = vec![("creates_codes", "yes"), ("kind", "percent"), ("amount", "10")];
        fields.retain(|pair| pair.0 != field);
        fields.push((field, value));
        let answer = set_rules(&app, &fields);
        assert_eq!(answer.status, 422, "{field} {value}");
        assert!(answer.has(&format!("#f-{field}[aria-invalid=true]")), "{field} {value}");
    }
}

#[test]
fn the_test_of_a_connection_says_what_works_and_what_is_missing() {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    let check = || {
        let owner = app.owner();
        let path = format!("/settings/woocommerce/{}/access", connected(&app).id);
        let page = owner.get("/settings/woocommerce");
        let answer = owner.submit(&page, &format!("form[action='{path}']"), &[]);
        owner.follow(&answer)
    };
    site.store().permission = Permission::Read;
    assert!(check().one(WARNED).contains("Read/Write"));
    site.once("orders", Fault::html());
    assert!(check().one(WARNED).contains("HTTP 200"));
    site.store().permission = Permission::None;
    assert!(check().one(WARNED).contains("Consumer key is invalid"));
    let page = app.owner().get("/settings/woocommerce");
    assert!(page.one("[data-problem=access]").contains("Consumer key is invalid"));
    assert!(connected(&app).access_problem().is_some());

    // A new key mends it.
    site.store().permission = Permission::ReadWrite;
    let owner = app.owner();
    let path = format!("/settings/woocommerce/{}/credentials", connected(&app).id);
    let fields = [("consumer_key", CONSUMER_KEY), ("consumer_secret", CONSUMER_SECRET)];
    let form = owner.get(&path);
    let answer = owner.submit(&form, &format!("form[action='{path}']"), &fields);
    assert!(owner.follow(&answer).has(CONNECTED));
    assert_eq!(connected(&app).access_problem(), None);
    let form = owner.get(&path);
    let answer = owner.submit(&form, &format!("form[action='{path}']"), &[("consumer_key", "x")]);
    assert_eq!(answer.status, 422);
}

#[test]
fn amounts_are_in_the_currency_of_the_store_which_is_asked_for_it() {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    let owner = app.owner();
    let amount = [("creates_codes", "yes"), ("kind", "cart"), ("amount", "10")];
    // Nobody knows what 10 are, of a store that does not answer.
    site.once("orders", Fault::status(503));
    let refused = set_rules(&app, &amount);
    assert_eq!(refused.status, 422);
    assert!(refused.one("#f-amount-error").contains("HTTP 503"), "{}", refused.text());
    assert_eq!(refused.value_of("#f-amount"), "10");

    site.store().currency = "EUR";
    assert_eq!(set_rules(&app, &amount).status, 303);
    assert!(gets(&app).contains("€10.00"));
    add_code(&app, "IN-EUROS");
    work(&app, clock::now());
    assert_eq!(site.store().coupons[0]["amount"], "10.00");

    // It changes its currency: no code is made that takes off another amount than was meant.
    site.store().currency = "JPY";
    let path = format!("/settings/woocommerce/{}/access", connected(&app).id);
    let warned = owner.follow(&owner.post_signed(&path, &[]));
    let warning = warned.one(WARNED);
    assert!(warning.contains("JPY") && warning.contains("EUR"), "{warning}");
    add_code(&app, "IN-YEN");
    work(&app, clock::now());
    let page = owner.get("/triggers");
    let reason = page.one("[data-status=failed] .push-reason");
    assert!(reason.contains("JPY") && reason.contains("EUR"), "{reason}");
    assert_eq!(site.store().codes(), ["in-euros"]);
    assert_eq!(set_rules(&app, &amount).status, 303);
    assert!(gets(&app).contains("¥10"));

    // What is no money is not asked for.
    let percent = [("creates_codes", "yes"), ("kind", "percent"), ("amount", "10")];
    site.times(9, "orders", Fault::status(503));
    assert_eq!(set_rules(&app, &percent).status, 303);
}

#[test]
fn the_discount_rules_are_found_where_they_were_and_read_by_viewers() {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    let store = connected(&app).id;
    let path = format!("/settings/woocommerce/{store}/discounts");
    let moved = app.viewer().get(&format!("/settings/woocommerce/{store}/codes"));
    assert_eq!((moved.status, moved.location()), (301, Some(path.as_str())));
    assert_eq!(app.viewer().get("/settings/woocommerce/999999/codes").status, 404);
    let page = app.viewer().get(&path);
    assert!(page.status == 200 && page.has("fieldset[disabled] [name=amount]"));
    assert!(!page.has("form[action$='/discounts'] :is([hx-post], button)"));
    let page = app.owner().get(&path);
    assert!(page.has("form[action$='/discounts'] button") && !page.has("fieldset[disabled]"));
}

#[test]
fn a_store_that_is_connected_again_is_the_same_store() {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    let first = connected(&app);
    let owner = app.owner();
    let page = owner.get("/settings/woocommerce");
    let path = format!("/settings/woocommerce/{}/disconnection", first.id);
    let answer = owner.submit(&page, &format!("form[action='{path}']"), &[]);
    assert!(owner.follow(&answer).has(CONNECTED));
    assert_eq!(owner.get(&format!("/settings/woocommerce/{}/discounts", first.id)).status, 404);
    connect(&app, &site);
    let second = connected(&app);
    assert_eq!((second.id, second.store_key), (first.id, first.store_key));
}
