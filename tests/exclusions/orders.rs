//! Exclusions that cover orders: dated, so that an order always ends in the same ledger.

use chrono::{DateTime, Duration};
use vouch::features::exclusions::{change, enable as switch, remove, restore};
use vouch::features::ingest::replay;
use vouch::kit::db::schema::{commission_entries, conversions, orders};
use vouch_core::attribution::{Attribution, Unqualified};
use vouch_core::conversion::UnqualifiedReason;

use super::*;
use crate::harness::pseudonyms;
use crate::harness::shopify::ShopifyOrder;

fn noon() -> DateTime<chrono::Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn hours(n: i64) -> Duration {
    Duration::hours(n)
}

fn send(app: &TestApp, id: u64, placed_at: DateTime<chrono::Utc>) -> ShopifyOrder {
    let order = ShopifyOrder::new(id, placed_at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    order
}

/// Status, reason and commission of every conversion, by order.
fn credits(app: &TestApp) -> Vec<(String, Option<String>, i64)> {
    app.work();
    app.within(|conn| {
        conversions::table
            .order(conversions::order_id)
            .select((conversions::status, conversions::reason, conversions::commission_minor))
            .load(conn)
    })
}

fn counts() -> (String, Option<String>, i64) {
    ("pending".to_owned(), None, 900)
}

fn excluded() -> (String, Option<String>, i64) {
    ("unqualified".to_owned(), Some("excluded_code".to_owned()), 0)
}

/// Enabled at that time, and not before.
fn enable_at(app: &TestApp, on: bool, at: DateTime<chrono::Utc>) {
    let actor = app.actor_at(at);
    assert!(app.within(|conn| switch(conn, &actor, on, "Tests")));
}

fn replay_all(app: &TestApp) {
    use vouch::kit::db::schema::deliveries;
    let before = entries(app);
    let ids: Vec<i64> = app.within(|conn| {
        deliveries::table.order(deliveries::id.desc()).select(deliveries::id).load(conn)
    });
    for id in ids {
        app.within(|conn| Ok(replay(conn, &app.actor(), &pseudonyms(), id).unwrap()));
    }
    assert_eq!(entries(app), before, "a replay changes nothing");
}

fn entries(app: &TestApp) -> Vec<(i64, String, i64)> {
    app.within(|conn| {
        commission_entries::table
            .order(commission_entries::id)
            .select((
                commission_entries::conversion_id,
                commission_entries::kind,
                commission_entries::amount_minor,
            ))
            .load(conn)
    })
}

#[test]
fn an_order_with_an_excluded_code_earns_nothing_while_the_exclusion_holds() {
    let app = TestApp::start();
    enable_at(&app, true, noon() - hours(24));
    let exclusion = exclude_as(&app, &app.actor_at(noon()), &of_orders("ADA*"));
    send(&app, 1, noon() - hours(1));
    send(&app, 2, noon());
    let actor = app.actor_at(noon() + hours(2));
    app.within(|conn| remove(conn, &actor, exclusion.id));
    send(&app, 3, noon() + hours(3));
    // It came late, and is judged by its moment.
    send(&app, 4, noon() + hours(1));
    assert_eq!(credits(&app), [counts(), excluded(), counts(), excluded()]);
    let attribution: serde_json::Value = app.within(|conn| {
        orders::table
            .order(orders::id.desc())
            .select(orders::attribution.assume_not_null())
            .first(conn)
    });
    let attribution: Attribution = serde_json::from_value(attribution).unwrap();
    let reason = attribution.credits[0].unqualified.map(Unqualified::code);
    assert_eq!(reason, Some(UnqualifiedReason::ExcludedCode));
    replay_all(&app);
}

#[test]
fn an_exclusion_of_claims_leaves_orders_alone_and_so_does_one_while_the_feature_is_off() {
    let app = TestApp::start();
    exclude_as(&app, &app.actor_at(noon()), &of_orders("ADA-10"));
    send(&app, 1, noon() + hours(1));
    enable_at(&app, true, noon() + hours(2));
    send(&app, 2, noon() + hours(3));
    enable_at(&app, false, noon() + hours(4));
    send(&app, 3, noon() + hours(5));
    enable_at(&app, true, noon() + hours(6));
    let exclusion: i64 = app.within(|conn| {
        use vouch::kit::db::schema::exclusions;
        exclusions::table.select(exclusions::id).first(conn)
    });
    let actor = app.actor_at(noon() + hours(7));
    app.within(|conn| Ok(change(conn, &actor, exclusion, &new("ADA-10")).unwrap()));
    send(&app, 4, noon() + hours(8));
    assert_eq!(credits(&app), [counts(), excluded(), counts(), counts()]);
    replay_all(&app);
}

#[test]
fn an_exclusion_that_is_put_back_covers_the_orders_of_meanwhile() {
    let app = TestApp::start();
    enable_at(&app, true, noon() - hours(1));
    let exclusion = exclude_as(&app, &app.actor_at(noon()), &of_orders("ADA10"));
    let (removed, restored) = (app.actor_at(noon() + hours(1)), app.actor_at(noon() + hours(3)));
    app.within(|conn| remove(conn, &removed, exclusion.id));
    send(&app, 1, noon() + hours(2));
    assert_eq!(credits(&app), [counts()]);
    app.within(|conn| Ok(restore(conn, &restored, exclusion.id).unwrap()));
    assert_eq!(credits(&app), [excluded()]);
    replay_all(&app);
    // The ledger names both sources as data.
    let order_id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let page = app.owner().get(&format!("/orders/{order_id}"));
    assert!(page.has("[data-entry=sale][data-source='orders/create']"));
    assert!(page.has("[data-source=recalculation]"));
}

#[test]
fn an_order_that_slipped_past_a_change_is_found_by_the_workers() {
    let app = TestApp::start();
    enable_at(&app, true, noon());
    exclude_as(&app, &app.actor_at(noon()), &of_orders("ADA10"));
    send(&app, 1, noon() + hours(1));
    // As if it had been taken in by a transaction that did not see the exclusion.
    app.within(|conn| {
        diesel::update(conversions::table)
            .set(conversions::unqualified_reason.eq(None::<String>))
            .execute(conn)
    });
    assert!(vouch::features::ingest::recalculation::drain(&app.db).unwrap() >= 1);
    assert_eq!(credits(&app), [excluded()]);
}

#[test]
fn another_programs_orders_with_the_same_code_are_theirs() {
    let app = TestApp::start();
    let borealis = app.fixture.stranger_merchant_id;
    let secret = "another-secret-of-another-shop-9876543210";
    let shop = app.connect_shop(borealis, "borealis-books.myshopify.com", secret);
    app.enable_exclusions(borealis);
    enable_at(&app, true, noon());
    exclude_as(&app, &app.actor_at(noon()), &of_orders("ADA10"));
    let order = ShopifyOrder::new(1, noon() + hours(1)).code("ADA10", "10.00");
    let body = serde_json::to_vec(&order.0).unwrap();
    let signature = crate::harness::shopify::sign(secret, &body);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "1"),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    assert_eq!(app.hook(&shop.store_key, &headers, &body).status, 200);
    let status: String = app.within_merchant(borealis, |conn| {
        conversions::table.select(conversions::status).first(conn)
    });
    assert_eq!(status, "pending");
}

#[test]
fn a_member_can_credit_such_an_order_all_the_same() {
    let app = TestApp::start();
    enable_at(&app, true, noon() - hours(1));
    exclude_as(&app, &app.actor_at(noon() - hours(1)), &of_orders("ADA10"));
    send(&app, 1, noon());
    let conversion_id: i64 =
        app.within(|conn| conversions::table.select(conversions::id).first(conn));
    let owner = app.owner();
    let list = owner.get("/conversions?status=unqualified");
    assert_eq!(list.all("tbody tr").len(), 1, "{}", list.text());
    let path = format!("/conversions/{conversion_id}/overruling");
    assert_eq!(owner.post_signed(&path, &[]).status, 303);
    assert_eq!(credits(&app), [counts()]);
}
