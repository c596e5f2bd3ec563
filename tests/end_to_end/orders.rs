use chrono::Duration;

use super::{Scenario, credited, noon};
use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn prepare(app: &TestApp) {
    let order = credited(app, 1001, noon());
    let refund = order.refund(7, 0, 1, "45.00", noon() + Duration::hours(1));
    assert_eq!(app.shopify("refunds/create", &refund).status, 200);
    let later = noon() + Duration::days(1);
    let other = ShopifyOrder::new(1002, later).code("SUMMER", "5.00");
    assert_eq!(app.shopify("orders/create", &other.0).status, 200);
    assert_eq!(app.shopify("orders/create", &ShopifyOrder::new(1003, later).0).status, 200);
    let test = ShopifyOrder::new(2001, noon() - Duration::days(1)).code("ADA10", "10.00");
    let test = test.with("test", true.into());
    assert_eq!(app.shopify("orders/create", &test.0).status, 200);
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    let browser = &scenario.browser;
    scenario.menu("Orders").await;
    browser.shows("tbody .name", &["#1003", "#1002", "#1001", "#2001"]).await;
    browser.select("#q-kind", "nobody").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#1003", "#1002", "#2001"]).await;
    browser.fill("#q-q", "1002").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#1002"]).await;
    browser.press("#1002").await;
    browser.find("[data-not-credited=unassigned]").await;
    browser.click("a[href*='coupon_code=SUMMER']").await;
    let typed = browser.find("#f-coupon_code").await.prop("value").await.unwrap();
    assert_eq!(typed.as_deref(), Some("SUMMER"));
    scenario.menu("Orders").await;
    browser.press("#1001").await;
    let credit = browser.text(".credit").await;
    assert!(credit.contains("Ada Active") && credit.contains("$4.50"), "{credit}");
    assert!(browser.text("[data-won=true]").await.contains("ADA10"));
    assert!(browser.text("[aria-labelledby='commission-1'] tbody").await.contains("$45.00"));
    let entries = "[aria-labelledby='ledger-1'] tbody [data-label=Amount]";
    browser.shows(entries, &["$9.00", "\u{2212}$4.50"]).await;
    browser.find("[aria-labelledby='messages'] [data-topic='orders/create'] a").await;
    browser.find("[aria-labelledby='messages'] [data-topic='refunds/create'] a").await;
    browser.click("button[name=status][value=denied]").await;
    browser.find("[role=status].tone-good").await;
    browser.find(".credit[data-status=denied]").await;
    browser.click("[role=status] form button").await;
    browser.find(".credit[data-status=pending]").await;
    browser.find("[role=status].tone-good").await;
    browser.shows("h1", &["#1001"]).await;
    scenario.menu("Orders").await;
    browser.select("#q-kind", "test").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#2001"]).await;
    browser.press("#2001").await;
    browser.find(".credit[data-status=unqualified][data-reason=test_order]").await;
    browser.click("form[action$=overruling] button").await;
    browser.find("[role=status].tone-good").await;
    browser.find(".credit[data-status=pending][data-overridden=test_order]").await;
}

#[actix_web::test]
async fn an_order_is_found_and_says_why_it_was_credited() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_an_order_is_found_and_says_why_it_was_credited() {
    run(false).await;
}
