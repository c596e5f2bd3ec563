//! What a member decides stands through every later message of the order.

use vouch::features::conversions::{self as acts, DenialReason, NewReview};

use super::*;

fn conversion_id(app: &TestApp, affiliate_id: i64) -> i64 {
    app.within(|conn| {
        conversions::table
            .filter(conversions::affiliate_id.eq(affiliate_id))
            .select(conversions::id)
            .first(conn)
    })
}

#[test]
fn an_overruled_conversion_is_credited_and_stays_so() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let order = order(1).code("ADA10", "10.00").email("ada@affiliates.example");
    send(&app, &order);
    assert_eq!(earned(&app, &order), []);
    let id = conversion_id(&app, ada);
    let actor = app.actor_at(noon() + hours(1));
    let changed = app.within(|conn| Ok(acts::overrule(conn, &actor, id, "A gift").unwrap()));
    assert_eq!(earned(&app, &order), [(ada, 900)]);
    let more = order.clone().line("MUG", 1, "50.00").updated_at(noon() + hours(2));
    assert_eq!(app.shopify("orders/updated", &more.0).status, 200);
    assert_eq!(earned(&app, &order), [(ada, 1400)]);

    let actor = app.actor_at(noon() + hours(3));
    app.within(|conn| acts::undo(conn, &actor, changed.change_id.unwrap()));
    assert_eq!(earned(&app, &order), []);
    assert_eq!(credits(&app, &order)[0].reason.as_deref(), Some("own_purchase"));
}

#[test]
fn a_denied_conversion_stays_denied_whatever_the_store_sends() {
    let app = TestApp::start();
    let order = order(1).code("ADA10", "10.00");
    send(&app, &order);
    let id = conversion_id(&app, app.fixture.ada_id);
    let actor = app.actor_at(noon() + hours(1));
    let denial = NewReview::Deny { reason: DenialReason::Other, note: "" };
    app.within(|conn| acts::review(conn, &actor, &[id], &denial));
    let later = order.clone().updated_at(noon() + hours(2));
    assert_eq!(app.shopify("orders/updated", &later.0).status, 200);
    assert_eq!(credits(&app, &order)[0].status, "denied");
}

#[test]
fn an_order_that_is_credited_by_hand_follows_its_refunds_and_not_its_codes() {
    let app = TestApp::start();
    let ben = app.fixture.ben_id;
    let plain = order(1);
    send(&app, &plain);
    let order_id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let actor = app.actor_at(noon() + hours(1));
    app.within(|conn| {
        acts::manual::credit_order(conn, &actor, ben, order_id, "By telephone").unwrap();
        Ok(())
    });
    assert_eq!(earned(&app, &plain), [(ben, 1000)]);
    // A code that turns up later changes nothing; a refund does.
    let with_code =
        plain.clone().code("ADA10", "0.00").refunded(9, 0, 0, "40.00", noon() + hours(2));
    assert_eq!(app.shopify("orders/updated", &with_code.0).status, 200);
    assert_eq!(earned(&app, &plain), [(ben, 600)]);
    assert_eq!(credits(&app, &plain)[0].via, "manual");

    let actor = app.actor_at(noon() + hours(3));
    app.within(|conn| acts::manual::remove(conn, &actor, order_id));
    assert_eq!(earned(&app, &plain), [(app.fixture.ada_id, 600)]);
}
