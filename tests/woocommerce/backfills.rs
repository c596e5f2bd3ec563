//! Orders whose messages never came.

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::kit::clock;
use vouch::kit::db::schema::{backfills, deliveries, job_queues};

use super::{commissions, connect, connected, work};
use crate::harness::TestApp;
use crate::harness::stores::woocommerce::WooSite;
use crate::harness::stores::{Fault, MockStore};
use crate::harness::woocommerce::{WooOrder, gmt};

fn start() -> (TestApp, MockStore<WooSite>) {
    let (app, site) = (TestApp::start(), WooSite::start());
    connect(&app, &site);
    (app, site)
}

fn order(id: u64, at: DateTime<Utc>) -> WooOrder {
    WooOrder::new(id, at).code("ADA10", 10)
}

fn sell(site: &MockStore<WooSite>, order: WooOrder) {
    site.store().orders.push(order.0);
}

fn topics(app: &TestApp) -> Vec<String> {
    app.within(|conn| deliveries::table.order(deliveries::id).select(deliveries::topic).load(conn))
}

fn ask(app: &TestApp, from: DateTime<Utc>, until: DateTime<Utc>) -> crate::harness::Page {
    let owner = app.owner();
    let path = format!("/settings/stores/{}/backfills", connected(app).id);
    let page = owner.get(&path);
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let (from, until) = (day(from), day(until));
    let fields = [("from", from.as_str()), ("until", until.as_str())];
    let answer = owner.submit(&page, &format!("form[action='{path}']"), &fields);
    if answer.status == 303 { owner.follow(&answer) } else { answer }
}

#[test]
fn what_changed_since_the_last_reading_is_taken_in_and_no_order_twice() {
    let (app, site) = start();
    let now = clock::now();
    sell(&site, order(1, now - Duration::hours(20)));
    sell(&site, order(2, now - Duration::days(3)));
    work(&app, now);
    assert_eq!(commissions(&app), [900], "from a day before the connection on");
    assert_eq!(topics(&app), ["order.read"]);
    assert!(connected(&app).orders_read_until.is_some());
    // Nothing is due before its time.
    sell(&site, order(3, now + Duration::minutes(1)));
    work(&app, now + Duration::minutes(2));
    assert_eq!(commissions(&app), [900]);
    work(&app, now + Duration::minutes(20));
    assert_eq!(commissions(&app), [900, 900]);
    work(&app, now + Duration::minutes(40));
    assert_eq!(topics(&app).len(), 2, "what was read twice is kept once");
    let page = app.owner().get("/settings/woocommerce");
    assert!(page.has("[data-fact=order-import] time"));
}

#[test]
fn an_order_that_vouch_fails_on_holds_up_no_other_and_is_kept() {
    let (app, site) = start();
    let now = clock::now();
    for id in 1..=3 {
        sell(&site, order(id, now - Duration::hours(20)));
    }
    let mut owner = app.as_owner();
    let refuse = "ALTER TABLE orders ADD CONSTRAINT refused CHECK (order_ref <> '1')";
    owner.batch_execute(refuse).unwrap();
    work(&app, now);
    assert_eq!(commissions(&app), [900, 900]);
    owner.batch_execute("ALTER TABLE orders DROP CONSTRAINT refused").unwrap();
    work(&app, now + Duration::minutes(2));
    assert_eq!(commissions(&app), [900, 900, 900]);
}

#[test]
fn an_order_that_went_to_the_bin_is_found_and_one_that_came_back_too() {
    let (app, site) = start();
    let now = clock::now();
    sell(&site, order(1, now));
    sell(&site, order(2, now));
    work(&app, now + Duration::minutes(1));
    assert_eq!(commissions(&app), [900, 900]);
    let change = |at: usize, status: &str, time: DateTime<Utc>| {
        let held = &mut site.store().orders[at];
        held["status"] = serde_json::json!(status);
        held["date_modified_gmt"] = serde_json::json!(gmt(time));
    };
    change(0, "trash", now + Duration::minutes(5));
    work(&app, now + Duration::minutes(20));
    assert_eq!(commissions(&app), [0, 900]);
    change(0, "processing", now + Duration::minutes(25));
    work(&app, now + Duration::minutes(40));
    assert_eq!(commissions(&app), [900, 900]);
    // A store of old that has no such list is read without it.
    site.store().lists_bin = false;
    sell(&site, order(3, now + Duration::minutes(45)));
    work(&app, now + Duration::minutes(60));
    assert_eq!(commissions(&app), [900, 900, 900]);
    assert!(connected(&app).orders_read_until.unwrap() > now + Duration::minutes(59));
}

#[test]
fn a_message_and_a_reading_of_one_order_credit_it_once() {
    let (app, site) = start();
    let now = clock::now();
    let sold = order(1, now - Duration::hours(1));
    let store = app.connect_woocommerce("other.acme.example");
    assert_eq!(app.woocommerce(&store, "order.created", &sold.0).status, 200);
    sell(&site, sold);
    work(&app, now);
    work(&app, now + Duration::minutes(20));
    assert_eq!(commissions(&app), [900, 900], "one in each store");
}

#[test]
fn an_interrupted_reading_goes_on_where_it_was() {
    let (app, site) = start();
    let now = clock::now();
    for id in 1..=60 {
        let at = now - Duration::hours(10) + Duration::seconds(i64::try_from(id).unwrap());
        sell(&site, order(id, at));
    }
    site.once("never", Fault::Lost);
    // The second page fails.
    site.once("orders", Fault::Late(std::time::Duration::ZERO));
    site.once("orders", Fault::Lost);
    work(&app, now);
    let (failures, problem): (i32, Option<serde_json::Value>) = app.within(|conn| {
        job_queues::table
            .filter(job_queues::kind.eq("backfills"))
            .select((job_queues::failures, job_queues::problem))
            .first(conn)
    });
    assert_eq!(failures, 1);
    assert_eq!(problem.unwrap()["code"], "interrupted");
    assert_eq!(commissions(&app).len(), 25);
    assert_eq!(connected(&app).orders_read_until, None);
    let path = format!("/settings/stores/{}/backfills", connected(&app).id);
    assert!(app.owner().get(&path).has("[data-problem=attempt]"));

    work(&app, now + Duration::minutes(10));
    assert_eq!(commissions(&app).len(), 60);
    assert!(connected(&app).orders_read_until.is_some());
}

#[test]
fn a_period_is_read_on_demand_and_its_result_is_shown() {
    let (app, site) = start();
    let now = clock::now();
    work(&app, now);
    for id in 1..=3 {
        sell(&site, order(id, now - Duration::days(40)));
    }
    let page = ask(&app, now - Duration::days(45), now - Duration::days(35));
    assert!(
        page.has("[role=status].tone-good") && page.has("[data-backfill=running]"),
        "{}",
        page.text()
    );
    let refused = ask(&app, now - Duration::days(45), now - Duration::days(35));
    assert_eq!(refused.status, 422);
    assert!(refused.has("#error-summary li"));
    work(&app, clock::now());
    assert_eq!(commissions(&app), [900; 3]);
    let page = app.owner().get(&format!("/settings/stores/{}/backfills", connected(&app).id));
    let found = "[data-backfill=finished][data-checked='3'][data-new='3'][data-changed='0']";
    assert!(page.has(found), "{}", page.text());
    ask(&app, now - Duration::days(45), now - Duration::days(35));
    work(&app, clock::now());
    let page = app.owner().get(&format!("/settings/stores/{}/backfills", connected(&app).id));
    let found = "[data-backfill=finished][data-checked='3'][data-new='0'][data-changed='0']";
    assert!(page.has(found), "{}", page.text());
    assert_eq!(commissions(&app), [900; 3]);
    let rows: i64 = app.within(|conn| backfills::table.count().get_result(conn));
    assert_eq!(rows, 2);
}

#[test]
fn only_a_period_that_makes_sense_is_read() {
    let (app, _site) = start();
    let now = clock::now();
    let refusals = [
        (now, now - Duration::days(3), "until", ""),
        (now + Duration::days(3), now + Duration::days(4), "from", ""),
        (now - Duration::days(800), now, "until", "366"),
    ];
    for (from, until, field, named) in refusals {
        let answer = ask(&app, from, until);
        assert_eq!(answer.status, 422, "{from} {until}");
        let said = answer.one(&format!("#f-{field}-error"));
        assert!(said.contains(named), "{from} {until}: {said}");
    }
    let path = format!("/settings/stores/{}/backfills", connected(&app).id);
    let answer = app.owner().post_signed(&path, &[("from", "x"), ("until", "")]);
    assert_eq!(answer.status, 422);
}

#[test]
fn a_store_that_was_disconnected_for_a_while_goes_on_where_it_was() {
    let (app, site) = start();
    let now = clock::now();
    work(&app, now);
    let store = connected(&app);
    app.within(|conn| vouch::features::stores::disconnect(conn, &app.actor(), &store));
    sell(&site, order(1, now + Duration::hours(1)));
    work(&app, now + Duration::days(9));
    assert!(commissions(&app).is_empty());
    connect(&app, &site);
    work(&app, now + Duration::days(10));
    assert_eq!(commissions(&app), [900]);
}
