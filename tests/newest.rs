//! Of several snapshots of an order the newest counts: by the store's time, then by when it was sent,
//! then by when it was received.

use chrono::{DateTime, Duration, SecondsFormat, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::json;
use vouch::features::ingest::read;
use vouch::features::ingest::replay;
use vouch::features::stores::Store;
use vouch::kit::clock;
use vouch::kit::db::schema::{conversions, deliveries, orders};
use vouch_platforms::OrderMessage;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::woocommerce::WooOrder;
use crate::harness::{TestApp, pseudonyms};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// What is earned from every order, in the order of their ids.
fn commissions(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

fn send_at(app: &TestApp, topic: &str, order: &ShopifyOrder, milliseconds: i64) {
    let at = noon() + Duration::milliseconds(milliseconds);
    let at = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let headers = [("x-shopify-triggered-at", at.as_str())];
    assert_eq!(app.shopify_with(topic, &headers, &order.0).status, 200);
}

/// Twelve orders, so that none of this is luck.
const ORDERS: u64 = 12;

#[test]
fn a_line_that_an_upsell_adds_in_the_same_second_counts() {
    let app = TestApp::start();
    for id in 1..=ORDERS {
        let first = ShopifyOrder::new(id, noon()).code("ADA10", "10.00");
        let upsold = first.clone().line("MUG", 1, "50.00");
        let messages = [("orders/create", &first, 100), ("orders/updated", &upsold, 700)];
        let backward = id % 2 == 0;
        for at in if backward { [1, 0] } else { [0, 1] } {
            let (topic, order, milliseconds) = messages[at];
            send_at(&app, topic, order, milliseconds);
        }
    }
    assert_eq!(commissions(&app), [1400; ORDERS as usize]);
}

#[test]
fn a_code_that_is_removed_in_the_same_second_earns_nothing() {
    let app = TestApp::start();
    for id in 1..=ORDERS {
        let with_code = ShopifyOrder::new(id, noon()).code("ADA10", "10.00");
        let without = ShopifyOrder::new(id, noon());
        // A refund or a payment further on doesn't make a snapshot newer.
        send_at(&app, "orders/create", &with_code, 1);
        send_at(&app, "orders/updated", &without.with("financial_status", json!("pending")), 2);
    }
    assert_eq!(commissions(&app), [0; ORDERS as usize]);
}

#[test]
fn without_a_time_of_sending_the_message_that_came_last_counts_and_its_repetition_does_not() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let with_code = WooOrder::new(1, noon()).code("ADA10", 10);
    let without = WooOrder::new(1, noon());
    let raw = |order: &WooOrder, delivery: &str| {
        let body = serde_json::to_vec(&order.0).unwrap();
        let signature =
            crate::harness::shopify::sign(crate::harness::woocommerce::WOO_SECRET, &body);
        assert_eq!(
            app.woocommerce_raw(&store, "order.updated", delivery, &body, &signature).status,
            200
        );
        commissions(&app)
    };
    assert_eq!(raw(&with_code, "one"), [900]);
    assert_eq!(raw(&without, "one"), [0]);
    assert_eq!(raw(&with_code, "one"), [0], "the first message again");
    assert_eq!(raw(&with_code, "two"), [900], "the code was added again");
    // Whatever is replayed, it came when it came.
    let ids: Vec<i64> = app.within(|conn| deliveries::table.select(deliveries::id).load(conn));
    for id in ids {
        let actor = app.actor();
        app.within(|conn| Ok(replay(conn, &actor, &pseudonyms(), id).unwrap()));
        assert_eq!(commissions(&app), [900]);
    }
}

fn read_woo(app: &TestApp, store: &Store, order: &WooOrder, begun_at: DateTime<Utc>) {
    let message = OrderMessage {
        order_ref: order.0["id"].to_string(),
        topic: vouch_platforms::woocommerce::READ,
        changed_at: noon(),
        body: serde_json::to_vec(&order.0).unwrap(),
    };
    app.within(|conn| read::ingest(conn, store, &pseudonyms(), &message, begun_at, clock::now()));
}

#[test]
fn what_vouch_reads_is_as_old_as_the_begin_of_the_reading() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let with_code = WooOrder::new(1, noon()).code("ADA10", 10);
    let without = WooOrder::new(1, noon());
    let begun_at = clock::now();
    assert_eq!(app.woocommerce(&store, "order.updated", &with_code.0).status, 200);
    read_woo(&app, &store, &without, begun_at);
    assert_eq!(commissions(&app), [900], "the message came after the reading began");
    read_woo(&app, &store, &without, clock::now());
    assert_eq!(commissions(&app), [0]);
    read_woo(&app, &store, &with_code, clock::now());
    assert_eq!(commissions(&app), [900]);
    read_woo(&app, &store, &without, clock::now());
    assert_eq!(commissions(&app), [0], "what was read before is true again");
    let kept: i64 = app.within(|conn| deliveries::table.count().get_result(conn));
    assert_eq!(kept, 3, "each content is kept once");
}

#[test]
fn an_order_dated_in_the_distant_future_is_not_frozen_and_its_message_says_so() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let odd = |id| WooOrder::new(id, Utc.with_ymd_and_hms(2999, 1, 1, 0, 0, 0).unwrap());
    let placed_by = clock::now() + Duration::minutes(5);
    assert_eq!(app.woocommerce(&store, "order.created", &odd(1).code("ADA10", 10).0).status, 200);
    let order = odd(2);
    assert_eq!(
        app.woocommerce(&store, "order.created", &order.clone().code("ADA10", 10).0).status,
        200
    );
    assert_eq!(commissions(&app), [900, 900]);
    let dates: Vec<Option<DateTime<Utc>>> =
        app.within(|conn| orders::table.select(orders::placed_at).load(conn));
    assert!(dates.iter().all(|placed_at| placed_at.unwrap() < placed_by), "{dates:?}");
    // With the same impossible time, and with the right one.
    assert_eq!(app.woocommerce(&store, "order.updated", &order.0).status, 200);
    assert_eq!(commissions(&app), [900, 0]);
    let fixed = odd(1).at(clock::now() + Duration::seconds(2));
    assert_eq!(app.woocommerce(&store, "order.updated", &fixed.0).status, 200);
    assert_eq!(commissions(&app), [0, 0]);
    let again: Vec<Option<DateTime<Utc>>> =
        app.within(|conn| orders::table.order(orders::id).select(orders::placed_at).load(conn));
    assert_eq!(again, dates, "placed when it was first heard of");

    let (id, clamped): (i64, Vec<Option<String>>) = app.within(|conn| {
        deliveries::table
            .order(deliveries::id)
            .select((deliveries::id, deliveries::clamped_times))
            .first(conn)
    });
    let clamped: Vec<String> = clamped.into_iter().flatten().collect();
    assert_eq!(clamped, ["updated_at", "placed_at"]);
    let page = app.owner().get(&format!("/deliveries/{id}"));
    assert!(page.has("[data-clamped]"), "{}", page.text());
    let last: i64 = app.within(|conn| {
        deliveries::table.order(deliveries::id.desc()).select(deliveries::id).first(conn)
    });
    assert!(app.owner().get(&format!("/deliveries/{last}")).has("[data-clamped]"), "placed");
}

#[test]
fn a_deletion_counts_whatever_the_stores_clock_says_until_the_order_is_restored() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let now = clock::now();
    // The store's clock is hours ahead, or behind.
    for (id, hours) in [(1, 3), (2, -3)] {
        let at = |seconds| now + Duration::hours(hours) + Duration::seconds(seconds);
        let placed = WooOrder::new(id, at(0)).code("ADA10", 10);
        let earned = || *commissions(&app).last().unwrap();
        let send = |topic: &str, body: &serde_json::Value| {
            assert_eq!(app.woocommerce(&store, topic, body).status, 200);
            earned()
        };
        assert_eq!(send("order.created", &placed.0), 900);
        assert_eq!(send("order.deleted", &json!({ "id": id })), 0);
        assert_eq!(send("order.updated", &placed.0), 0, "what was known");
        assert_eq!(send("order.restored", &placed.0), 900, "the store says so");
        assert_eq!(send("order.deleted", &json!({ "id": id })), 0);
        assert_eq!(send("order.updated", &placed.clone().at(at(60)).0), 900, "a newer snapshot");
    }
}
