use diesel::prelude::*;
use vouch::kit::db::schema::deliveries;

use super::{Scenario, noon};
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{SHOP_SECRET, TestApp};

fn prepare(app: &TestApp) {
    for (id, body) in [("d-1", &b"{\"id\": \"torn"[..]), ("d-2", b"{}")] {
        let answer = app.shopify_raw("orders/create", id, body, &sign(SHOP_SECRET, body));
        assert_eq!(answer.status, 200);
    }
}

/// As if a fix had made the message one that can be understood.
fn fix(app: &TestApp, delivery_ref: &str, order: u64) {
    let order = ShopifyOrder::new(order, noon()).code("ADA10", "10.00");
    let body = vouch::features::ingest::intake::gzip(order.0.to_string().as_bytes());
    let updated = app.within(|conn| {
        diesel::update(deliveries::table.filter(deliveries::delivery_ref.eq(delivery_ref)))
            .set(deliveries::body_gzip.eq(body))
            .execute(conn)
    });
    assert_eq!(updated, 1);
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    let browser = &scenario.browser;
    browser.click("[data-task=deliveries] a").await;
    browser.find("tbody tr:nth-child(2)").await;
    // Both came at the same time; the first in the list was the last to come.
    browser.click("tbody tr:nth-child(2) .name").await;
    browser.find("[data-outcome=failed][data-reason=unparseable]").await;
    browser.sees("torn").await;
    browser.click("form[action$=replay] button").await;
    browser.find("[role=status].tone-wait").await;
    fix(&scenario.app, "d-1", 1001);
    browser.click("form[action$=replay] button").await;
    browser.find("[role=status].tone-good").await;
    browser.find("[data-outcome=processed]").await;
    browser.click(".facts a[href^='/orders/']").await;
    let credit = browser.text(".credit").await;
    assert!(credit.contains("Ada Active") && credit.contains("$9.00"), "{credit}");
    fix(&scenario.app, "d-2", 1002);
    browser.goto("/deliveries?outcome=failed").await;
    browser.click("form[action='/deliveries/replay'] button").await;
    browser.find("[role=status].tone-good").await;
    browser.click(".empty a[href='/deliveries']").await;
    browser.find("tbody tr:nth-child(1) [data-outcome=processed]").await;
    browser.find("tbody tr:nth-child(2) [data-outcome=processed]").await;
}

#[actix_web::test]
async fn messages_that_failed_are_read_and_replayed() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_messages_that_failed_are_read_and_replayed() {
    run(false).await;
}
