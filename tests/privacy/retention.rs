//! Retention periods, with moved dates.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::privacy::retention::{self, Periods};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::config::InstanceRetention;
use vouch::kit::db::schema::{
    audit_log, deliveries, emails, instance_log, orders, sessions, stores,
};
use vouch::kit::supervise::Stop;

use super::{in_instance, sums};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, pseudonyms};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn sweep(app: &TestApp, now: DateTime<Utc>) {
    retention::sweep(&app.db, InstanceRetention::default(), now, &Stop::default()).unwrap();
}

fn overdue(app: &TestApp, now: DateTime<Utc>) -> Vec<String> {
    let all = in_instance(app, |conn| retention::overdue(conn, InstanceRetention::default(), now));
    let late = all.into_iter().filter(|(_, rows)| *rows > 0);
    late.map(|(name, _)| name).collect()
}

fn set(app: &TestApp, periods: Periods) {
    let actor = app.actor();
    app.within(|conn| retention::save(conn, &actor, periods));
}

/// (outcome, whether the body is there), the oldest first.
fn bodies(app: &TestApp) -> Vec<(String, bool)> {
    app.within(|conn| {
        deliveries::table
            .order(deliveries::id)
            .select((deliveries::outcome, deliveries::body_gzip.is_not_null()))
            .load(conn)
    })
}

#[test]
fn bodies_go_after_their_period_and_cannot_be_replayed() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &ShopifyOrder::new(1, noon()).0).status, 200);
    assert_eq!(app.shopify("orders/create", &json!({ "id": "nothing" })).status, 200);
    set(&app, Periods { bodies_days: 10, failed_bodies_days: 20, ..Periods::default() });
    let now = vouch::kit::clock::now();
    let (taken, failed) = ("processed".to_owned(), "failed".to_owned());
    sweep(&app, now + Duration::days(9));
    assert_eq!(bodies(&app), [(taken.clone(), true), (failed.clone(), true)]);
    assert_eq!(overdue(&app, now + Duration::days(12)), ["bodies"]);
    sweep(&app, now + Duration::days(11));
    assert_eq!(bodies(&app), [(taken.clone(), false), (failed.clone(), true)]);
    sweep(&app, now + Duration::days(21));
    assert_eq!(bodies(&app), [(taken, false), (failed, false)]);
    let id: i64 = app.within(|conn| {
        deliveries::table
            .filter(deliveries::outcome.eq("failed"))
            .select(deliveries::id)
            .first(conn)
    });
    let admin = app.admin();
    let page = admin.get(&format!("/deliveries/{id}"));
    assert!(!page.has("form[action$=replay]"));
    let answer = admin.post_signed(&format!("/deliveries/{id}/replay"), &[]);
    assert!(admin.follow(&answer).has(".tone-wait, .flash-warning, [data-flash=warning], .notice"));
    let actor = app.actor();
    let gone =
        app.within(|conn| Ok(vouch::features::ingest::replay(conn, &actor, &pseudonyms(), id)));
    assert!(matches!(gone, Err(vouch::features::ingest::ReplayError::BodyGone)));
    // Nothing is left to do about it.
    assert!(!admin.get("/dashboard").has("a[href='/deliveries?outcome=failed'] strong"));
}

#[test]
fn customers_go_after_their_period_and_credits_stay() {
    let app = TestApp::start();
    let actor = app.actor_at(noon() - Duration::days(1));
    app.within(|conn| {
        triggers::create(
            conn,
            &actor,
            app.fixture.ben_id,
            TriggerKind::CustomerEmail,
            "regular@x.example",
        )
        .unwrap();
        Ok(())
    });
    let order = |id: u64, email: &str| ShopifyOrder::new(id, noon()).email(email);
    let first = order(1, "carla@x.example").code("ADA10", "10.00");
    for order in [
        &first,
        &order(2, "regular@x.example"),
        &order(3, "Ada+tea@affiliates.example").code("ADA10", "1.00"),
    ] {
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    app.work();
    let money = sums(&app);
    let now = noon() + Duration::days(731);
    assert_eq!(overdue(&app, now + Duration::days(1)), ["bodies", "customers"]);
    sweep(&app, now);
    let customers: Vec<(Option<String>, Option<String>)> = app.within(|conn| {
        orders::table
            .order(orders::id)
            .select((orders::customer_name, orders::customer_email))
            .load(conn)
    });
    // An address that decides who earns is an affiliate's or a trigger's anyway.
    let emails = [None, Some("regular@x.example"), Some("Ada+tea@affiliates.example")];
    assert_eq!(customers, emails.map(|email| (None, email.map(str::to_owned))));
    // An update of the order doesn't bring its customer back, and changes no credit.
    let later = first.updated_at(noon() + Duration::days(2));
    assert_eq!(app.shopify("orders/updated", &later.0).status, 200);
    let actor = app.actor();
    app.within(|conn| {
        let cause = vouch::features::recalculations::RecalculationReason::CalculationLogicChanged;
        vouch::features::recalculations::request_since(conn, &actor, DateTime::UNIX_EPOCH, &cause)
    });
    app.work();
    assert_eq!(sums(&app), money);
    let (email, state): (Option<String>, serde_json::Value) = app.within(|conn| {
        orders::table.order(orders::id).select((orders::customer_email, orders::state)).first(conn)
    });
    assert_eq!(email, None);
    assert!(
        !state.to_string().contains("carla") && !state.to_string().contains("Shopper"),
        "{state}"
    );
}

#[test]
fn addresses_in_the_audit_log_go_and_the_acts_stay() {
    let app = TestApp::start();
    let admin = app.admin();
    let page = admin.get("/affiliates/new");
    let fields = [("name", "Nia"), ("email", "nia@x.example")];
    assert_eq!(admin.submit(&page, "main form:has(input[name=email])", &fields).status, 303);
    let from = |app: &TestApp| -> (i64, i64) {
        app.within(|conn| {
            let with = audit_log::table.filter(audit_log::came_from.is_not_null());
            Ok((with.count().get_result(conn)?, audit_log::table.count().get_result(conn)?))
        })
    };
    let (with, all) = from(&app);
    assert!(with > 0);
    // The last day's are kept whatever the period is: so they were the day before yesterday.
    app.as_superuser().batch_execute("UPDATE audit_log SET at = at - interval '2 days'").unwrap();
    sweep(&app, vouch::kit::clock::now() + Duration::days(177));
    assert_eq!(from(&app), (with, all));
    sweep(&app, vouch::kit::clock::now() + Duration::days(181));
    assert_eq!(from(&app), (0, all));
}

#[test]
fn addresses_in_the_log_of_the_instance_go_and_the_acts_stay() {
    let app = TestApp::start();
    in_instance(&app, |conn| {
        conn.batch_execute(
            "INSERT INTO instance_log (at, actor_kind, actor_name, came_from, action, details) \
                 VALUES (now() - interval '2 days', 'support', 'Bo', '192.0.2.7', 'a.b', '{}')",
        )
    });
    let from = || -> Vec<Option<String>> {
        in_instance(&app, |conn| instance_log::table.select(instance_log::came_from).load(conn))
    };
    sweep(&app, vouch::kit::clock::now() + Duration::days(177));
    assert_eq!(from(), [Some("192.0.2.7".to_owned())]);
    let late = vouch::kit::clock::now() + Duration::days(180);
    assert!(overdue(&app, late).contains(&"instance_ips".to_owned()));
    sweep(&app, late);
    assert_eq!(from(), [None]);
    assert!(!overdue(&app, late).contains(&"instance_ips".to_owned()));
}

#[test]
fn a_disconnected_store_keeps_its_customers_for_its_period_unless_it_comes_back() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &ShopifyOrder::new(1, noon()).0).status, 200);
    assert_eq!(app.shopify("app/uninstalled", &json!({ "id": 1 })).status, 200);
    let customer = |app: &TestApp| -> Option<String> {
        app.within(|conn| orders::table.select(orders::customer_email).first(conn))
    };
    let now = vouch::kit::clock::now();
    sweep(&app, now + Duration::days(89));
    assert!(customer(&app).is_some());
    app.connect_shop(
        app.fixture.merchant_id,
        "acme-tea.myshopify.com",
        crate::harness::SHOP_SECRET,
    );
    sweep(&app, now + Duration::days(91));
    assert!(customer(&app).is_some(), "it is connected again");
    app.within(|conn| {
        conn.batch_execute("UPDATE stores SET disconnected_at = now(), webhook_secret = NULL")
    });
    sweep(&app, now + Duration::days(91));
    assert_eq!(customer(&app), None);
    let erased: bool =
        app.within(|conn| stores::table.select(stores::erased_at.is_not_null()).first(conn));
    assert!(erased);
}

#[test]
fn emails_and_sessions_of_the_instance_go_too() {
    let app = TestApp::start();
    app.owner();
    in_instance(&app, |conn| {
        conn.batch_execute(
            "INSERT INTO emails (message_id, recipient, subject) VALUES ('1', 'a@x.example', 'Hello')",
        )
    });
    let left = |app: &TestApp| -> (i64, i64) {
        in_instance(app, |conn| {
            Ok((emails::table.count().get_result(conn)?, sessions::table.count().get_result(conn)?))
        })
    };
    let (emails, sessions) = left(&app);
    assert!(emails > 0 && sessions > 0);
    sweep(&app, vouch::kit::clock::now() + Duration::days(13));
    assert_eq!(left(&app), (emails, sessions));
    let late = vouch::kit::clock::now() + Duration::days(32);
    assert_eq!(overdue(&app, late), ["emails", "sessions"]);
    sweep(&app, late);
    assert_eq!(left(&app), (0, 0));
    assert_eq!(overdue(&app, late), Vec::<String>::new());
}

#[test]
fn the_work_waits_for_no_intake() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &ShopifyOrder::new(1, noon()).0).status, 200);
    let mut holder = PgConnection::establish(&app.database_url).unwrap();
    holder
        .batch_execute(&format!(
            "BEGIN; SET LOCAL vouch.merchant_id = '{}'; SELECT id FROM orders FOR UPDATE",
            app.fixture.merchant_id
        ))
        .unwrap();
    // Would wait for ever otherwise.
    sweep(&app, noon() + Duration::days(800));
    holder.batch_execute("COMMIT").unwrap();
    let email: Option<String> =
        app.within(|conn| orders::table.select(orders::customer_email).first(conn));
    assert!(email.is_some());
    sweep(&app, noon() + Duration::days(800));
    let email: Option<String> =
        app.within(|conn| orders::table.select(orders::customer_email).first(conn));
    assert_eq!(email, None);
}
