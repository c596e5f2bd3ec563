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
    browser.press("2 messages of your store could not be processed").await;
    browser.shows("h1", &["Messages from stores"]).await;
    browser.find("tbody tr:nth-child(2)").await;
    // Both came at the same time; the first in the list was the last to come.
    browser.click("tbody tr:nth-child(2) .name").await;
    browser.shows("h1", &["Order placed"]).await;
    browser.sees("torn").await;
    browser.press("Replay").await;
    browser.sees("It failed again:").await;
    fix(&scenario.app, "d-1", 1001);
    browser.press("Replay").await;
    browser.sees("Replayed: the message is taken in.").await;
    browser.press("Open the order").await;
    browser.sees("Ada Active is credited with $9.00").await;
    fix(&scenario.app, "d-2", 1002);
    browser.goto("/deliveries?outcome=failed").await;
    browser.press("Replay all that failed").await;
    browser.sees("Replayed: 1 taken in, 0 failed again.").await;
    browser.sees("Nothing has failed").await;
    browser.press("Show all messages").await;
    browser.shows("tbody [data-label=Outcome]", &["Taken in", "Taken in"]).await;
}

#[actix_web::test]
async fn messages_that_failed_are_read_and_replayed() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_messages_that_failed_are_read_and_replayed() {
    run(false).await;
}
