use chrono::Duration;

use super::{Scenario, credited, noon};
use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn prepare(app: &TestApp) {
    let order = credited(app, 1001, noon());
    let refund = order.refund(7, 0, 1, "45.00", noon() + Duration::hours(1));
    assert_eq!(app.shopify("refunds/create", &refund).status, 200);
    credited(app, 1002, noon() + Duration::hours(2));
    assert_eq!(app.shopify("orders/create", &ShopifyOrder::new(1003, noon()).0).status, 200);
    credited(app, 1004, vouch::kit::clock::now());
}

const FIGURES: [&str; 5] = ["3", "2", "$135.00", "$13.50", "$45.00"];

async fn choose_a_period(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.click(".periods a[href$='period=7']").await;
    browser.find(".periods a[href$='period=7'][aria-current=page]").await;
    browser.shows(".figure-value", &["1", "1", "$90.00", "$9.00", "$0.00"]).await;
    let day = noon().format("%d%m%Y").to_string();
    for field in ["#f-from", "#f-to"] {
        browser.find(field).await.send_keys(&day).await.unwrap();
    }
    browser.click(".periods form button").await;
    browser.shows(".figure-value", &FIGURES).await;
    assert!(browser.path().await.contains("from=2026-06-06&to=2026-06-06"));
}

/// Each figure leads to the list that says the same.
async fn follow_the_figures(scenario: &Scenario) {
    let browser = &scenario.browser;
    let dashboard = browser.path().await;
    for (place, figure) in FIGURES.into_iter().enumerate() {
        browser.goto(&dashboard).await;
        browser.click(&format!(".figure:nth-child({}) .figure-value", place + 1)).await;
        browser.find(".pages-shown").await;
        let shown = browser.text(".pages-shown").await;
        assert!(shown.split(' ').any(|word| word == figure), "{figure}: {shown}");
        assert_ne!(browser.path().await, dashboard);
    }
    browser.goto(&dashboard).await;
    assert!(browser.find("svg.chart").await.is_displayed().await.unwrap());
    browser.click(".behind summary").await;
    browser.shows("details td", &["3", "2", "$135.00", "$13.50", "$45.00"]).await;
    browser.click("details th a").await;
    browser.shows("tbody .name", &["#1002", "#1001"]).await;
}

/// From the Dashboard, as the help article tells it.
async fn add_a_trigger(scenario: &Scenario) {
    let browser = &scenario.browser;
    scenario.menu("Dashboard").await;
    browser.press("Add Conversion Trigger").await;
    let ben = scenario.app.fixture.ben_id;
    browser.fill("#f-affiliate_id", "ben").await;
    if scenario.javascript {
        browser.choose(&format!("#f-affiliate_id-list [data-value='{ben}']")).await;
    } else {
        browser.press("Find").await;
        browser.click(&format!("#choice-{ben}")).await;
    }
    browser.select("#f-type", "coupon_code").await;
    browser.fill("#f-coupon_code", "BEN5").await;
    browser.press("Add Trigger").await;
    browser.find("[role=status].tone-good").await;
    browser.shows("tbody th code", &["BEN5"]).await;
    let order = ShopifyOrder::new(1005, vouch::kit::clock::now()).code("ben5", "10.00");
    assert_eq!(scenario.app.shopify("orders/create", &order.0).status, 200);
    scenario.menu("Dashboard").await;
    browser.shows("[aria-labelledby=newest] .name", &["#1005", "#1004", "#1002", "#1001"]).await;
    browser.click("[data-task=conversions] a").await;
    browser.shows("tbody .name", &["#1005", "#1004", "#1002", "#1001"]).await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    choose_a_period(&scenario).await;
    follow_the_figures(&scenario).await;
    add_a_trigger(&scenario).await;
}

#[actix_web::test]
async fn the_dashboard_leads_to_what_it_says() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_the_dashboard_leads_to_what_it_says() {
    run(false).await;
}
