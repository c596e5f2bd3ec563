//! What watches Vouch: does it live, is it ready, what does it do?

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::emails::{EmailContent, EmailMessage, post};
use vouch::kit::clock;
use vouch::kit::db::Scope;
use vouch::kit::db::schema::{emails, pushes};
use vouch::kit::error::AppError;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{METRICS_TOKEN, Page, TestApp, then};

fn metrics(app: &TestApp) -> String {
    let page = with_token(app, METRICS_TOKEN);
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    page.text()
}

fn with_token(app: &TestApp, token: &str) -> Page {
    let bearer = format!("Bearer {token}");
    app.anonymous().get_with("/metrics", &[("authorization", bearer.as_str())])
}

/// The value of the series that is written like this; 0 where there is none yet.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[test]
fn it_lives_and_is_ready() {
    let app = TestApp::start_with_usual_waits();
    for path in ["/healthz", "/readyz"] {
        let page = app.anonymous().get(path);
        assert_eq!(page.status, 200);
        assert!(page.text().starts_with("Vouch "), "as the doctor looks for");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
}

#[test]
fn without_the_database_it_lives_and_is_not_ready_whoever_asks() {
    let app = TestApp::start_with_usual_waits();
    let owner = app.owner();
    app.cut_off(false);
    // With a session, which cannot be read now.
    assert_eq!(owner.get("/dashboard").status, 503);
    assert_eq!(owner.get("/healthz").status, 200);
    let page = becomes(&app, 503);
    assert!(page.text().contains("database"), "{}", page.text());
    let shown = metrics(&app);
    assert_eq!(value(&shown, "vouch_database_up"), 0.0);
    assert!(shown.contains("vouch_database_up 0") && !shown.contains("vouch_queue_waiting"));

    app.cut_off(true);
    becomes(&app, 200);
}

/// `/readyz` once it has this status: it tells what was seen last, about once a second.
fn becomes(app: &TestApp, status: u16) -> Page {
    let begun = std::time::Instant::now();
    loop {
        let page = app.anonymous().get("/readyz");
        if page.status == status {
            return page;
        }
        assert!(begun.elapsed().as_secs() < 10, "{}", page.text());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_database_that_is_behind_is_not_ready_and_one_that_is_ahead_is() {
    let app = TestApp::start_with_usual_waits();
    let mut conn = app.as_owner();
    conn.batch_execute(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')",
    )
    .unwrap();
    assert_eq!(app.anonymous().get("/readyz").status, 200);
    conn.batch_execute(
        "DELETE FROM __diesel_schema_migrations WHERE version IN \
             (SELECT min(version) FROM __diesel_schema_migrations)",
    )
    .unwrap();
    let page = becomes(&app, 503);
    assert!(page.text().contains("vouch migrate"), "{}", page.text());
}

#[test]
fn who_is_told_to_stop_lives_and_is_not_ready() {
    let app = TestApp::start_with_usual_waits();
    assert_eq!(app.anonymous().get("/readyz").status, 200);
    app.readiness.stop();
    let page = app.anonymous().get("/readyz");
    assert_eq!(page.status, 503);
    assert!(!page.text().contains("database"), "{}", page.text());
    assert_eq!(app.anonymous().get("/healthz").status, 200);
}

#[test]
fn metrics_are_there_for_the_token_alone() {
    let app = TestApp::start_with_usual_waits();
    let nowhere = app.anonymous().get("/no-metrics");
    for token in ["", "wrong", &METRICS_TOKEN[1..], &format!("{METRICS_TOKEN}0")] {
        let page = with_token(&app, token);
        assert_eq!((page.status, page.text()), (404, nowhere.text()), "{token:?}");
    }
    let owner = app.owner();
    assert_eq!(owner.get("/metrics").text(), nowhere.text());
    let in_address = format!("/metrics?token={METRICS_TOKEN}");
    assert_eq!(owner.get(&in_address).status, 404);
}

#[test]
fn requests_are_counted_by_route_and_never_by_address() {
    let app = TestApp::start_with_usual_waits();
    let series = |status: &str, route: &str| {
        format!(
            "vouch_http_request_duration_seconds_count\
             {{method=\"GET\",route=\"{route}\",status=\"{status}\"}}"
        )
    };
    let of = [
        series("4xx", "/password-resets/{token}"),
        series("4xx", "unknown"),
        series("3xx", "/affiliates/{affiliate_id}"),
    ];
    let before = metrics(&app);
    let anonymous = app.anonymous();
    for path in ["/password-resets/t0ken-of-somebody", "/t0ken-of-nothing", "/affiliates/8086421"] {
        anonymous.get(path);
    }
    let after = metrics(&app);
    for series in of {
        assert!(value(&after, &series) > value(&before, &series), "{series}");
    }
    assert!(!after.contains("t0ken") && !after.contains("8086421"));
    assert!(after.contains("vouch_build_info{version=\""));
}

#[test]
fn messages_of_stores_and_what_they_credit_are_counted() {
    let app = TestApp::start_with_usual_waits();
    let series = |outcome: &str| {
        format!("vouch_deliveries_total{{outcome=\"{outcome}\",platform=\"shopify\"}}")
    };
    let before = metrics(&app);
    let order = ShopifyOrder::new(4711, then()).code("ADA10", "10.00");
    for _ in 0..2 {
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    assert_eq!(app.shopify("orders/create", &json!({ "id": "no order" })).status, 200);
    let path = format!("/hooks/shopify/{}", app.fixture.store_key);
    assert_eq!(app.anonymous().send(&path, &[], b"{}").status, 401);
    let after = metrics(&app);
    for outcome in ["processed", "failed", "refused"] {
        let series = series(outcome);
        assert!(value(&after, &series) > value(&before, &series), "{series}: {after}");
    }
    let never = "vouch_pushes_total{outcome=\"unanswered\",platform=\"woocommerce\"}";
    assert!(after.contains(never), "what has not happened yet is there to be watched");
    let credits = "vouch_credits_total";
    assert!(value(&after, credits) > value(&before, credits));
}

#[test]
fn what_waits_is_shown_with_the_age_of_the_oldest() {
    let app = TestApp::start_with_usual_waits();
    let email = EmailMessage {
        to: "nobody@example.com",
        program: None,
        content: EmailContent::MemberRemoved { name: "Nia".to_owned() },
        link: None,
    };
    let an_hour_ago = clock::now() - TimeDelta::hours(1);
    let posted: Result<(), AppError> = app.db.run_blocking(Scope::Instance, |conn| {
        for _ in 0..2 {
            post(conn, &email)?;
        }
        let first = emails::table.select(emails::id).order(emails::id).first::<i64>(conn)?;
        diesel::update(emails::table.find(first))
            .set(emails::created_at.eq(an_hour_ago))
            .execute(conn)?;
        QueryResult::Ok(())
    });
    posted.unwrap();
    // To a store that Vouch has no credentials for: that push rests.
    app.within(|conn| {
        diesel::insert_into(pushes::table)
            .values((
                pushes::merchant_id.eq(app.fixture.merchant_id),
                pushes::trigger_id.eq(app.fixture.ada10_id),
                pushes::store_id.eq(app.fixture.store_id),
                pushes::status.eq("queued"),
                pushes::created_at.eq(an_hour_ago),
            ))
            .execute(conn)
    });
    let shown = metrics(&app);
    assert_eq!(value(&shown, "vouch_database_up"), 1.0);
    // By their former name too.
    for queue in ["emails", "letters"] {
        let of = |metric: &str| value(&shown, &format!("{metric}{{queue=\"{queue}\"}}"));
        assert_eq!(of("vouch_queue_waiting"), 2.0);
        let oldest = of("vouch_queue_oldest_seconds");
        assert!((3600.0..3700.0).contains(&oldest), "{queue}: {oldest}");
    }
    for queue in ["store_jobs", "deliveries", "pushes", "recalculations", "recalculations_failed"] {
        let series = format!("vouch_queue_waiting{{queue=\"{queue}\"}} 0");
        assert!(shown.contains(&series), "{series}: {shown}");
    }
    assert_eq!(value(&shown, "vouch_database_connections_max{pool=\"intake\"}"), 6.0);
    if cfg!(target_os = "linux") {
        assert!(value(&shown, "process_resident_memory_bytes") > 1e6);
    }
}
