//! Orders come in, and credit converges.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use vouch::kit::db::schema::{commission_entries, conversions, deliveries, orders};

use crate::harness::TestApp;
use crate::harness::shopify::{ShopifyOrder, sign};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// (affiliate, status, commission, ledger) of every conversion.
fn credits(app: &TestApp) -> Vec<(i64, String, i64, Vec<(String, i64)>)> {
    app.within(|conn| {
        let rows: Vec<(i64, i64, String, i64)> = conversions::table
            .order(conversions::id)
            .select((
                conversions::id,
                conversions::affiliate_id,
                conversions::status,
                conversions::commission_minor,
            ))
            .load(conn)?;
        rows.into_iter()
            .map(|(id, affiliate, status, commission)| {
                let entries = commission_entries::table
                    .filter(commission_entries::conversion_id.eq(id))
                    .order(commission_entries::id)
                    .select((commission_entries::kind, commission_entries::amount_minor))
                    .load(conn)?;
                Ok((affiliate, status, commission, entries))
            })
            .collect()
    })
}

fn entry(kind: &str, amount: i64) -> (String, i64) {
    (kind.to_owned(), amount)
}

#[test]
fn an_order_with_a_code_credits_its_affiliate_once() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(5_123_456_789_012_345_678, noon()).code("ada10 ", "10.00");
    let first = app.shopify_as("orders/create", "delivery-1", &order.0);
    assert_eq!(first.status, 200, "{}", first.text());
    for _ in 0..3 {
        assert_eq!(app.shopify_as("orders/create", "delivery-1", &order.0).status, 200);
        assert_eq!(app.shopify("orders/paid", &order.0).status, 200);
    }
    let expected = vec![(app.fixture.ada_id, "pending".to_owned(), 900, vec![entry("sale", 900)])];
    assert_eq!(credits(&app), expected);
    let refs: Vec<String> = app.within(|conn| orders::table.select(orders::order_ref).load(conn));
    assert_eq!(refs, ["5123456789012345678"]);
}

#[test]
fn ten_deliveries_at_once_are_one_credit() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1001, noon()).code("ADA10", "10.00");
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                assert_eq!(app.shopify_as("orders/create", "same", &order.0).status, 200)
            });
            scope.spawn(|| assert_eq!(app.shopify("orders/updated", &order.0).status, 200));
        }
    });
    assert_eq!(credits(&app).len(), 1);
    assert_eq!(credits(&app)[0].3, [entry("sale", 900)]);
}

#[test]
fn an_update_and_a_refund_in_the_wrong_order_end_in_the_right_ledger() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1002, noon()).code("ADA10", "10.00").line("MUG", 2, "20.00");
    let later = noon() + Duration::hours(2);
    let refund = order.refund(77, 1, 1, "20.00", later);
    let updated = order.clone().refunded(77, 1, 1, "20.00", later);
    assert_eq!(app.shopify("refunds/create", &refund).status, 200);
    assert!(credits(&app).is_empty(), "a refund alone credits nobody");
    assert_eq!(app.shopify("orders/updated", &updated.0).status, 200);
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let ledger = &credits(&app)[0].3;
    assert_eq!(*ledger, [entry("sale", 1300), entry("refund", -200)]);
    assert_eq!(
        app.shopify("orders/cancelled", &updated.cancelled_at(later + Duration::hours(1)).0).status,
        200
    );
    assert_eq!(credits(&app)[0].2, 0);
    assert_eq!(credits(&app)[0].3[2], entry("cancellation", -1100));
}

#[test]
fn a_wrong_signature_is_refused_and_nothing_is_kept() {
    let app = TestApp::start();
    let body = serde_json::to_vec(&ShopifyOrder::new(1003, noon()).0).unwrap();
    let signed = sign("another secret", &body);
    assert_eq!(app.shopify_raw("orders/create", "x", &body, &signed).status, 401);
    let kept: i64 = app.within(|conn| deliveries::table.count().get_result(conn));
    assert_eq!(kept, 0);
}

#[test]
fn what_cannot_be_understood_is_kept_and_answered_200() {
    let app = TestApp::start();
    let signed = sign(crate::harness::SHOP_SECRET, b"{\"id\": ");
    assert_eq!(app.shopify_raw("orders/create", "broken", b"{\"id\": ", &signed).status, 200);
    let kept: Vec<(String, Option<serde_json::Value>)> = app.within(|conn| {
        deliveries::table.select((deliveries::outcome, deliveries::reason)).load(conn)
    });
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, "failed");
    assert_eq!(kept[0].1.as_ref().unwrap()["code"], "unparseable");
}
