//! Account > Settings: what the stores of every platform have alike, and what only some have.

use diesel::prelude::*;
use vouch::kit::db::schema::stores;
use vouch_core::platform::Platform;
use vouch_platforms::PROVIDERS;

use crate::bigcommerce;
use crate::harness::{TestApp, then};

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
