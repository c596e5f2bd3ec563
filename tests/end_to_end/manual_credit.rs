use super::{Scenario, credited, noon};
use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn prepare(app: &TestApp) {
    credited(app, 1001, noon());
    let order = ShopifyOrder::new(1002, noon());
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
}

async fn credit_an_order(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.press("Find").await;
    browser.fill("#f-order_q", "1001").await;
    browser.press("Find").await;
    browser.shows("tbody [data-label='Credited to']", &["Ada Active"]).await;
    browser.click("tbody a.btn").await;
    browser.sees("This order is credited to Ada Active already.").await;
    browser.fill("#f-order_q", "1002").await;
    browser.press("Find").await;
    browser.shows("tbody [data-label='Credited to']", &["nobody"]).await;
    browser.click("tbody a.btn").await;
    browser.sees("Ben Second is credited with $10.00 by hand.").await;
    browser.fill("#f-order-note", "Came from the podcast").await;
    browser.press("Credit this order").await;
    browser.sees("Credited the order by hand.").await;
    browser.shows("h1", &["#1002"]).await;
    browser.sees("Ben Second is credited with $10.00 by hand.").await;
    browser.sees("Came from the podcast").await;
    browser.press("Undo").await;
    browser.sees("Nobody is credited").await;
}

async fn give_an_amount(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.fill("#f-amount", "a lot").await;
    browser.press("Give the amount").await;
    browser.find("#error-summary").await;
    browser.fill("#f-amount", "-12.50").await;
    browser.fill("#f-note", "Sample not sent back").await;
    browser.press("Give the amount").await;
    browser.sees("Gave \u{2212}$12.50 by hand.").await;
    browser.shows(".local [aria-current=page]", &["Conversions"]).await;
    browser.shows("tbody [data-label=Commission]", &["\u{2212}$12.50", "$0.00"]).await;
    browser.sees("Sample not sent back").await;
    browser.press("Undo").await;
    let statuses = ["Denied\nDenied by Olga Owner", "Unqualified\nNo longer credited"];
    browser.shows("tbody [data-label=Status]", &statuses).await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    let browser = &scenario.browser;
    for part in 0..2 {
        scenario.menu("Affiliates").await;
        browser.press("Ben Second").await;
        scenario.left_menu(4, "Manual Credit").await;
        if part == 0 { credit_an_order(&scenario).await } else { give_an_amount(&scenario).await }
    }
}

#[actix_web::test]
async fn an_order_or_an_amount_is_credited_by_hand() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_an_order_or_an_amount_is_credited_by_hand() {
    run(false).await;
}
