use std::sync::Arc;

use actix_web::rt::task::spawn_blocking;
use secrecy::SecretBox;
use serde_json::json;
use vouch::app::workers::run_due_jobs;
use vouch::features::store_workers::Tools;
use vouch::features::stores::open_client;
use vouch::kit::secrets::Encryptor;
use vouch_platforms::CallError;
use vouch_platforms::http::Http;

use super::Scenario;
use crate::harness::SECRET_KEY;
use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::{Shop, TOKEN};

/// What the store signs its messages with.
pub(super) const API_SECRET: &str = "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";

/// By the page: a custom app's token.
pub(super) async fn connect(scenario: &Scenario, shop: &MockStore<Shop>) {
    let browser = &scenario.browser;
    browser.menu("Settings").await;
    browser.press("Shopify").await;
    browser.shows("h1", &["Shopify"]).await;
    browser.fill("#f-address", &shop.base).await;
    browser.fill("#f-token", TOKEN).await;
    browser.fill("#f-api_secret", API_SECRET).await;
    browser.press("Connect store").await;
    browser.find("[role=status].tone-good").await;
}

/// Shopify Discount Code Creation: Yes, and 15%.
pub(super) async fn have_codes_created(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.click("a[href$='/discounts']").await;
    browser.click("#f-creates_codes-yes").await;
    browser.fill("#f-percent", "15").await;
    if !scenario.javascript {
        browser.press("Preview discount").await;
    }
    browser.sees("15% off").await;
    browser.press("Save changes").await;
    browser.find("[role=status].tone-good").await;
}

async fn add_a_code(scenario: &Scenario, code: &str) {
    let (browser, affiliate_id) = (&scenario.browser, scenario.app.fixture.stranger_affiliate_id);
    browser.goto(&format!("/affiliates/{affiliate_id}/triggers")).await;
    browser.press("Add Trigger").await;
    browser.fill("#f-coupon_code", code).await;
    browser.press("Create").await;
    browser.says("[role=status].tone-good", code).await;
}

/// How the codes stand in the store, the newest first. Live while one looks; without JavaScript, on reload.
async fn stand(scenario: &Scenario, statuses: &[&str]) {
    if !scenario.javascript {
        scenario.browser.goto(&scenario.browser.path().await).await;
    }
    scenario.browser.shows(".push .badge-v", statuses).await;
}

pub(super) async fn work(scenario: &Scenario) {
    let (db, base) = (scenario.app.db.clone(), scenario.app.base.clone());
    let worked = spawn_blocking(move || {
        let encryptor = || Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
        let (tokens, http) = (encryptor(), Http::new(true));
        let calls = http.clone();
        let opened = move |store: &_, now| -> Result<_, CallError> {
            open_client(store, &tokens, &calls, now)
        };
        let tools = Tools {
            keep: Default::default(),
            db,
            encryptor: encryptor(),
            http,
            public_url: base.as_str().into(),
            open: Arc::new(opened),
        };
        run_due_jobs(&tools, vouch::kit::clock::now()).unwrap();
    });
    worked.await.unwrap();
}

async fn run(javascript: bool) {
    let shop = spawn_blocking(MockStore::shopify).await.unwrap();
    let scenario = Scenario::begin_as("owner@borealis.example", javascript, |_| {}).await;
    connect(&scenario, &shop).await;
    have_codes_created(&scenario).await;
    add_a_code(&scenario, "WALK15").await;
    stand(&scenario, &["Queued"]).await;
    work(&scenario).await;
    stand(&scenario, &["Pushed"]).await;
    {
        let shop = shop.store();
        assert_eq!(shop.codes(), ["WALK15"]);
        let gets = &shop.discounts[0].input["customerGets"];
        assert_eq!(gets["value"], json!({ "percentage": 0.15 }));
        assert_eq!(shop.discounts[0].input["appliesOncePerCustomer"], true);
    }
    // Somebody made this one in the store before.
    shop.store().add_discount("THEIRS", 0.2);
    add_a_code(&scenario, "THEIRS").await;
    work(&scenario).await;
    stand(&scenario, &["Already in store", "Pushed"]).await;
    scenario.browser.click("form[action$=attachment] button").await;
    scenario.browser.find("[role=status].tone-good").await;
    stand(&scenario, &["Pushed"]).await;
    assert_eq!(shop.store().codes(), ["WALK15", "THEIRS"]);
}

#[actix_web::test]
async fn a_store_is_connected_and_a_code_is_seen_to_arrive_there() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_a_store_is_connected_and_a_code_is_seen_to_arrive_there() {
    run(false).await;
}
