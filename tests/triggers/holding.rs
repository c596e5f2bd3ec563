use chrono::{DateTime, Duration, TimeZone, Utc};
use vouch::features::triggers::{self as model, ReassignError};

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, Person, TestApp};
use crate::triggers::{all, code, credits, owners, recorded, trigger};

fn day(month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, day, 12, 0, 0).unwrap()
}

fn order(app: &TestApp, id: u64, placed_at: DateTime<Utc>) {
    let order = ShopifyOrder::new(id, placed_at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
}

/// Fills the form as it stands on its page; the affiliate's field only appears with its choice.
fn reassign(app: &TestApp, person: &Person, fields: &[(&str, &str)]) -> Page {
    let path = format!("/triggers/{}/reassignment", app.fixture.ada10_id);
    let form = person.get(&path);
    assert_eq!(form.status, 200, "{}", form.text());
    let form = form.form("form.stack");
    let given = |name: &str| fields.iter().any(|(other, _)| *other == name);
    let untouched = form.fields.iter().filter(|(name, _)| !given(name));
    let mut all: Vec<(&str, &str)> =
        untouched.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend_from_slice(fields);
    person.post(&form.action, &all)
}

#[test]
fn a_retired_code_stops_counting_stays_reserved_and_comes_back_with_undo() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/triggers/{}", app.fixture.ada10_id);
    let page = owner.get(&path);
    assert!(page.has("form[action$=retirement][data-confirm]"));
    let answer = owner.submit(&page, "form[action$=retirement]", &[]);
    assert_eq!(answer.status, 303);
    let page = owner.follow(&answer);
    assert!(page.one("[role=status].tone-good").contains("ADA10") && page.has("#retired"));
    assert_eq!(page.one("h1 + p .badge-v"), "Retired");
    assert!(trigger(&app, app.fixture.ada10_id).is_retired());

    order(&app, 1, vouch::kit::clock::now() + Duration::minutes(1));
    assert!(credits(&app).is_empty());
    let again = owner.post_signed(&format!("{path}/retirement"), &[]);
    assert_eq!(owner.follow(&again).tone().as_deref(), Some("info"));

    let form = owner.get(&format!("/affiliates/{}/triggers/new", app.fixture.ben_id));
    let refused = owner.submit(&form, "form.stack", &[("coupon_code", "Ada10")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("[data-unavailable=held]"));

    let undone = owner.submit(&owner.follow(&answer), "form[action$=reinstatement]", &[]);
    assert_eq!(undone.status, 303);
    let page = owner.follow(&undone);
    assert!(page.one("[role=status].tone-good").contains("ADA10") && !page.has("#retired"));
    app.work();
    assert_eq!(credits(&app), [(app.fixture.ada_id, 900)], "the order meanwhile counts");
    let again = owner.post_signed(&format!("{path}/reinstatement"), &[]);
    assert_eq!(owner.follow(&again).tone().as_deref(), Some("info"));
}

#[test]
fn reassigned_from_a_past_day_on_orders_of_that_day_change_hands_and_earlier_ones_stay() {
    let app = TestApp::start();
    let owner = app.owner();
    order(&app, 1, day(6, 1));
    order(&app, 2, day(6, 10));
    // The day begins at 4:00 UTC in New York.
    order(&app, 3, Utc.with_ymd_and_hms(2026, 6, 5, 3, 59, 59).unwrap());
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    assert_eq!(credits(&app), [(ada, 900), (ada, 900), (ada, 900)]);
    let answer =
        reassign(&app, &owner, &[("affiliate_id", &ben.to_string()), ("from", "2026-06-05")]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    assert_eq!(page.attribute("#recalculating", "data-orders").as_deref(), Some("1"));
    let holder = owner.get(&format!("/affiliates/{ben}"));
    assert_eq!(holder.attribute("#recalculating", "data-orders").as_deref(), Some("1"));
    assert_eq!(credits(&app), [(ada, 900), (ada, 900), (ada, 900)], "left to the workers");
    app.work();
    assert!(!owner.follow(&answer).has("#recalculating"));
    let mut now: Vec<i64> = credits(&app).into_iter().map(|(affiliate, _)| affiliate).collect();
    now.sort_unstable();
    let mut expected = [ada, ben, ada];
    expected.sort_unstable();
    assert_eq!(now, expected);
    let from = Utc.with_ymd_and_hms(2026, 6, 5, 4, 0, 0).unwrap();
    let periods = owners(&app, app.fixture.ada10_id);
    assert_eq!(periods[0].2, Some(from));
    assert_eq!(periods[1], (ben, from, None));
    let message = page.one("[role=status].tone-good");
    assert!(message.contains("Jun 5, 2026") && message.contains("Ben Second"), "{message}");
    assert_eq!(page.all("#history + .timeline li").len(), 2);
    assert_eq!(page.all("#owners + .timeline a"), ["Ben Second", "Ada Active"]);
    assert_eq!(trigger(&app, app.fixture.ada10_id).affiliate_id, ben);
}

#[test]
fn a_reassignment_that_cannot_be_comes_back_with_the_reason() {
    let app = TestApp::start();
    let owner = app.owner();
    let (ada, ben) = (app.fixture.ada_id.to_string(), app.fixture.ben_id.to_string());
    for (affiliate, from, field, reason) in [
        ("", "", "affiliate_id", ""),
        (ada.as_str(), "", "affiliate_id", "ADA10"),
        (ben.as_str(), "2025-12-30", "from", "Dec 31, 2025"),
        (ben.as_str(), "2999-01-01", "from", ""),
        (ben.as_str(), "soon", "from", ""),
    ] {
        let page = reassign(&app, &owner, &[("affiliate_id", affiliate), ("from", from)]);
        assert_eq!(page.status, 422, "{affiliate} {from}: {}", page.text());
        assert_eq!(page.invalid_fields(), [field]);
        assert!(page.one(&format!("#f-{field}-error")).contains(reason), "{}", page.text());
        assert_eq!(page.value_of("#f-from"), from);
    }
    assert_eq!(owners(&app, app.fixture.ada10_id).len(), 1);
}

#[test]
fn periods_of_one_holder_grow_together_again() {
    let app = TestApp::start();
    let (merchant_id, id) = (app.fixture.merchant_id, app.fixture.ada10_id);
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let now = day(7, 1);
    let give = |to: i64, from: DateTime<Utc>| {
        app.within(|conn| {
            let trigger = model::Trigger::find(conn, merchant_id, id)?;
            Ok(model::reassign(conn, &app.actor_at(now), &trigger, to, from))
        })
    };
    let start = owners(&app, id)[0].1;
    assert!(give(ben, day(6, 1)).is_ok());
    assert!(matches!(give(ada, day(5, 1)), Err(ReassignError::BeforeHolder { .. })));
    assert!(matches!(give(ada, day(7, 1) + Duration::days(800)), Err(ReassignError::TooFar)));
    assert!(give(ada, day(6, 1)).is_ok());
    assert_eq!(owners(&app, id), [(ada, start, None)], "as if it had not been");
    assert!(give(ben, start).is_ok());
    assert_eq!(owners(&app, id), [(ben, start, None)]);
    assert_eq!(recorded(&app, id), 4);
}

#[test]
fn who_may_not_change_changes_nothing() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let path = format!("/triggers/{}", app.fixture.ada10_id);
    let page = viewer.get(&path);
    assert_eq!(page.status, 200);
    assert!(!page.has("main form") && !page.has("main a[data-dialog]"));
    let foreign = format!("/triggers/{}", app.fixture.stranger_trigger_id);
    let owner = app.owner();
    assert_eq!(owner.get(&foreign).status, 404);
    for act in ["retirement", "reinstatement", "reassignment"] {
        assert_eq!(viewer.post_signed(&format!("{path}/{act}"), &[]).status, 403, "{act}");
        assert_eq!(owner.post_signed(&format!("{foreign}/{act}"), &[]).status, 404, "{act}");
        assert_eq!(owner.post(&format!("{path}/{act}"), &[]).status, 403, "{act} without a token");
    }
    assert!(!trigger(&app, app.fixture.ada10_id).is_retired());
    assert_eq!(all(&app).len(), 1);
}

#[test]
fn a_code_counts_from_its_creation_on() {
    let app = TestApp::start();
    code(&app, app.fixture.ben_id, "BEN5", &app.actor_at(day(6, 1) + Duration::milliseconds(700)));
    // Stores write whole seconds: the second order may well have come after the code.
    for (id, at) in [(1, day(6, 1) - Duration::seconds(1)), (2, day(6, 1))] {
        let order = ShopifyOrder::new(id, at).code("ben5", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    assert_eq!(credits(&app), [(app.fixture.ben_id, 900)]);
}
