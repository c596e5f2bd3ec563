//! Stores whose clock isn't Vouch's: an order is judged by the time that both mean.

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::ingest::recalculation;
use vouch::features::stores::Store;
use vouch::kit::clock;
use vouch::kit::db::schema::{conversions, orders};

use crate::bigcommerce::Shop;
use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::woocommerce::WooOrder;

/// Ada's code is created at that time.
fn create_code(app: &TestApp, at: DateTime<Utc>) {
    app.as_superuser()
        .batch_execute(&format!(
            "UPDATE triggers SET created_at = '{0}' WHERE id = {1}; \
             UPDATE trigger_owners SET valid_from = date_trunc('second', timestamptz '{0}') \
             WHERE trigger_id = {1}",
            at.to_rfc3339(),
            app.fixture.ada10_id
        ))
        .unwrap();
}

/// Ben has it from that time on.
fn hand_over(app: &TestApp, at: DateTime<Utc>) {
    app.as_superuser()
        .batch_execute(&format!(
            "UPDATE trigger_owners SET valid_until = date_trunc('second', timestamptz '{0}') \
             WHERE trigger_id = {1}; \
             INSERT INTO trigger_owners (merchant_id, trigger_id, affiliate_id, valid_from) \
             VALUES ({2}, {1}, {3}, date_trunc('second', timestamptz '{0}')); \
             UPDATE triggers SET affiliate_id = {3} WHERE id = {1}",
            at.to_rfc3339(),
            app.fixture.ada10_id,
            app.fixture.merchant_id,
            app.fixture.ben_id
        ))
        .unwrap();
}

/// An answer of the store has said how far its clock is behind.
fn measured(app: &TestApp, store_id: i64, behind: i64) {
    app.as_superuser()
        .batch_execute(&format!(
            "INSERT INTO store_clocks (merchant_id, store_id, behind_seconds, measured_at) \
             VALUES ({}, {store_id}, {behind}, now()) ON CONFLICT (merchant_id, store_id) \
             DO UPDATE SET behind_seconds = excluded.behind_seconds, measured_at = now()",
            app.fixture.merchant_id
        ))
        .unwrap();
}

/// Who is credited, by the order of the conversions.
fn credited(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table
            .filter(conversions::status.ne("unqualified"))
            .order(conversions::id)
            .select(conversions::affiliate_id)
            .load(conn)
    })
}

fn shifts(app: &TestApp) -> Vec<Option<i32>> {
    app.within(|conn| {
        orders::table.order(orders::id).select(orders::clock_shift_seconds).load(conn)
    })
}

/// What a store whose clock is behind says at `truly`.
fn says(truly: DateTime<Utc>, behind: i64) -> DateTime<Utc> {
    truly - Duration::seconds(behind)
}

fn ago(seconds: i64) -> DateTime<Utc> {
    clock::now() - Duration::seconds(seconds)
}

/// Placed at `truly`, and sent at once.
fn shopify(app: &TestApp, id: u64, truly: DateTime<Utc>, behind: i64) {
    let said = says(truly, behind);
    let order = ShopifyOrder::new(id, said).code("ADA10", "10.00");
    let sent = ("x-shopify-triggered-at", said.to_rfc3339());
    let answer = app.shopify_with("orders/create", &[(sent.0, &sent.1)], &order.0);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn woocommerce(app: &TestApp, store: &Store, id: u64, truly: DateTime<Utc>, behind: i64) {
    let order = WooOrder::new(id, says(truly, behind)).code("ADA10", 10);
    assert_eq!(app.woocommerce(store, "order.created", &order.0).status, 200);
}

const SKEWS: [i64; 3] = [600, -600, 0];

#[test]
fn an_order_with_a_code_just_created_is_credited_whatever_shopifys_clock_says() {
    for behind in SKEWS {
        let app = TestApp::start();
        create_code(&app, ago(4));
        shopify(&app, 1, ago(2), behind);
        assert_eq!(credited(&app), [app.fixture.ada_id], "behind by {behind}");
    }
}

#[test]
fn an_order_with_a_code_just_created_is_credited_whatever_woocommerces_clock_says() {
    for behind in SKEWS {
        let app = TestApp::start();
        let store = app.connect_woocommerce("https://woo.example");
        create_code(&app, ago(4));
        woocommerce(&app, &store, 1, ago(2), behind);
        assert_eq!(credited(&app), [app.fixture.ada_id], "behind by {behind}");
    }
}

#[test]
fn an_order_with_a_code_just_created_is_credited_whatever_bigcommerces_clock_says() {
    for behind in SKEWS {
        let shop = Shop::open();
        create_code(&shop.app, ago(4));
        let said = says(ago(2), behind);
        shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", said));
        // Also this message isn't refused because of its time.
        assert_eq!(shop.send_at("store/order/created", 250, said).status, 200);
        shop.work(clock::now() + Duration::seconds(1));
        assert_eq!(credited(&shop.app), [shop.app.fixture.ada_id], "behind by {behind}");
    }
}

#[test]
fn a_code_that_changed_hands_credits_who_held_it_by_both_clocks() {
    for behind in [600, -600] {
        let app = TestApp::start();
        let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
        measured(&app, app.fixture.store_id, behind);
        hand_over(&app, ago(60));
        shopify(&app, 1, ago(90), behind);
        shopify(&app, 2, ago(30), behind);
        assert_eq!(credited(&app), [ada, ben], "behind by {behind}");
        let kept = shifts(&app);
        assert!(kept.iter().all(|shift| *shift != Some(0)), "{kept:?}");

        // Decided again when nothing is known of the clock any more, it's the same.
        let change = "DELETE FROM store_clocks; \
            INSERT INTO recalculations (merchant_id, since, cause, orders_total) \
            SELECT merchant_id, now() - interval '1 day', '{\"reason\": \"trigger_retired\", \"trigger\": \"\"}', 2 \
            FROM orders LIMIT 1";
        app.as_superuser().batch_execute(change).unwrap();
        recalculation::drain(&app.db).unwrap();
        assert_eq!(credited(&app), [ada, ben], "behind by {behind}");
        assert_eq!(shifts(&app), kept);
        let id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
        assert!(app.owner().get(&format!("/orders/{id}")).has("[data-clock-shift]"));
    }
}

#[test]
fn an_update_moves_an_order_no_further_than_its_first_report() {
    let app = TestApp::start();
    create_code(&app, ago(4));
    measured(&app, app.fixture.store_id, 600);
    let said = says(ago(2), 600);
    let order = ShopifyOrder::new(1, said).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let kept = shifts(&app);
    measured(&app, app.fixture.store_id, 0);
    let update = order.updated_at(said + Duration::seconds(1)).with("note", json!("gift"));
    assert_eq!(app.shopify("orders/updated", &update.0).status, 200);
    assert_eq!((credited(&app), shifts(&app)), (vec![app.fixture.ada_id], kept));
}

#[test]
fn a_delivery_that_is_hours_late_is_no_slow_clock() {
    let app = TestApp::start();
    create_code(&app, ago(1800));
    // Placed before the code was Ada's, and received after; so were those before it.
    for id in 1..=5 {
        shopify(&app, id, ago(7200 - 60 * id as i64), 0);
    }
    assert_eq!(credited(&app), [0_i64; 0]);
    shopify(&app, 6, ago(1860), 0);
    assert_eq!(credited(&app), [0_i64; 0], "late by half an hour");
    assert!(shifts(&app).iter().all(|shift| *shift == Some(0)), "{:?}", shifts(&app));
}

#[test]
fn a_late_delivery_alone_takes_no_order_from_its_holder() {
    let app = TestApp::start();
    hand_over(&app, ago(300));
    // Ten minutes late, or from a clock that's ten minutes behind: by the store's, it's Ada's.
    shopify(&app, 1, ago(600), 0);
    assert_eq!(credited(&app), [app.fixture.ada_id]);
}

#[test]
fn a_late_delivery_of_a_store_that_keeps_time_reaches_no_new_code() {
    let app = TestApp::start();
    measured(&app, app.fixture.store_id, 0);
    create_code(&app, ago(300));
    shopify(&app, 1, ago(600), 0);
    assert_eq!(credited(&app), [0_i64; 0]);
}
