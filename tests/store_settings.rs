//! Account > Settings: what the stores of every platform have alike, and what only some have.

use diesel::prelude::*;
use vouch::kit::db::schema::stores;
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::form::{Control, FormPart};
use vouch_platforms::settings::Stored;
use vouch_platforms::{PROVIDERS, provider};

use crate::bigcommerce;
use crate::harness::{TestApp, then};

/// A store without discount rules.
const STORED: Stored<'_> = Stored { creates_codes: false, rules: None, currency: Currency::USD };

#[test]
fn every_platform_has_the_same_pages() {
    let app = TestApp::start();
    let owner = app.owner();
    for provider in PROVIDERS {
        let platform = provider.platform();
        let path = format!("/settings/{}", platform.as_str());
        let page = owner.get(&path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.all("nav.local a[aria-current]"), [platform.label()]);
        let apart = owner.get(&format!("{path}/credentials"));
        let is_apart = platform == Platform::Bigcommerce;
        assert_eq!(apart.status, if is_apart { 200 } else { 404 }, "{path}");
        let form = if is_apart { apart } else { page };
        let answer =
            owner.submit(&form, &format!("form[action='{path}']"), &[("address", "no store")]);
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.has("#f-address-error"), "{path}");
        assert_eq!(answer.value_of("#f-address"), "no store", "{path}");
    }
    for path in ["/settings/nowhere", "/settings/nowhere/credentials"] {
        assert_eq!(owner.get(path).status, 404, "{path}");
    }
}

#[test]
fn what_a_platform_lacks_is_not_found_there() {
    let app = TestApp::start();
    let owner = app.owner();
    let shopify = format!("/settings/shopify/{}", app.fixture.store_id);
    let woocommerce =
        format!("/settings/woocommerce/{}", app.connect_woocommerce("shop.acme.example").id);
    for what in ["secret", "cancellations"] {
        assert_eq!(owner.get(&format!("{shopify}/{what}")).status, 200, "{what}");
        assert_eq!(owner.get(&format!("{woocommerce}/{what}")).status, 404, "{what}");
        assert_eq!(owner.post_signed(&format!("{woocommerce}/{what}"), &[]).status, 404, "{what}");
    }
    for platform in ["shopify", "woocommerce"] {
        let path = format!("/settings/{platform}/credentials");
        assert_eq!(owner.post_signed(&path, &[]).status, 404, "{path}");
    }
    assert_eq!(owner.post_signed("/settings/bigcommerce/credentials", &[]).status, 422);
    let other = format!("/settings/woocommerce/{}/discounts", app.fixture.store_id);
    assert_eq!(owner.get(&other).status, 404, "a store of another platform");
}

#[test]
fn the_steps_for_webhooks_are_beside_every_store_that_can_have_them() {
    let app = TestApp::start();
    let owner = app.owner();
    let store = app.connect_woocommerce("shop.acme.example");
    app.within(|conn| {
        diesel::update(stores::table.filter(stores::id.eq(store.id)))
            .set((stores::credentials.eq(b"x".as_slice()), stores::credentials_set_at.eq(then())))
            .execute(conn)
    });
    for (platform, topics) in [("shopify", 8), ("woocommerce", 4)] {
        let page = owner.get(&format!("/settings/{platform}"));
        assert_eq!(page.all("details .list-topics tbody tr").len(), topics, "{platform}");
    }
    assert!(!owner.get("/settings/bigcommerce").has(".list-topics"));
}

#[test]
fn links_lead_to_the_store_in_question() {
    let app = TestApp::start();
    let owner = app.owner();
    let [first, second] = ["abc123", "def456"].map(|hash| bigcommerce::connect(&app, hash).id);
    app.within(|conn| {
        diesel::update(stores::table.filter(stores::id.eq(second)))
            .set(stores::access_problem.eq("Denied."))
            .execute(conn)
    });
    let own = format!("/settings/bigcommerce?store={second}");
    for (path, id) in [("/settings/bigcommerce", first), (&own, second)] {
        assert!(owner.get(path).has(&format!("#store-{id}")), "{path}");
    }
    for path in [
        format!("/settings/bigcommerce/{second}/credentials"),
        format!("/settings/bigcommerce/{second}/discounts"),
        format!("/settings/stores/{second}/backfills"),
        format!("/settings/stores/{second}/code-sync"),
    ] {
        assert!(owner.get(&path).has(&format!(".crumbs a[href='{own}']")), "{path}");
    }
    let notice = format!(".notice a[href='{own}']");
    assert!(owner.get("/orders").has(&notice));
    assert!(!owner.get(&own).has(&notice));
}

#[test]
fn codes_are_created_in_no_store_without_api_access() {
    let app = TestApp::start();
    let owner = app.owner();
    let stores = [
        ("shopify", app.fixture.store_id),
        ("woocommerce", app.connect_woocommerce("shop.acme.example").id),
    ];
    for (platform, id) in stores {
        let path = format!("/settings/{platform}/{id}/discounts");
        let save = |creates| {
            let fields = [("creates_codes", creates), ("amount", "10")];
            owner.submit(&owner.get(&path), "form.stack", &fields)
        };
        let refused = save("yes");
        assert_eq!(refused.status, 422, "{platform}");
        assert!(refused.has("#f-creates_codes-error"), "{platform}");
        assert_eq!(save("no").status, 303, "{platform}");
    }
}

#[test]
fn an_unknown_choice_of_a_discount_is_refused_beside_its_field() {
    let app = TestApp::start();
    let owner = app.owner();
    let stores = [
        (Platform::Shopify, app.fixture.store_id),
        (Platform::Bigcommerce, bigcommerce::connect(&app, "abc123").id),
        (Platform::Woocommerce, app.connect_woocommerce("shop.acme.example").id),
    ];
    for (platform, id) in stores {
        let path = format!("/settings/{}/{id}/discounts", platform.as_str());
        let page = owner.get(&path);
        let form = page.form(&format!("form[action='{path}']"));
        let choices = provider(platform).unwrap().settings().discounts().parts(STORED);
        let choices = choices.iter().flat_map(FormPart::fields);
        let choices = choices
            .filter(|field| matches!(field.control, Control::Radios(_) | Control::Select(_)));
        let mut count = 0;
        for field in choices {
            let mut fields = form.fields.clone();
            fields.retain(|(name, _)| name != field.name && name != "csrf");
            fields.push((field.name.to_owned(), "nope".to_owned()));
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = owner.post_signed(&path, &fields);
            assert_eq!(answer.status, 422, "{platform} {}", field.name);
            assert!(answer.has(&format!("#f-{}-error", field.name)), "{platform} {}", field.name);
            count += 1;
        }
        assert!(count >= 2, "{platform} has {count} choices");
        let rules: Option<serde_json::Value> = app.within(|conn| {
            stores::table.filter(stores::id.eq(id)).select(stores::discount_rules).first(conn)
        });
        assert_eq!(rules, None, "{platform}");
    }
}
