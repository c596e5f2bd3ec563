//! A fault that passes is never final, whatever its SQLSTATE and the server's language.

use diesel::prelude::*;
use vouch::features::ingest::recalculation::{drain, run_due};
use vouch::features::triggers::{self, Trigger};
use vouch::kit::db::schema::recalculations;
use vouch::kit::supervise::Stop;

use super::{fix, ledger, outcomes, raise};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, then};

#[test]
fn an_order_that_meets_a_passing_fault_is_refused_and_credited_when_it_comes_again() {
    let app = TestApp::start_with_usual_waits();
    let codes = [
        "53100", "53200", "53300", "57P01", "57P02", "57P03", "57014", "55P03", "40P01", "40001",
        "25006", "58030", "08006", "P0001",
    ];
    for (n, sqlstate) in (1_u64..).zip(codes) {
        let order = ShopifyOrder::new(n, then()).code("ADA10", "10.00");
        let id = format!("delivery-{n}");
        raise(&app, sqlstate, "INSERT ON orders", "true");
        let begun = std::time::Instant::now();
        assert_eq!(app.shopify_as("orders/create", &id, &order.0).status, 503, "{sqlstate}");
        assert!(begun.elapsed().as_secs() < 6, "{sqlstate}: {:?}", begun.elapsed());
        fix(&app);
        assert_eq!(app.shopify_as("orders/create", &id, &order.0).status, 200, "{sqlstate}");
    }
    assert_eq!(ledger(&app), vec![900; codes.len()]);
    assert!(outcomes(&app).iter().all(|outcome| outcome == "processed"));
}

#[test]
fn a_page_that_meets_a_passing_fault_asks_to_come_again() {
    let app = TestApp::start_with_usual_waits();
    let owner = app.owner();
    let offer = app.fixture.offer_id.to_string();
    let fields = [
        ("name", "Cleo"),
        ("email", "cleo@affiliates.example"),
        ("offer_id", &offer),
        ("status", "pending"),
    ];
    raise(&app, "53100", "INSERT ON affiliates", "true");
    let page = owner.post_signed("/affiliates", &fields);
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
    fix(&app);
    assert_eq!(owner.post_signed("/affiliates", &fields).status, 303);
}

#[test]
fn a_recalculation_waits_a_passing_fault_out_and_never_fails() {
    let app = TestApp::start_with_usual_waits();
    for n in 1..=3 {
        let order = ShopifyOrder::new(n, then()).code("ADA10", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    app.within(|conn| {
        let trigger = Trigger::find(conn, app.fixture.merchant_id, app.fixture.ada10_id)?;
        let (actor, ben) = (app.actor(), app.fixture.ben_id);
        Ok(triggers::reassign(conn, &actor, &trigger, ben, then()).unwrap())
    });
    raise(&app, "53100", "UPDATE ON orders", "true");
    for _ in 0..15 {
        app.within(|conn| {
            diesel::update(recalculations::table)
                .set(
                    recalculations::due_at
                        .eq(vouch::kit::clock::now() - chrono::Duration::seconds(1)),
                )
                .execute(conn)
        });
        run_due(&app.db, &Stop::default()).unwrap();
    }
    let left: Vec<(i32, Option<chrono::DateTime<chrono::Utc>>)> = app.within(|conn| {
        recalculations::table
            .select((recalculations::attempts, recalculations::failed_at))
            .load(conn)
    });
    assert_eq!(left, [(0, None)], "in one piece, with all its attempts");
    fix(&app);
    app.within(|conn| {
        diesel::update(recalculations::table)
            .set(recalculations::due_at.eq(vouch::kit::clock::now()))
            .execute(conn)
    });
    assert_eq!(drain(&app.db).unwrap(), 3);
}
