//! An order is judged by what held when it was placed.

use vouch::features::affiliates::change::{AffiliateChange, update};
use vouch_core::attribution::{CandidateResult, LostReason};

use super::*;

fn at(id: u64, placed_at: DateTime<Utc>) -> ShopifyOrder {
    ShopifyOrder::new(id, placed_at).code("ADA10", "10.00")
}

/// The ids of who earns from the order.
fn earners(app: &TestApp, order: &ShopifyOrder) -> Vec<i64> {
    earned(app, order).into_iter().map(|(affiliate_id, _)| affiliate_id).collect()
}

#[test]
fn an_offer_that_changes_leaves_earlier_orders_their_terms() {
    let app = TestApp::start();
    let offer_id = offer(&app, "Season", &Pays::percent(1000));
    let cleo = affiliate_on(&app, offer_id, "Cleo");
    code(&app, cleo, "CLEO");
    let early = ShopifyOrder::new(1, noon() - hours(1)).code("CLEO", "0.00");
    let late = ShopifyOrder::new(2, noon()).code("CLEO", "0.00");
    send(&app, &early);
    change_terms(&app, offer_id, &Pays::percent(2000), noon());
    send(&app, &late);
    // A change of the order itself is not a change of its terms.
    let changed = early.clone().line("MUG", 1, "50.00").updated_at(noon() + hours(1));
    assert_eq!(app.shopify("orders/updated", &changed.0).status, 200);
    assert_eq!(earned(&app, &early), [(cleo, 1500)]);
    assert_eq!(earned(&app, &late), [(cleo, 2000)]);
}

#[test]
fn an_affiliate_on_another_offer_leaves_earlier_orders_theirs() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let offer_id = offer(&app, "Better", &Pays::percent(2000));
    let early = at(1, noon() - hours(1));
    let late = at(2, noon() + hours(1));
    send(&app, &early);
    let change = AffiliateChange {
        name: "Ada Active".to_owned(),
        email: "ada@affiliates.example".to_owned(),
        offer_id,
        note: String::new(),
    };
    let actor = app.actor_at(noon());
    app.within(|conn| Ok(update(conn, &actor, ada, &change).unwrap()));
    send(&app, &late);
    assert_eq!(app.shopify("orders/paid", &early.clone().updated_at(noon()).0).status, 200);
    assert_eq!(earned(&app, &early), [(ada, 900)]);
    assert_eq!(earned(&app, &late), [(ada, 1800)]);
}

#[test]
fn a_reassigned_code_leaves_earlier_orders_with_its_former_holder() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let (before, since, later) =
        (at(1, noon() - Duration::seconds(1)), at(2, noon()), at(3, noon() + hours(1)));
    for order in [&before, &since, &later] {
        send(&app, order);
    }
    // Decided in the evening, to hold from noon on.
    let actor = app.actor_at(noon() + hours(6));
    app.within(|conn| {
        let trigger = Trigger::find(conn, actor.merchant_id, app.fixture.ada10_id)?;
        Ok(triggers::reassign(conn, &actor, &trigger, ben, noon()).unwrap())
    });
    app.work();
    assert_eq!(earners(&app, &before), [ada]);
    assert_eq!(earners(&app, &since), [ben]);
    assert_eq!(earners(&app, &later), [ben]);
    // Nor does a late message of the earlier order move it.
    assert_eq!(
        app.shopify("orders/updated", &before.clone().updated_at(noon() + hours(8)).0).status,
        200
    );
    assert_eq!(earners(&app, &before), [ada]);
    let lost = credits(&app, &since).into_iter().find(|one| one.affiliate_id == ada).unwrap();
    assert_eq!((lost.status.as_str(), lost.commission_minor), ("unqualified", 0));
    assert_eq!(lost.reason.as_deref(), Some("no_longer_credited"));
}

#[test]
fn a_retired_code_credits_nothing_from_then_on_until_it_is_reinstated() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let trigger =
        app.within(|conn| Trigger::find(conn, app.fixture.merchant_id, app.fixture.ada10_id));
    let actor = app.actor_at(noon());
    assert!(app.within(|conn| triggers::retire(conn, &actor, &trigger)));
    let (before, since) = (at(1, noon() - Duration::seconds(1)), at(2, noon()));
    send(&app, &before);
    send(&app, &since);
    assert_eq!(earners(&app, &before), [ada]);
    assert!(credits(&app, &since).is_empty());
    let outcome = &attribution(&app, &since).outcomes[0];
    assert_eq!(
        outcome.result,
        CandidateResult::Lost { reason: LostReason::Retired { at: noon() } }
    );

    let actor = app.actor_at(noon() + hours(1));
    assert!(app.within(|conn| triggers::reinstate(conn, &actor, &trigger)));
    app.work();
    assert_eq!(earners(&app, &since), [ada], "as if it had not been retired");
}

#[test]
fn an_order_from_before_the_trigger_is_not_credited() {
    let app = TestApp::start();
    let ben = app.fixture.ben_id;
    let earlier = ShopifyOrder::new(1, noon() - hours(1)).code("NEW", "10.00");
    let later = ShopifyOrder::new(2, noon()).code("NEW", "10.00");
    // The store's clock runs ahead: this one is here before the trigger is.
    send(&app, &later);
    trigger_at(&app, ben, TriggerKind::CouponCode, "NEW", noon() - Duration::minutes(1));
    send(&app, &earlier);
    assert!(credits(&app, &earlier).is_empty());
    let outcome = &attribution(&app, &earlier).outcomes[0];
    assert!(
        matches!(outcome.result, CandidateResult::Lost { reason: LostReason::NotYetOwned { .. } }),
        "{outcome:?}"
    );
    app.work();
    assert_eq!(earners(&app, &later), [ben]);
}
