//! Account > Settings: what the stores of every platform have alike, and what only some have.

use vouch_core::platform::Platform;
use vouch_platforms::PROVIDERS;

use crate::harness::TestApp;

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
