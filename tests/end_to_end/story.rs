//! The story that Vouch was made for, from its first sentence to its last: an affiliate with a code of
//! their own, a code that nobody may claim, and an order that is credited.

use actix_web::rt::task::spawn_blocking;
use diesel::prelude::*;
use vouch::kit::db::schema::stores;

use super::{Scenario, pushes};
use crate::harness::PASSWORD;
use crate::harness::browser::Browser;
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::stores::MockStore;
use crate::harness::two_factor;
use crate::registration::link_to;

const OWNER: &str = "owner@borealis.example";

/// Another person sits down at the browser.
async fn sit_down(browser: &Browser, email: &str, heading: &str) {
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto("/login").await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("main:not(:has(#f-password))").await;
    two_factor::pass(browser).await;
    browser.shows("h1", &[heading]).await;
}

async fn open_registration(scenario: &Scenario) {
    scenario.menu("Affiliate Registration").await;
    scenario.browser.click("#f-is_open").await;
    scenario.browser.click("form:has(#f-is_open) .submit .btn-primary").await;
    scenario.browser.find("#content a[href='/join/borealis-books']").await;
}

/// Fills in the public page and sends it.
async fn apply(browser: &Browser, name: &str, email: &str, code: &str) {
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto("/join/borealis-books").await;
    browser.fill("#f-name", name).await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-code", code).await;
}

/// Opens the link in the letter and confirms.
async fn confirm(scenario: &Scenario, email: &str, code: &str) {
    scenario.browser.shows("h1", &["Confirm your email"]).await;
    scenario.browser.goto(&link_to(&scenario.app, email)).await;
    scenario.browser.shows("h1", &["Confirm your application"]).await;
    if scenario.javascript {
        scenario.browser.check_page("join-confirm").await;
    }
    scenario.browser.click("main form .submit button").await;
    scenario.browser.says("[role=status].tone-good", code).await;
}

async fn support_enables_exclusions(browser: &Browser) {
    sit_down(browser, "support@vouch.example", "Merchants").await;
    browser.press("Borealis Books").await;
    browser.fill("#f-reason", "Ticket 1").await;
    browser.click("form:has(#f-reason) .btn-primary").await;
    browser.find("[role=status].tone-good").await;
}

async fn exclude(scenario: &Scenario, pattern: &str) {
    scenario.browser.menu("Settings").await;
    scenario.browser.press("Coupon Exclusions").await;
    scenario.browser.shows("h1", &["Coupon Exclusions"]).await;
    scenario.browser.press("Add Coupon Code").await;
    scenario.browser.fill("#f-code", pattern).await;
    scenario.browser.click("form:has(#f-code) .btn-primary").await;
    scenario.browser.shows("tbody th", &[pattern]).await;
}

/// Refused, with the reason beside the field; one of the codes in its place is taken. Answers it.
async fn take_a_suggestion(scenario: &Scenario) -> String {
    let browser = &scenario.browser;
    if scenario.javascript {
        browser.find("#code-verdict .field-error[data-reason=excluded]").await;
    }
    browser.press("Submit application").await;
    browser.find("#error-summary").await;
    browser.find("#code-verdict .field-error[data-reason=excluded]").await;
    let code = browser.attribute(".offers button", "value").await;
    browser.click(".offers button").await;
    code
}

async fn approve(scenario: &Scenario) {
    let browser = &scenario.browser;
    scenario.menu("Affiliates").await;
    browser.select("#q-status", "pending").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["Nia New", "Noa Next"]).await;
    for name in ["Nia New", "Noa Next"] {
        browser.click(&format!("[aria-label='Select {name}']")).await;
    }
    browser.click("#bulk button[value=active]").await;
    browser.find("[role=status].tone-good").await;
    browser.find(".empty").await;
}

/// As the store says it, signed with the app's secret.
async fn order_with(scenario: &Scenario, code: &str) {
    let merchant_id = scenario.app.fixture.stranger_merchant_id;
    let key: String = scenario
        .app
        .within_merchant(merchant_id, |conn| stores::table.select(stores::store_key).first(conn));
    let order = ShopifyOrder::new(4711, vouch::kit::clock::now())
        .currency("EUR")
        .code(&code.to_lowercase(), "10.00");
    let body = serde_json::to_vec(&order.0).unwrap();
    let signature = sign(pushes::API_SECRET, &body);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "of-the-story"),
        ("x-shopify-hmac-sha256", &signature),
    ];
    assert_eq!(scenario.app.hook(&key, &headers, &body).status, 200);
}

/// By the link in the welcome letter to what the code earned.
async fn look_into_the_portal(scenario: &Scenario, email: &str, code: &str) {
    let browser = &scenario.browser;
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto(&link_to(&scenario.app, email)).await;
    browser.fill("#f-password", "umbrella quartz 7 meadow").await;
    if scenario.javascript {
        browser.check_page("join-account").await;
    }
    browser.click("main form .submit button").await;
    browser.shows("h1", &["My Codes"]).await;
    browser.sees(code).await;
    browser.shows("tbody [data-label='Orders']", &["1"]).await;
    browser.menu("Conversions").await;
    browser.shows("tbody [data-label=Status] .badge-v", &["Pending"]).await;
    browser.shows("tbody [data-label=Commission]", &["€9.00"]).await;
}

async fn run(javascript: bool) {
    let shop = spawn_blocking(MockStore::shopify).await.unwrap();
    let scenario = Scenario::begin_as(OWNER, javascript, |_| {}).await;
    let browser = &scenario.browser;
    pushes::connect(&scenario, &shop).await;
    pushes::have_codes_created(&scenario).await;
    open_registration(&scenario).await;
    apply(browser, "Nia New", "nia@new.example", "Nia10").await;
    browser.press("Submit application").await;
    confirm(&scenario, "nia@new.example", "Nia10").await;
    support_enables_exclusions(browser).await;
    sit_down(browser, OWNER, "Dashboard").await;
    exclude(&scenario, "BLACKFRIDAY*").await;
    apply(browser, "Noa Next", "noa@new.example", "BlackFriday-24").await;
    let taken = take_a_suggestion(&scenario).await;
    confirm(&scenario, "noa@new.example", &taken).await;
    sit_down(browser, OWNER, "Dashboard").await;
    approve(&scenario).await;
    pushes::work(&scenario).await;
    assert_eq!(shop.store().codes(), ["Nia10", taken.as_str()]);
    order_with(&scenario, &taken).await;
    look_into_the_portal(&scenario, "noa@new.example", &taken).await;
}

#[actix_web::test]
async fn the_story_from_an_application_to_its_first_commission() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_the_story_from_an_application_to_its_first_commission() {
    run(false).await;
}
