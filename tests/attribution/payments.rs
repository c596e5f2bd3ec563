//! Unpaid orders don't count, unless the merchant wants them to.

use serde_json::json;
use vouch::features::conversions::{self as acts, NewReview};
use vouch::features::merchants;
use vouch_core::attribution::{CalculationLogic, OrdersCountWhen};

use super::*;
use crate::harness::woocommerce::WooOrder;

/// Ben is on an offer that approves automatically, and holds BEN10.
fn start() -> (TestApp, i64) {
    let app = TestApp::start();
    let automatic = offer(&app, "Automatic", &Pays { auto_approve: true, ..Pays::percent(1000) });
    let ben = affiliate_on(&app, automatic, "Ben Automatic");
    code(&app, ben, "BEN10");
    (app, ben)
}

fn count_when(app: &TestApp, orders_count_when: OrdersCountWhen) {
    let rules = CalculationLogic { orders_count_when, ..CalculationLogic::of_new_merchant() };
    let actor = app.actor_at(noon() - hours(1));
    app.within(|conn| merchants::change_rules(conn, &actor, rules));
}

fn paid(id: u64, payment: &str, at: DateTime<Utc>) -> ShopifyOrder {
    order(id).code("BEN10", "10.00").with("financial_status", json!(payment)).updated_at(at)
}

/// Status, reason and commission of the only conversion of the order.
fn outcome(app: &TestApp, order: &ShopifyOrder) -> (String, Option<String>, i64) {
    let all = credits(app, order);
    assert_eq!(all.len(), 1, "{all:?}");
    (all[0].status.clone(), all[0].reason.clone(), all[0].commission_minor)
}

fn expected(status: &str, reason: Option<&str>, minor: i64) -> (String, Option<String>, i64) {
    (status.to_owned(), reason.map(str::to_owned), minor)
}

#[test]
fn an_order_that_is_not_paid_yet_is_pending_until_it_is() {
    let (app, _) = start();
    for (id, payment) in [(1, "pending"), (2, "authorized"), (3, "partially_paid"), (4, "new word")]
    {
        let unpaid = paid(id, payment, noon());
        send(&app, &unpaid);
        assert_eq!(outcome(&app, &unpaid), expected("pending", Some("not_paid_yet"), 900));
        send(&app, &paid(id, "paid", noon() + hours(1)));
        assert_eq!(outcome(&app, &unpaid), expected("approved", None, 900), "{payment}");
    }
    for (id, payment) in [(5, "paid"), (6, "partially_refunded")] {
        let order = paid(id, payment, noon());
        send(&app, &order);
        assert_eq!(outcome(&app, &order), expected("approved", None, 900), "{payment}");
    }
}

#[test]
fn a_payment_that_expires_or_is_voided_takes_the_commission_back_until_the_order_is_paid() {
    let (app, ben) = start();
    for (id, payment) in [(1, "expired"), (2, "voided")] {
        let order = paid(id, "authorized", noon());
        send(&app, &order);
        assert_eq!(earned(&app, &order), [(ben, 900)]);
        let reason = format!("payment_{payment}");
        for (hour, again) in [(1, "paid"), (3, "authorized")] {
            send(&app, &paid(id, payment, noon() + hours(hour)));
            assert_eq!(outcome(&app, &order), expected("unqualified", Some(&reason), 0));
            send(&app, &paid(id, again, noon() + hours(hour + 1)));
            assert_eq!(earned(&app, &order), [(ben, 900)]);
        }
    }
    let page = app.viewer().get("/conversions");
    assert_eq!(page.all("td[data-label=Status]").len(), 2);
    let unpaid = attribution(&app, &paid(1, "paid", noon()));
    let sentences = unpaid.sentences(vouch_core::calendar::Calendar::UTC, &[]);
    assert!(sentences.len() > 1, "the page says that it is not paid: {sentences:?}");
}

#[test]
fn where_orders_count_when_placed_the_payment_does_not_matter_until_it_is_voided() {
    let (app, _) = start();
    count_when(&app, OrdersCountWhen::Placed);
    for (id, payment, commission) in
        [(1, "pending", 900), (2, "authorized", 900), (3, "expired", 900), (4, "voided", 0)]
    {
        let order = paid(id, payment, noon());
        send(&app, &order);
        assert_eq!(outcome(&app, &order), expected("approved", None, commission), "{payment}");
    }
}

#[test]
fn cash_on_delivery_counts_once_it_is_paid() {
    let (app, _) = start();
    let store = app.connect_woocommerce("shop.acme.example");
    let steps = [
        ("on-hold", None, "pending", Some("not_paid_yet"), 900),
        ("processing", None, "pending", Some("not_paid_yet"), 900),
        ("completed", Some("2026-06-03T12:00:00"), "approved", None, 900),
        ("refunded", Some("2026-06-03T12:00:00"), "approved", None, 0),
    ];
    for (hour, (status, paid_at, expected_status, reason, minor)) in (1..).zip(steps) {
        let order = WooOrder::new(7, noon())
            .code("BEN10", 10)
            .with("payment_method", json!("cod"))
            .with("status", json!(status))
            .with("date_paid_gmt", json!(paid_at))
            .at(noon() + hours(hour));
        assert_eq!(app.woocommerce(&store, "order.updated", &order.0).status, 200);
        let found: Vec<(String, Option<String>, i64)> = app.within(|conn| {
            let columns = (conversions::status, conversions::reason, conversions::commission_minor);
            conversions::table.select(columns).load(conn)
        });
        assert_eq!(found, [expected(expected_status, reason, minor)], "{status}");
    }
}

#[test]
fn the_rule_of_the_moment_in_which_the_order_was_placed_decides() {
    let (app, _) = start();
    let before = paid(1, "pending", noon());
    let actor = app.actor_at(noon() + hours(1));
    let rules = CalculationLogic {
        orders_count_when: OrdersCountWhen::Placed,
        ..CalculationLogic::of_new_merchant()
    };
    app.within(|conn| merchants::change_rules(conn, &actor, rules));
    send(&app, &before);
    let after = ShopifyOrder::new(2, noon() + hours(2))
        .code("BEN10", "10.00")
        .with("financial_status", json!("pending"));
    send(&app, &after);
    assert_eq!(outcome(&app, &before).0, "pending");
    assert_eq!(outcome(&app, &after).0, "approved");
}

#[test]
fn a_members_approval_of_an_unpaid_order_counts_once_it_is_paid() {
    let app = TestApp::start();
    let unpaid = order(1).code("ADA10", "10.00").with("financial_status", json!("pending"));
    send(&app, &unpaid);
    let id: i64 = app.within(|conn| conversions::table.select(conversions::id).first(conn));
    let actor = app.actor_at(noon() + hours(1));
    app.within(|conn| acts::review(conn, &actor, &[id], &NewReview::Approve { note: "" }));
    assert_eq!(outcome(&app, &unpaid), expected("pending", Some("not_paid_yet"), 900));
    let list = app.viewer().get("/conversions");
    let shown = list.one("[data-status=pending][data-reason=not_paid_yet]");
    assert!(shown.contains(&actor.name), "{shown}");
    send(&app, &order(1).code("ADA10", "10.00").updated_at(noon() + hours(2)));
    assert_eq!(outcome(&app, &unpaid), expected("approved", None, 900));
}

#[test]
fn an_unpaid_order_that_is_credited_by_hand_waits_too() {
    let (app, ben) = start();
    let unpaid = order(1).with("financial_status", json!("pending"));
    send(&app, &unpaid);
    let order_id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let actor = app.actor_at(noon() + hours(1));
    app.within(|conn| {
        acts::manual::credit_order(conn, &actor, ben, order_id, "").unwrap();
        Ok(())
    });
    vouch::features::ingest::recalculation::drain(&app.db).unwrap();
    assert_eq!(outcome(&app, &unpaid), expected("pending", Some("not_paid_yet"), 1000));
    send(&app, &order(1).updated_at(noon() + hours(2)));
    assert_eq!(outcome(&app, &unpaid), expected("approved", None, 1000));
}
