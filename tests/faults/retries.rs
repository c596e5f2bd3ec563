//! What Vouch itself failed on is kept, acknowledged, and processed again until it succeeds.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch::app::workers::run_due_jobs;
use vouch::features::ingest::failures::{build, renew};
use vouch::kit::clock;
use vouch::kit::db::schema::{deliveries, delivery_failures, jobs};

use super::{doctor, fix, ledger, metric, outcomes, raise};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, then};
use crate::pushes::FakeStore;

/// (reason, attempts, next attempt) of what is failed.
fn failures(app: &TestApp) -> Vec<(String, i32, Option<DateTime<Utc>>)> {
    app.within(|conn| {
        let failed: Vec<(i64, String)> = delivery_failures::table
            .order(delivery_failures::delivery_id)
            .select((delivery_failures::delivery_id, delivery_failures::reason))
            .load(conn)?;
        let with_job = |(id, reason): (i64, String)| {
            let job: Option<(i32, DateTime<Utc>, bool)> = jobs::table
                .filter(jobs::kind.eq("delivery_retries").and(jobs::key.eq(id.to_string())))
                .select((jobs::attempts, jobs::run_at, jobs::dead_at.is_not_null()))
                .first(conn)
                .optional()?;
            let (attempts, run_at, is_dead) = job.unwrap_or((0, clock::now(), true));
            Ok((reason, attempts, (!is_dead).then_some(run_at)))
        };
        failed.into_iter().map(with_job).collect()
    })
}

/// Just after the next attempt is due.
fn due(app: &TestApp) -> DateTime<Utc> {
    failures(app)[0].2.unwrap() + Duration::seconds(1)
}

fn retry(app: &TestApp, now: DateTime<Utc>) -> usize {
    run_due_jobs(&crate::pushes::tools(app, &FakeStore::default()), now).unwrap()
}

/// An order that breaks a rule of the schema, as a fault of Vouch would.
fn fail(app: &TestApp, id: u64) {
    raise(app, "23514", "INSERT ON orders", "true");
    let order = ShopifyOrder::new(id, then()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200, "kept");
    assert_eq!(outcomes(app), ["failed"]);
}

#[test]
fn an_order_by_the_api_that_vouch_failed_on_is_accepted_and_processed_later() {
    let app = TestApp::start();
    let (key, order) = (crate::api::new_key(&app), crate::api::order());
    raise(&app, "23514", "INSERT ON orders", "true");
    for _ in 0..2 {
        let kept = crate::api::report(&app, &key, &order);
        assert_eq!(kept.status, 202, "{}", kept.text());
        assert_eq!(kept.json()["id"], "A-1");
    }
    assert_eq!(outcomes(&app), ["failed"]);
    fix(&app);
    assert_eq!(retry(&app, due(&app)), 1);
    let known = crate::api::report(&app, &key, &order);
    assert_eq!(
        (known.status, known.json()["credits"][0]["commission"].clone()),
        (200, "9.00".into())
    );
    assert_eq!(ledger(&app), [900]);
}

#[test]
fn what_vouch_failed_on_is_processed_again_with_growing_pauses_and_credits_once() {
    let app = TestApp::start();
    fail(&app, 1);
    let (reason, attempts, retry_at) = failures(&app).remove(0);
    assert_eq!((reason.as_str(), attempts), ("own_fault", 0));
    assert!(retry_at.unwrap() > clock::now(), "after a pause");
    assert_eq!(retry(&app, clock::now()), 0, "not before it");
    let mut last = Duration::zero();
    for attempt in 1..=4 {
        let now = due(&app);
        assert_eq!(retry(&app, now), 1);
        let (_, attempts, retry_at) = failures(&app).remove(0);
        let pause = retry_at.unwrap() - now;
        assert_eq!(attempts, attempt);
        assert!(pause > last, "{pause} after {last}");
        last = pause;
    }
    assert!(ledger(&app).is_empty());
    fix(&app);
    assert_eq!(retry(&app, due(&app)), 1);
    assert_eq!(outcomes(&app), ["processed"]);
    assert_eq!(ledger(&app), [900]);
    assert!(failures(&app).is_empty());
    assert_eq!(retry(&app, clock::now() + Duration::days(1)), 0);
    // A member's replay of it changes nothing either.
    let id: i64 = app.within(|conn| deliveries::table.select(deliveries::id).first(conn));
    app.owner().post_signed(&format!("/deliveries/{id}/replay"), &[]);
    assert_eq!(ledger(&app), [900]);
}

#[test]
fn an_attempt_that_meets_a_passing_fault_does_not_count() {
    let app = TestApp::start();
    fail(&app, 1);
    fix(&app);
    raise(&app, "53100", "INSERT ON orders", "true");
    let mut now = due(&app);
    for _ in 0..20 {
        assert_eq!(retry(&app, now), 1);
        assert_eq!(retry(&app, now + Duration::seconds(50)), 0, "it gets a minute");
        now += Duration::minutes(2);
    }
    let (_, attempts, retry_at) = failures(&app).remove(0);
    assert_eq!(attempts, 0);
    assert!(retry_at.unwrap() < now);
}

#[test]
fn what_is_left_after_the_last_attempt_is_shown_and_tried_by_another_build() {
    let app = TestApp::start();
    assert_eq!(doctor(&app, "deliveries"), "ok");
    fail(&app, 1);
    let owner = app.owner();
    assert!(!owner.get("/dashboard").has("a[href=\"/deliveries?outcome=failed\"]"), "retried");
    assert_eq!(metric(&app, "vouch_queue_waiting{queue=\"deliveries_retried\"}"), 1.0);
    let id: i64 = app.within(|conn| deliveries::table.select(deliveries::id).first(conn));
    let path = format!("/deliveries/{id}");
    assert!(owner.get(&path).has("[data-retry]"));
    app.within(|conn| {
        diesel::update(jobs::table.filter(jobs::kind.eq("delivery_retries")))
            .set(jobs::attempts.eq(15))
            .execute(conn)
    });
    assert_eq!(retry(&app, due(&app)), 1);
    assert_eq!(failures(&app), [("own_fault".to_owned(), 16, None)]);
    assert_eq!(retry(&app, clock::now() + Duration::days(1)), 0);
    assert!(owner.get("/dashboard").has("a[href=\"/deliveries?outcome=failed\"]"));
    assert_ne!(doctor(&app, "deliveries"), "ok");
    let page = owner.get(&path);
    assert!(page.has("[data-needs-attention]") && !page.has("[data-retry]"));
    // What was read is shown for five seconds.
    std::thread::sleep(std::time::Duration::from_millis(5100));
    assert_eq!(metric(&app, "vouch_queue_waiting{queue=\"deliveries_failed\"}"), 1.0);
    assert_eq!(metric(&app, "vouch_jobs_dead_lettered{kind=\"delivery_retries\"}"), 1.0);

    fix(&app);
    assert_eq!(renew(&app.db, build()).unwrap(), 0, "this build has failed on it");
    assert_eq!(renew(&app.db, "another").unwrap(), 1);
    assert_eq!(renew(&app.db, "another").unwrap(), 0, "once");
    assert_eq!(retry(&app, due(&app)), 1);
    assert_eq!(ledger(&app), [900]);
    assert!(failures(&app).is_empty());
}

#[test]
fn a_message_with_an_impossible_value_is_kept_and_not_retried() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1, then()).code("ADA10", "10.00");
    // A server that speaks English says it so.
    diesel::connection::SimpleConnection::batch_execute(
        &mut app.as_owner(),
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'integer out of range' USING ERRCODE = '22003'; END $$; \
         CREATE TRIGGER fault BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fault()",
    )
    .unwrap();
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(failures(&app), [("value".to_owned(), 0, None)]);
    assert_eq!(retry(&app, clock::now() + Duration::days(1)), 0);
}

#[test]
fn an_unreadable_message_is_tried_by_another_build_alone() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &serde_json::json!({ "id": "none" })).status, 200);
    assert_eq!(failures(&app), [("unreadable".to_owned(), 0, None)]);
    assert_eq!(renew(&app.db, "another").unwrap(), 1);
    assert_eq!(retry(&app, due(&app)), 1);
    let (reason, _, retry_at) = failures(&app).remove(0);
    assert_eq!((reason.as_str(), retry_at), ("unreadable", None));
    assert_eq!(outcomes(&app), ["failed"]);
}
