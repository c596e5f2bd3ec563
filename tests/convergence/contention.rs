//! Nothing stalls, and nothing deadlocks: whoever has a lock holds up what needs it, and nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::features::ingest::intake::{DeliverySource, IncomingDelivery, gzip, ingest_one};
use vouch::features::ingest::recalculation::run_due;
use vouch::features::stores::Store;
use vouch::features::triggers::{self, Trigger, TriggerKind};
use vouch::kit::db::schema::{conversions, deliveries};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::supervise::Stop;
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use super::{noon, recount};
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{TestApp, on_this_machine, pseudonyms};

const OTHER_SECRET: &str = "another-secret-of-another-shop-9876543210";
/// More orders than there are writers, so that every writer has some.
const SEVERAL: u64 = 12;

/// A transaction of somebody else, open until it's dropped, that holds what `sql` locks.
fn hold(app: &TestApp, sql: &str) -> PgConnection {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    // copy: SQL
    conn.batch_execute(&format!("BEGIN; SET LOCAL vouch.scope = 'installation'; {sql}")).unwrap();
    conn
}

fn order(id: u64) -> ShopifyOrder {
    ShopifyOrder::new(id, noon()).code("ADA10", "10.00")
}

/// The status of an answer, and how long it took.
fn timed(send: impl FnOnce() -> u16) -> (u16, Duration) {
    let begun = Instant::now();
    (send(), begun.elapsed())
}

/// Sends the other program an order.
fn send_other(app: &TestApp, shop: &Store, id: u64) -> (u16, Duration) {
    let body = serde_json::to_vec(&ShopifyOrder::new(id, noon()).0).unwrap();
    let (signature, id) = (sign(OTHER_SECRET, &body), format!("other-{id}"));
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", id.as_str()),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    timed(|| app.hook(&shop.store_key, &headers, &body).status)
}

/// While `sql` holds something of the first program, its deliveries wait and the other's don't; then
/// the first's are answered as well.
fn holds_up_nobody_else(prepare: impl FnOnce(&TestApp), sql: &str) {
    let app = TestApp::start_with_usual_waits();
    let shop =
        app.connect_shop(app.fixture.stranger_merchant_id, "borealis.myshopify.com", OTHER_SECRET);
    prepare(&app);
    let holder = hold(&app, sql);
    thread::scope(|scope| {
        let app = &app;
        let held: Vec<_> = (1..=SEVERAL)
            .map(|id| {
                scope.spawn(move || timed(|| app.shopify("orders/updated", &order(id).0).status))
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        for id in 1..=SEVERAL {
            let (status, time) = send_other(app, &shop, id);
            assert_eq!(status, 200);
            assert!(
                time < on_this_machine(Duration::from_secs(1)),
                "order {id} of another waited {time:?}"
            );
        }
        assert!(held.iter().all(|delivery| !delivery.is_finished()), "something is held");
        drop(holder);
        for delivery in held {
            let (status, time) = delivery.join().unwrap();
            assert_eq!(status, 200, "after {time:?}");
        }
    });
    let credited: i64 = app.within(|conn| conversions::table.count().get_result(conn));
    assert_eq!(credited, i64::try_from(SEVERAL).unwrap());
    assert_eq!(recount::differences(&app, app.fixture.merchant_id), [""; 0]);
}

#[test]
fn a_trigger_that_somebody_holds_holds_up_no_other_program() {
    holds_up_nobody_else(|_| {}, "SELECT id FROM triggers FOR UPDATE");
}

#[test]
fn orders_that_somebody_holds_hold_up_no_other_program() {
    let known = |app: &TestApp| {
        for id in 1..=SEVERAL {
            assert_eq!(app.shopify("orders/create", &order(id).0).status, 200);
        }
    };
    holds_up_nobody_else(known, "SELECT id FROM orders FOR UPDATE");
}

#[test]
fn a_row_that_nobody_expects_to_be_held_holds_up_no_other_program() {
    holds_up_nobody_else(|_| {}, "SELECT id FROM affiliates WHERE name = 'Ada Active' FOR UPDATE");
}

#[test]
fn what_waits_for_too_long_is_to_be_sent_again_and_nothing_is_lost() {
    let app = TestApp::start_with_usual_waits();
    let holder = hold(&app, "SELECT id FROM triggers FOR UPDATE");
    let (status, time) = timed(|| app.shopify_as("orders/create", "one", &order(1).0).status);
    assert_eq!(status, 503);
    assert!(
        time < on_this_machine(Duration::from_secs(5)),
        "Shopify would have given up: {time:?}"
    );
    let kept: i64 = app.within(|conn| deliveries::table.count().get_result(conn));
    assert_eq!(kept, 0, "or the second delivery would be taken for a repeat");
    drop(holder);
    assert_eq!(app.shopify_as("orders/create", "one", &order(1).0).status, 200);
    let credited: Vec<i64> =
        app.within(|conn| conversions::table.select(conversions::commission_minor).load(conn));
    assert_eq!(credited, [900]);
}

#[test]
fn an_act_and_an_order_on_its_way_in_never_wait_for_each_other() {
    let app = TestApp::start_with_usual_waits();
    assert_eq!(app.shopify("orders/create", &order(1).0).status, 200);
    let merchant_id = app.fixture.merchant_id;
    // An order is on its way in: it's locked, and its trigger comes next.
    let mut incoming =
        hold(&app, "SET LOCAL lock_timeout = '500ms'; SELECT id FROM orders FOR UPDATE");
    let mut member = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut member, Scope::Merchant(merchant_id), |conn| {
        conn.batch_execute("SET LOCAL lock_timeout = '500ms'")?;
        let trigger = Trigger::find(conn, merchant_id, app.fixture.ada10_id)?;
        let (actor, ben) = (app.actor(), app.fixture.ben_id);
        let trigger = triggers::reassign(conn, &actor, &trigger, ben, noon()).unwrap();
        assert!(triggers::retire(conn, &actor, &trigger)?);
        assert!(triggers::reinstate(conn, &actor, &trigger)?);
        // The act isn't committed yet.
        incoming.batch_execute("SELECT id FROM triggers FOR KEY SHARE")
    })
    .unwrap();
    incoming.batch_execute("COMMIT").unwrap();
    app.work();
    let credited: Vec<(i64, i64)> = app.within(|conn| {
        conversions::table
            .filter(conversions::commission_minor.ne(0))
            .select((conversions::affiliate_id, conversions::commission_minor))
            .load(conn)
    });
    assert_eq!(credited, [(app.fixture.ben_id, 900)]);
}

#[test]
fn an_order_that_did_not_see_a_new_trigger_is_credited_by_the_workers() {
    let app = TestApp::start_with_usual_waits();
    let (merchant_id, now) = (app.fixture.merchant_id, vouch::kit::clock::now());
    let body = ShopifyOrder::new(1, now).code("NEW10", "10.00").0;
    let body = serde_json::to_vec(&body).unwrap();
    let event = parse_message(Platform::Shopify, "orders/create", &body, false, now).unwrap();
    let arrival = IncomingDelivery {
        merchant_id,
        store_id: app.fixture.store_id,
        source: DeliverySource::Webhook,
        topic: "orders/create".to_owned(),
        delivery_ref: "1".to_owned(),
        is_test: false,
        sent_at: None,
        received_at: now,
        body_gzip: gzip(&body),
    };
    let mut incoming = hold(&app, &format!("SET LOCAL vouch.merchant_id = '{merchant_id}'"));
    ingest_one(&mut incoming, &arrival, event, &pseudonyms()).unwrap();
    app.within(|conn| {
        let code = TriggerKind::CouponCode;
        Ok(triggers::create(conn, &app.actor_at(now), app.fixture.ada_id, code, "NEW10").unwrap())
    });
    assert_eq!(run_due(&app.db, &Stop::default()).unwrap(), 0, "the order isn't there to be found");
    incoming.batch_execute("COMMIT").unwrap();
    app.work();
    let credited: Vec<i64> =
        app.within(|conn| conversions::table.select(conversions::affiliate_id).load(conn));
    assert_eq!(credited, [app.fixture.ada_id]);
}

#[test]
fn a_code_goes_to_and_fro_while_its_orders_are_updated() {
    const ORDERS: u64 = 150;
    const UPDATES: u64 = 100;
    let app = TestApp::start_with_usual_waits();
    for id in 1..=ORDERS {
        assert_eq!(app.shopify("orders/create", &order(id).0).status, 200);
    }
    let owner = app.owner();
    let path = format!("/triggers/{}/reassignment", app.fixture.ada10_id);
    let holders = [app.fixture.ben_id, app.fixture.ada_id];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (app, is_over) = (&app, &is_over);
        // Four senders, five updates a second each.
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                scope.spawn(move || {
                    for at in (sender..UPDATES).step_by(4) {
                        let begun = Instant::now();
                        let later = noon() + chrono::Duration::seconds(i64::try_from(at).unwrap());
                        let update = order(1 + at % ORDERS).updated_at(later);
                        assert_eq!(app.shopify("orders/updated", &update.0).status, 200);
                        thread::sleep(Duration::from_millis(200).saturating_sub(begun.elapsed()));
                    }
                })
            })
            .collect();
        let worker = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                run_due(&app.db, &Stop::default()).unwrap();
                thread::sleep(Duration::from_millis(50));
            }
        });
        for act in 0..9 {
            let to = holders[act % 2].to_string();
            let fields = [("affiliate_id", to.as_str()), ("from", "2026-05-01")];
            let answer = owner.post_signed(&path, &fields);
            assert_eq!(answer.status, 303, "act {act}: {}", answer.text());
            thread::sleep(Duration::from_millis(300));
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        worker.join().unwrap();
    });
    app.work();
    let earners: Vec<(i64, i64)> = app.within(|conn| {
        conversions::table
            .filter(conversions::commission_minor.ne(0))
            .select((conversions::affiliate_id, conversions::commission_minor))
            .load(conn)
    });
    assert_eq!(earners, vec![(app.fixture.ben_id, 900); ORDERS as usize]);
    assert_eq!(recount::differences(&app, app.fixture.merchant_id), [""; 0]);
}
