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
    browser.press("Create API key").await;
    browser.find("#error-summary").await;
    browser.fill("#f-name", "Till").await;
    browser.press("Create API key").await;
    let key = browser.text("[role=status].tone-good code").await;
    assert!(matches!(report(&scenario.app, &key), 200 | 201));
    scenario.menu("Orders").await;
    browser.press("#1001").await;
    let credit = browser.text(".credit").await;
    assert!(credit.contains("Ada Active") && credit.contains("$2.70"), "{credit}");
    browser.goto("/settings/api").await;
    browser.shows("tbody strong", &["Till"]).await;
    browser.press("Revoke key").await;
    scenario.yes("Revoke Till?").await;
    browser.find("[aria-labelledby=keys] .badge-v.tone-off").await;
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
