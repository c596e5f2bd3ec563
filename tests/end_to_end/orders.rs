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
    browser.sees("Nobody is credited: no affiliate has a coupon code").await;
    browser.press("Add a conversion trigger for SUMMER").await;
    let typed = browser.find("#f-coupon_code").await.prop("value").await.unwrap();
    assert_eq!(typed.as_deref(), Some("SUMMER"));
    scenario.menu("Orders").await;
    browser.press("#1001").await;
    browser.sees("Ada Active is credited with $4.50 for the coupon code ADA10.").await;
    browser.sees("Coupon Code ADA10 credits Ada Active with this order.").await;
    browser.sees("$45.00 given back").await;
    let entries = "[aria-labelledby='ledger-1'] tbody [data-label=Amount]";
    browser.shows(entries, &["$9.00", "\u{2212}$4.50"]).await;
    browser.shows("[aria-labelledby='messages'] li a", &["Order placed", "Refund made"]).await;
    browser.press("Deny").await;
    browser.sees("Denied 1 conversion").await;
    browser.shows(".credit .badge-v", &["Denied"]).await;
    browser.press("Undo").await;
    browser.sees("Undone: 1 conversion is as it was before.").await;
    browser.shows("h1", &["#1001"]).await;
    scenario.menu("Orders").await;
    browser.select("#q-kind", "test").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#2001"]).await;
    browser.press("#2001").await;
    browser.sees("Ada Active would be credited for the coupon code ADA10, but earns nothing").await;
    browser.press("Credit all the same").await;
    browser.sees("Overruled: the conversion counts now.").await;
    browser.shows(".credit .badge-v", &["Pending"]).await;
}

#[actix_web::test]
async fn an_order_is_found_and_says_why_it_was_credited() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_an_order_is_found_and_says_why_it_was_credited() {
    run(false).await;
}
