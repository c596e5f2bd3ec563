//! Adding codes as the help article tells it, in a real browser.

use chrono::{Duration, TimeZone, Utc};
use fantoccini::Locator;

use crate::harness::browser::Browser;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{PASSWORD, TestApp};
use crate::triggers::{all, code};

async fn sign_in(browser: &Browser) {
    browser.goto("/login?next=/triggers").await;
    browser.fill("#f-email", "owner@acme.example").await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("#results").await;
}

async fn displayed(browser: &Browser, css: &str) -> bool {
    browser.find(css).await.is_displayed().await.unwrap()
}

async fn choose(browser: &Browser, affiliate_id: i64) {
    browser.choose(&format!("#f-affiliate_id-list [data-value='{affiliate_id}']")).await;
}

/// From **Manage > Affiliates** to the form, and through it, by way of a code that is taken.
async fn from_the_affiliate_page(browser: &Browser, form: &str) {
    browser.goto("/affiliates").await;
    browser.press("Ben Second").await;
    browser.click(".local a[href$='/triggers']").await;
    browser.find(".empty a[data-dialog]").await;
    browser.click(".actions .btn-primary").await;
    browser.select(&format!("{form} #f-type"), "customer_email").await;
    assert!(displayed(browser, &format!("{form} #f-customer_email")).await);
    assert!(!displayed(browser, &format!("{form} #f-coupon_code")).await);
    browser.select(&format!("{form} #f-type"), "coupon_code").await;
    assert!(!displayed(browser, &format!("{form} #f-customer_email")).await);
    browser.fill(&format!("{form} #f-coupon_code"), "ada10").await;
    browser.press("Create").await;
    browser.find(&format!("{form} [data-unavailable=held]")).await;
    browser.find(&format!("{form} button[name=instead]")).await;
    // The Enter key creates what was typed, and takes none of the codes offered.
    browser.fill(&format!("{form} #f-coupon_code"), "BEN5\u{e007}").await;
    browser.find("#results tbody tr").await;
    assert_eq!(browser.text("#results tbody th code").await, "BEN5");
    browser.find("#create-in-store").await;
}

#[actix_web::test]
async fn a_code_is_added_from_the_affiliate_page() {
    let app = TestApp::start();
    let browser = Browser::open(&app.base).await;
    sign_in(&browser).await;
    from_the_affiliate_page(&browser, "dialog").await;
    assert_eq!(all(&app).pop().unwrap().1, "BEN5");
}

#[actix_web::test]
async fn without_javascript_a_code_is_added_from_the_affiliate_page() {
    let app = TestApp::start();
    let browser = Browser::open_without_javascript(&app.base).await;
    sign_in(&browser).await;
    from_the_affiliate_page(&browser, "main").await;
    assert_eq!(all(&app).pop().unwrap().1, "BEN5");
}

#[actix_web::test]
async fn a_code_is_added_for_an_affiliate_found_by_typing() {
    let app = TestApp::start();
    let browser = Browser::open(&app.base).await;
    sign_in(&browser).await;
    browser.goto("/triggers").await;
    browser.press("Add Conversion Trigger").await;
    browser.fill("dialog #f-affiliate_id", "sec").await;
    choose(&browser, app.fixture.ben_id).await;
    browser.fill("dialog #f-coupon_code", "BEN5").await;
    browser.press("Add Trigger").await;
    browser.find("[role=status].tone-good").await;
    assert_eq!(all(&app).pop().unwrap().3, app.fixture.ben_id);
}

#[actix_web::test]
async fn without_javascript_the_affiliate_is_found_by_a_button() {
    let app = TestApp::start();
    let browser = Browser::open_without_javascript(&app.base).await;
    sign_in(&browser).await;
    browser.goto("/triggers/new").await;
    browser.fill("#f-coupon_code", "BEN5").await;
    browser.fill("#f-affiliate_id", "sec").await;
    browser.press("Find").await;
    browser.click(&format!("#choice-{}", app.fixture.ben_id)).await;
    browser.press("Add Trigger").await;
    browser.find("#results tbody tr").await;
    assert_eq!(
        all(&app).pop().unwrap(),
        ("coupon_code".into(), "BEN5".into(), "BEN5".into(), app.fixture.ben_id)
    );
}

#[actix_web::test]
async fn a_retirement_is_asked_about_first_and_can_be_undone() {
    let app = TestApp::start();
    let browser = Browser::open(&app.base).await;
    sign_in(&browser).await;
    browser.goto(&format!("/triggers/{}", app.fixture.ada10_id)).await;
    browser.click(".actions button").await;
    browser.click("dialog .submit .btn-danger").await;
    browser.find("#retired").await;
    browser.click(".notice form[action$=reinstatement] button").await;
    browser.shows("h1 + p .badge-v", &["Active"]).await;
    browser.click("a[data-dialog][href$=reassignment]").await;
    browser.fill("dialog #f-affiliate_id", "ben").await;
    choose(&browser, app.fixture.ben_id).await;
    browser.click("dialog .submit .btn-primary").await;
    browser.shows("h1 + p a", &["Ben Second"]).await;
}

/// A program with codes in every state, of every kind and length.
fn fill(app: &TestApp) {
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    for value in
        ["SUMMER-SALE-2026", "日本のコード", "A23456789B23456789C23456789D23456789E23456789F1234"]
    {
        code(app, ben, value, &app.actor());
    }
    let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    for id in 1..30_u64 {
        let at = noon + Duration::hours(i64::try_from(id).unwrap());
        let order = ShopifyOrder::new(id, at).code("ADA10", "1000.00").line("MUG", 9, "1520.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    let owner = app.owner();
    for (kind, value) in [("customer_email", "Sia.Shopper@Customers.example"), ("sku", "MUG")] {
        let path = format!("/affiliates/{ada}/triggers");
        assert_eq!(owner.post_signed(&path, &[("type", kind), (kind, value)]).status, 303);
    }
    let retired = code(app, ada, "OLD", &app.actor());
    assert_eq!(owner.post_signed(&format!("/triggers/{retired}/retirement"), &[]).status, 303);
    let path = format!("/triggers/{}/reassignment", app.fixture.ada10_id);
    let fields = [("affiliate_id", &*ben.to_string()), ("from", "2026-06-02")];
    assert_eq!(owner.post_signed(&path, &fields).status, 303);
}

fn pages(app: &TestApp) -> Vec<(&'static str, String)> {
    let (id, ben) = (app.fixture.ada10_id, app.fixture.ben_id);
    vec![
        ("triggers", "/triggers".to_owned()),
        ("triggers-filtered", "/triggers?q=a&type=coupon_code&state=active".to_owned()),
        ("triggers-none", "/triggers?q=nothing".to_owned()),
        ("triggers-of-affiliate", format!("/affiliates/{ben}/triggers")),
        ("trigger-new", format!("/affiliates/{ben}/triggers/new")),
        ("trigger-add", "/triggers/new".to_owned()),
        ("trigger", format!("/triggers/{id}")),
        ("trigger-reassign", format!("/triggers/{id}/reassignment")),
    ]
}

#[actix_web::test]
async fn every_page_of_triggers_passes_axe_and_fits_320_pixels() {
    let app = TestApp::start();
    fill(&app);
    let browser = Browser::open(&app.base).await;
    sign_in(&browser).await;
    for (name, path) in pages(&app) {
        browser.goto(&path).await;
        browser.check_page(name).await;
    }
    browser.goto("/triggers/new").await;
    browser.fill("#f-coupon_code", "ADA10").await;
    browser.fill("#f-affiliate_id", "sec").await;
    choose(&browser, app.fixture.ben_id).await;
    browser.press("Add Trigger").await;
    browser.find("button[name=instead]").await;
    browser.check_page("trigger-taken").await;
}

#[actix_web::test]
#[ignore = "saves screenshots in target/screens"]
async fn pictures() {
    let app = TestApp::start();
    fill(&app);
    let browser = Browser::open(&app.base).await;
    sign_in(&browser).await;
    for (name, path) in pages(&app) {
        for (width, height, dark) in [(1280, 800, false), (390, 844, false), (1280, 800, true)] {
            browser.viewport(width, height).await;
            browser.dark(dark).await;
            browser.goto(&path).await;
            let scheme = if dark { "dark" } else { "light" };
            browser.screenshot(&format!("{name}-{width}-{scheme}")).await;
        }
    }
    browser.viewport(1280, 800).await;
    browser.dark(false).await;
    browser.goto(&format!("/affiliates/{}/triggers", app.fixture.ben_id)).await;
    browser.press("Add Trigger").await;
    browser.fill("dialog #f-coupon_code", "summer-sale-2026\u{e007}").await;
    browser.find("dialog button[name=instead]").await;
    browser.screenshot("trigger-dialog").await;
    browser.goto("/triggers/new").await;
    let field = browser.client().find(Locator::Css("#f-affiliate_id")).await.unwrap();
    field.send_keys("a").await.unwrap();
    browser.find("#f-affiliate_id-list [role=option]").await;
    browser.screenshot("trigger-combobox").await;
}
