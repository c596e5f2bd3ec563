//! Shopify Order Cancellations: what a cancellation or a refund does to commission.

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::IntervalDsl as _;
use diesel::prelude::*;
use vouch::features::recalculations::{RecalculationReason, request_since};
use vouch::features::stores::{ReturnRules, Store, change_return_rules};
use vouch::kit::db::schema::{commission_entries, conversions, return_rules};

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn order(id: u64, placed_at: DateTime<Utc>) -> ShopifyOrder {
    ShopifyOrder::new(id, placed_at).code("ADA10", "10.00")
}

/// The commission on each conversion, by conversion.
fn commissions(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

fn entries(app: &TestApp) -> i64 {
    app.within(|conn| commission_entries::table.count().get_result(conn))
}

fn choose(app: &TestApp, cancelled: &str, refunded: &str) {
    let owner = app.owner();
    let page = owner.get(&format!("/settings/shopify/{}/cancellations", app.fixture.store_id));
    let fields = [("cancelled", cancelled), ("refunded", refunded)];
    assert_eq!(owner.submit(&page, "form.stack", &fields).status, 303);
}

#[test]
fn commission_follows_until_it_is_set_otherwise_and_each_order_keeps_its_rule() {
    let app = TestApp::start();
    let before = vouch::kit::clock::now() - Duration::hours(2);
    let early = order(1, before);
    assert_eq!(app.shopify("orders/create", &early.0).status, 200);
    choose(&app, "keep", "keep");
    // An hour ago: two choices of one second would be one.
    app.within(|conn| {
        let an_hour_ago = return_rules::valid_from - 1.hour();
        diesel::update(return_rules::table)
            .set(return_rules::valid_from.eq(an_hour_ago))
            .execute(conn)
    });
    let after = vouch::kit::clock::now() - Duration::minutes(30);
    let (kept, refunded) = (order(2, after), order(3, after));
    assert_eq!(app.shopify("orders/create", &kept.0).status, 200);
    assert_eq!(app.shopify("orders/create", &refunded.0).status, 200);
    let earned = commissions(&app);
    assert!(earned.iter().all(|minor| *minor > 0 && *minor == earned[0]), "{earned:?}");

    let later = after + Duration::hours(1);
    for order in [early, kept] {
        assert_eq!(app.shopify("orders/cancelled", &order.cancelled_at(later).0).status, 200);
    }
    let refunded = refunded.refunded(9, 0, 1, "90.00", later);
    assert_eq!(app.shopify("orders/updated", &refunded.0).status, 200);
    assert_eq!(commissions(&app), [0, earned[0], earned[0]]);

    choose(&app, "follow", "follow");
    let written = entries(&app);
    let cause = RecalculationReason::ReturnRulesChanged;
    app.within(|conn| request_since(conn, &app.actor(), before, &cause));
    app.work();
    assert_eq!(commissions(&app), [0, earned[0], earned[0]], "the rules of their time");
    assert_eq!(entries(&app), written, "the same ledger");

    let next = order(4, vouch::kit::clock::now());
    assert_eq!(app.shopify("orders/create", &next.0).status, 200);
    let next = next.refunded(10, 0, 1, "90.00", later + Duration::hours(1));
    assert_eq!(app.shopify("orders/updated", &next.0).status, 200);
    assert_eq!(commissions(&app)[3], 0);
}

#[test]
fn the_page_of_an_order_says_why_commission_stays() {
    let app = TestApp::start();
    choose(&app, "keep", "follow");
    let placed_at = vouch::kit::clock::now();
    let cancelled = order(1, placed_at).cancelled_at(placed_at + Duration::hours(1));
    assert_eq!(app.shopify("orders/create", &cancelled.0).status, 200);
    let id: i64 = app.within(|conn| {
        vouch::kit::db::schema::orders::table.select(vouch::kit::db::schema::orders::id).first(conn)
    });
    let page = app.owner().get(&format!("/orders/{id}"));
    assert_eq!(page.all(".verdict").len(), 2, "{}", page.text());
    assert!(!page.has("[data-reversed]") && !page.has("[data-entry=cancellation]"));
}

#[test]
fn two_changes_at_one_moment_are_one_and_rubbish_is_refused() {
    let app = TestApp::start();
    let actor = app.actor();
    app.within(|conn| {
        let store = Store::find(conn, actor.merchant_id, app.fixture.store_id)?;
        let keeps_refunded = |keeps_refunded| ReturnRules { keeps_cancelled: true, keeps_refunded };
        change_return_rules(conn, &actor, &store, keeps_refunded(false))?;
        change_return_rules(conn, &actor, &store, keeps_refunded(true))?;
        change_return_rules(conn, &actor, &store, keeps_refunded(true))
    });
    assert_eq!(app.within(|conn| return_rules::table.count().get_result::<i64>(conn)), 1);
    let owner = app.owner();
    let path = format!("/settings/shopify/{}/cancellations", app.fixture.store_id);
    let page = owner.get(&path);
    let answer = owner.submit(&page, "form.stack", &[("refunded", "dice")]);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#f-refunded-error"));
}
