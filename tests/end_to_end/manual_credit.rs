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
    let find = "form:has(#f-order_q) button";
    browser.click(find).await;
    browser.fill("#f-order_q", "1001").await;
    browser.click(find).await;
    browser.shows("tbody [data-label='Credited to']", &["Ada Active"]).await;
    browser.click("tbody a.btn").await;
    assert!(browser.text("#already-credited").await.contains("Ada Active"));
    browser.fill("#f-order_q", "1002").await;
    browser.click(find).await;
    browser.find("tbody [data-holders='0']").await;
    browser.click("tbody a.btn").await;
    let preview = browser.text(".preview .verdict").await;
    assert!(preview.contains("Ben Second") && preview.contains("$10.00"), "{preview}");
    browser.fill("#f-order-note", "Came from the podcast").await;
    browser.click("form:has(#f-order-note) button").await;
    browser.find("[role=status].tone-good").await;
    browser.shows("h1", &["#1002"]).await;
    let credit = browser.text(".credit").await;
    assert!(credit.contains("Ben Second") && credit.contains("$10.00"), "{credit}");
    browser.sees("Came from the podcast").await;
    browser.click("[role=status] form button").await;
    browser.find("[data-not-credited]").await;
}

async fn give_an_amount(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.fill("#f-amount", "a lot").await;
    browser.click("form:has(#f-amount) button").await;
    browser.find("#error-summary").await;
    browser.fill("#f-amount", "-12.50").await;
    browser.fill("#f-note", "Sample not sent back").await;
    browser.click("form:has(#f-amount) button").await;
    browser.says("[role=status].tone-good", "$12.50").await;
    browser.shows(".local [aria-current=page]", &["Conversions"]).await;
    browser.shows("tbody [data-label=Commission]", &["\u{2212}$12.50", "$0.00"]).await;
    browser.sees("Sample not sent back").await;
    browser.click("[role=status] form button").await;
    browser.find("tbody tr:nth-child(1) [data-status=denied]").await;
    let no_longer =
        "tbody tr:nth-child(2) [data-status=unqualified][data-reason=no_longer_credited]";
    browser.find(no_longer).await;
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
