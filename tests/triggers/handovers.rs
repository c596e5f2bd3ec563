//! A trigger that goes to another affiliate at a time to come.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use diesel::prelude::*;
use vouch::features::triggers::{self as model, ReassignError, hand_over_due};
use vouch::kit::db::schema::triggers as rows;
use vouch::kit::supervise::Stop;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, Person, TestApp};
use crate::triggers::{credits, owners, recorded, trigger};

fn path(app: &TestApp) -> String {
    format!("/triggers/{}", app.fixture.ada10_id)
}

/// Fills the form, as somebody does who has chosen the affiliate.
fn schedule(app: &TestApp, person: &Person, affiliate_id: i64, day: NaiveDate) -> Page {
    let page = person.get(&format!("{}/reassignment", path(app)));
    let form = page.form("form.stack");
    let (id, day) = (affiliate_id.to_string(), day.to_string());
    let mut fields: Vec<(&str, &str)> = form
        .fields
        .iter()
        .filter(|(name, _)| name != "affiliate_id" && name != "from")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    fields.extend([("affiliate_id", id.as_str()), ("from", day.as_str())]);
    person.post(&form.action, &fields)
}

fn in_days(days: u64) -> NaiveDate {
    vouch::kit::clock::now().date_naive() + Days::new(days)
}

fn order(app: &TestApp, id: u64, placed_at: DateTime<Utc>) {
    let order = ShopifyOrder::new(id, placed_at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
}

fn handover_at(app: &TestApp) -> Option<DateTime<Utc>> {
    app.within(|conn| {
        rows::table
            .find((app.fixture.merchant_id, app.fixture.ada10_id))
            .select(rows::handover_at)
            .first(conn)
    })
}

#[test]
fn a_handover_waits_for_its_day_and_can_be_canceled() {
    let app = TestApp::start();
    let owner = app.owner();
    let (ada, ben, id) = (app.fixture.ada_id, app.fixture.ben_id, app.fixture.ada10_id);
    let answer = schedule(&app, &owner, ben, in_days(5));
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    assert_eq!(page.one("#handover a"), "Ben Second");
    assert_eq!(page.one("h1 + p a"), "Ada Active", "still hers");
    assert_eq!(page.all("#owners + .timeline a"), ["Ben Second", "Ada Active"]);
    assert_eq!(trigger(&app, id).affiliate_id, ada);
    assert!(!app.viewer().get(&path(&app)).has("#handover form"));
    order(&app, 1, vouch::kit::clock::now());
    assert_eq!(credits(&app), [(ada, 900)]);

    let canceled = owner.submit(&page, "#handover form", &[]);
    assert_eq!(canceled.status, 303);
    let page = owner.follow(&canceled);
    assert!(!page.has("#handover"));
    assert_eq!(owners(&app, id).len(), 1);
    assert_eq!(owners(&app, id)[0].2, None);
    // Again, and there's nothing to cancel.
    let again = owner.post_signed(&format!("{}/reassignment/cancellation", path(&app)), &[]);
    assert_eq!(again.status, 303);
    assert_eq!(recorded(&app, id), 3, "created, scheduled, canceled");
}

#[test]
fn who_may_not_change_cancels_nothing() {
    let app = TestApp::start();
    let owner = app.owner();
    assert_eq!(schedule(&app, &owner, app.fixture.ben_id, in_days(5)).status, 303);
    let cancellation = format!("{}/reassignment/cancellation", path(&app));
    assert_eq!(app.viewer().post_signed(&cancellation, &[]).status, 403);
    assert_eq!(app.stranger().post_signed(&cancellation, &[]).status, 404);
    assert!(handover_at(&app).is_some());
}

#[test]
fn from_its_time_on_orders_are_the_new_holders_also_before_the_worker_has_come() {
    let app = TestApp::start();
    let (ada, ben, id) = (app.fixture.ada_id, app.fixture.ben_id, app.fixture.ada10_id);
    let now = vouch::kit::clock::now();
    // Further ahead than a store's clock can be wrong.
    let at = vouch::kit::dated::second(now) + Duration::hours(2);
    app.within(|conn| {
        let trigger = model::Trigger::find(conn, app.fixture.merchant_id, id)?;
        Ok(model::reassign(conn, &app.actor_at(now), &trigger, ben, at).unwrap())
    });
    order(&app, 1, at - Duration::seconds(1));
    order(&app, 2, at);
    assert_eq!(credits(&app), [(ada, 900), (ben, 900)]);
    assert_eq!(trigger(&app, id).affiliate_id, ada);

    assert_eq!(hand_over_due(&app.db, at - Duration::seconds(1), &Stop::default()).unwrap(), 0);
    assert_eq!(trigger(&app, id).affiliate_id, ada, "not yet");
    assert_eq!(hand_over_due(&app.db, at, &Stop::default()).unwrap(), 1);
    assert_eq!((trigger(&app, id).affiliate_id, handover_at(&app)), (ben, None));
    assert_eq!(hand_over_due(&app.db, at, &Stop::default()).unwrap(), 0, "once");
    assert_eq!(app.owner().get(&path(&app)).one("h1 + p a"), "Ben Second");
    let periods = owners(&app, id);
    assert_eq!(periods[0].2, Some(at));
    assert_eq!(periods[1], (ben, at, None));
}

#[test]
fn whoever_acts_after_its_time_finds_it_handed_over() {
    let app = TestApp::start();
    let (ada, ben, id) = (app.fixture.ada_id, app.fixture.ben_id, app.fixture.ada10_id);
    let now = vouch::kit::clock::now();
    let at = vouch::kit::dated::second(now) + Duration::minutes(10);
    let give = |to: i64, from: DateTime<Utc>, now: DateTime<Utc>| {
        app.within(|conn| {
            let trigger = model::Trigger::find(conn, app.fixture.merchant_id, id)?;
            Ok(model::reassign(conn, &app.actor_at(now), &trigger, to, from))
        })
    };
    assert!(give(ben, at, now).is_ok());
    let later = at + Duration::minutes(5);
    assert!(matches!(give(ben, later, later), Err(ReassignError::SameHolder)));
    assert!(give(ada, later, later).is_ok());
    let holders: Vec<i64> = owners(&app, id).into_iter().map(|period| period.0).collect();
    assert_eq!(holders, [ada, ben, ada]);
    assert_eq!((trigger(&app, id).affiliate_id, handover_at(&app)), (ada, None));
}

#[test]
fn another_reassignment_takes_the_place_of_a_handover_and_a_retirement_leaves_it() {
    let app = TestApp::start();
    let owner = app.owner();
    let (ada, ben, id) = (app.fixture.ada_id, app.fixture.ben_id, app.fixture.ada10_id);
    let cleo = app.within(|conn| {
        let new = vouch::features::affiliates::NewAffiliate {
            name: "Cleo Third".to_owned(),
            email: "cleo@affiliates.example".to_owned(),
            status: vouch::features::affiliates::AffiliateStatus::Disabled,
            offer_id: app.fixture.offer_id,
            note: String::new(),
            user_id: None,
        };
        Ok(vouch::features::affiliates::create(conn, &app.actor(), &new).unwrap().id)
    });
    assert_eq!(schedule(&app, &owner, ben, in_days(5)).status, 303);
    assert_eq!(schedule(&app, &owner, cleo, in_days(9)).status, 303);
    let holders =
        |app: &TestApp| owners(app, id).into_iter().map(|period| period.0).collect::<Vec<_>>();
    assert_eq!(holders(&app), [ada, cleo], "the later one alone");
    assert_eq!(schedule(&app, &owner, ben, in_days(7)).status, 303);
    assert_eq!(holders(&app), [ada, ben]);

    // Retired: orders count for no one, before and after; the handover goes on.
    assert_eq!(owner.post_signed(&format!("{}/retirement", path(&app)), &[]).status, 303);
    let at = handover_at(&app).expect("still scheduled");
    assert_eq!(hand_over_due(&app.db, at, &Stop::default()).unwrap(), 1);
    assert_eq!(trigger(&app, id).affiliate_id, ben);
    assert!(trigger(&app, id).is_retired());
    assert_eq!(owner.post_signed(&format!("{}/reinstatement", path(&app)), &[]).status, 303);
    assert_eq!((trigger(&app, id).affiliate_id, holders(&app)), (ben, vec![ada, ben]));
}

#[test]
fn a_handover_to_an_affiliate_who_is_disabled_by_then_earns_nothing() {
    let app = TestApp::start();
    let (ben, id) = (app.fixture.ben_id, app.fixture.ada10_id);
    // Further ahead than a store's clock can be.
    let at = vouch::kit::dated::second(vouch::kit::clock::now()) + Duration::hours(2);
    app.within(|conn| {
        let trigger = model::Trigger::find(conn, app.fixture.merchant_id, id)?;
        model::reassign(conn, &app.actor(), &trigger, ben, at).unwrap();
        let disabled = vouch::features::affiliates::AffiliateStatus::Disabled;
        vouch::features::affiliates::change_status(conn, &app.actor(), &[ben], disabled)
    });
    assert_eq!(hand_over_due(&app.db, at, &Stop::default()).unwrap(), 1);
    order(&app, 1, at);
    assert!(credits(&app).is_empty());
}
