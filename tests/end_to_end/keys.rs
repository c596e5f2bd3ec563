use serde_json::json;

use super::Scenario;
use crate::harness::TestApp;

fn report(app: &TestApp, key: &str) -> u16 {
    let body = json!({
        "id": "100234", "name": "#1001", "currency": "USD",
        "placed_at": "2026-06-06T12:00:00Z", "updated_at": "2026-06-06T12:00:00Z",
        "codes": [{ "code": "ADA10", "discount": "3.00" }],
        "lines": [{ "id": "1", "title": "Tea", "quantity": 2, "price": "15.00", "discount": "3.00" }],
        "total": "27.00",
    });
    let headers =
        [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    app.anonymous().send("/api/v1/orders", &headers, body.to_string().as_bytes()).status
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, |_| {}).await;
    let browser = &scenario.browser;
    browser.menu("Settings").await;
    browser.press("API").await;
    browser.press("Make a key").await;
    browser.find("#error-summary").await;
    browser.fill("#f-name", "Till").await;
    browser.press("Make a key").await;
    browser.sees("it is shown this once").await;
    let key = browser.text(".notice code").await;
    assert!(matches!(report(&scenario.app, &key), 200 | 201));
    scenario.menu("Orders").await;
    browser.press("#1001").await;
    browser.sees("Ada Active is credited with $2.70").await;
    browser.goto("/settings/api").await;
    browser.shows("tbody strong", &["Till"]).await;
    browser.press("Revoke").await;
    scenario.yes("Revoke this key?").await;
    browser.sees("Revoked").await;
    assert_eq!(report(&scenario.app, &key), 401);
}

#[actix_web::test]
async fn a_key_is_made_used_and_revoked() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_a_key_is_made_used_and_revoked() {
    run(false).await;
}
