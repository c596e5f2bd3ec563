use std::time::Duration as Span;

use chrono::Duration;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::triggers::{self, TriggerKind};
use vouch::features::{pushes as model, stores};
use vouch::kit::clock;
use vouch::kit::db::schema::{jobs, pushes};
use vouch_platforms::{CallError, Reason};

use super::{
    Fault, code, creating, details, encryptor, problem, push_id, said, status, store, work, work_at,
};

fn pair(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

fn unanswered() -> CallError {
    CallError::Unanswered(Reason::Timeout)
}

#[test]
fn a_new_code_is_queued_with_it_and_pushed_once() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    assert_eq!(status(&app, id), pair("queued", ""));
    work(&app, &fake);
    assert_eq!(status(&app, id), pair("pushed", ""));
    assert_eq!(fake.creations(), ["look SPRING", "create SPRING"]);
    work_at(&app, &fake, clock::now() + Duration::days(1));
    assert_eq!(fake.calls(), 2, "nothing is left to do");
}

#[test]
fn only_codes_of_stores_that_create_are_queued() {
    let (app, fake) = creating();
    let count = || app.within(|conn| pushes::table.count().get_result::<i64>(conn));
    app.within(|conn| {
        let (actor, ada) = (app.actor(), app.fixture.ada_id);
        triggers::create(conn, &actor, ada, TriggerKind::Sku, "MUG").unwrap();
        Ok(())
    });
    assert_eq!(count(), 0);
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store(&app), false, None));
    code(&app, "QUIET");
    assert_eq!(count(), 0);
    work(&app, &fake);
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_lost_answer_is_adopted_and_never_created_twice() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    fake.next_creation(Fault::AnswerLost);
    work(&app, &fake);
    assert_eq!(status(&app, id), pair("queued", "interrupted"));
    work_at(&app, &fake, clock::now() + Duration::minutes(1));
    assert_eq!(status(&app, id), pair("pushed", ""));
    assert_eq!(fake.codes(), ["SPRING"]);
    assert_eq!(fake.creations(), ["look SPRING", "create SPRING", "look SPRING"]);
}

#[test]
fn a_code_of_the_stores_own_is_said_and_can_be_attached() {
    let (app, fake) = creating();
    fake.hold("spring");
    let id = code(&app, "SPRING");
    work(&app, &fake);
    let (now, reason) = details(&app, id);
    assert_eq!(now, "in_store");
    let discount = "10% off everything";
    let expected = json!({
        "code": "in_store", "store_code": "spring", "state": "live", "discount": discount,
    });
    assert_eq!(reason, expected);
    app.within(|conn| model::attach(conn, &app.actor(), id, push_id(&app, id)));
    assert_eq!(status(&app, id).0, "pushed");
    assert_eq!(fake.codes(), ["spring"]);
}

#[test]
fn a_code_that_somebody_makes_between_look_and_creation_is_theirs() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    fake.next_creation(Fault::MadeMeanwhile);
    work(&app, &fake);
    assert_eq!(status(&app, id).0, "in_store");
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn a_refusal_stops_at_once_with_the_stores_words_and_holds_up_nobody() {
    let (app, fake) = creating();
    let (bad, good) = (code(&app, "BAD"), code(&app, "GOOD"));
    fake.poison("BAD", CallError::Refused(said("too many codes")));
    work(&app, &fake);
    let (now, reason) = details(&app, bad);
    assert_eq!((now.as_str(), reason), ("failed", json!(said("too many codes"))));
    assert_eq!(status(&app, good).0, "pushed");
    fake.heal();
    app.within(|conn| model::retry(conn, &app.actor(), bad, push_id(&app, bad)));
    work(&app, &fake);
    assert_eq!(status(&app, bad), pair("pushed", ""));
}

#[test]
fn a_code_without_an_answer_fails_after_ten_attempts_and_holds_up_nobody() {
    let (app, fake) = creating();
    let (bad, good) = (code(&app, "BAD"), code(&app, "GOOD"));
    fake.poison("BAD", unanswered());
    let mut now = clock::now();
    work_at(&app, &fake, now);
    assert_eq!(status(&app, good).0, "pushed");
    for _ in 0..12 {
        now += Duration::hours(1);
        work_at(&app, &fake, now);
    }
    let (now, reason) = details(&app, bad);
    let stopped = json!({ "code": "stopped", "attempts": 10, "last": { "code": "timeout" } });
    assert_eq!((now.as_str(), reason), ("failed", stopped));
    let tries = fake.creations().iter().filter(|call| *call == "create BAD").count();
    assert_eq!(tries, 10);
}

#[test]
fn a_silent_store_is_left_alone_for_a_while() {
    let (app, fake) = creating();
    let ids: Vec<i64> = (0..20).map(|n| code(&app, &format!("CODE{n}"))).collect();
    for _ in 0..3 {
        fake.next_look(Fault::Answers(unanswered()));
    }
    work(&app, &fake);
    assert_eq!(fake.calls(), 3, "three without an answer are enough");
    work(&app, &fake);
    assert_eq!(fake.calls(), 3, "the store gets a pause");
    work_at(&app, &fake, clock::now() + Duration::minutes(10));
    assert!(ids.iter().all(|id| status(&app, *id).0 == "pushed"));
    assert_eq!(fake.codes().len(), 20);
}

#[test]
fn a_pause_that_the_store_asks_for_is_kept_by_all_its_codes() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    fake.next_creation(Fault::Answers(CallError::Throttled { wait: Span::from_secs(60) }));
    let now = clock::now();
    work_at(&app, &fake, now);
    let other = code(&app, "SUMMER");
    work_at(&app, &fake, now + Duration::seconds(59));
    assert_eq!(fake.calls(), 2, "not before the minute is over, whatever is new");
    work_at(&app, &fake, now + Duration::seconds(62));
    assert_eq!((status(&app, id).0, status(&app, other).0), ("pushed".into(), "pushed".into()));
}

#[test]
fn revoked_credentials_stop_the_store_until_they_are_replaced() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    fake.next_look(Fault::Answers(CallError::Denied(said("revoked"))));
    work(&app, &fake);
    assert_eq!(problem(&app), Some(said("revoked")));
    assert_eq!(status(&app, id).0, "queued");
    work_at(&app, &fake, clock::now() + Duration::days(1));
    assert_eq!(fake.calls(), 1, "the store rests");
    app.within(|conn| {
        stores::set_credentials(conn, &app.actor(), &encryptor(), &store(&app), b"{\"new\":1}")
    });
    assert_eq!(problem(&app), None);
    work(&app, &fake);
    assert_eq!(status(&app, id).0, "pushed");
}

#[test]
fn a_retired_code_is_not_sent() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    app.within(|conn| {
        let trigger = triggers::Trigger::find(conn, app.fixture.merchant_id, id)?;
        triggers::retire(conn, &app.actor(), &trigger)
    });
    work(&app, &fake);
    assert_eq!(status(&app, id), pair("failed", "retired"));
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_disconnected_store_rests_and_goes_on_when_it_is_back() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    app.within(|conn| stores::disconnect(conn, &app.actor(), &store(&app)));
    work(&app, &fake);
    assert_eq!(fake.calls(), 0);
    assert!(store(&app).credentials(&encryptor()).unwrap().is_none(), "its secrets are gone");
    app.within(|conn| {
        let secret = stores::WebhookSecret::parse(crate::harness::SHOP_SECRET).unwrap();
        let (actor, encryptor) = (app.actor(), encryptor());
        let address = "acme-tea.myshopify.com";
        let store = stores::connect_shopify(conn, &actor, &encryptor, address, &secret).unwrap();
        stores::set_credentials(conn, &actor, &encryptor, &store, b"{}")
    });
    work(&app, &fake);
    assert_eq!(status(&app, id).0, "pushed");
}

#[test]
fn a_fault_of_ours_holds_up_no_other_code_and_is_tried_again_later() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let other = code(&app, "SUMMER");
    fake.next_creation(Fault::Panics);
    work(&app, &fake);
    assert_eq!(status(&app, id), pair("queued", "internal_error"));
    assert_eq!(status(&app, other).0, "pushed");
    work_at(&app, &fake, clock::now() + Duration::minutes(1));
    assert_eq!(status(&app, id).0, "pushed");
}

#[test]
fn a_push_whose_worker_died_at_each_attempt_has_failed() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    app.within(|conn| diesel::update(jobs::table).set(jobs::attempts.eq(10)).execute(conn));
    work(&app, &fake);
    assert_eq!(fake.calls(), 0, "it would kill the next worker too");
    assert_eq!(status(&app, id).0, "failed");
    app.within(|conn| model::retry(conn, &app.actor(), id, push_id(&app, id)));
    work(&app, &fake);
    assert_eq!(status(&app, id), pair("pushed", ""));
}

#[test]
fn a_database_that_is_full_for_a_while_uses_up_no_attempt() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    app.as_owner()
        .batch_execute(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$; \
             CREATE TRIGGER fault BEFORE UPDATE ON pushes FOR EACH ROW EXECUTE FUNCTION fault()",
        )
        .unwrap();
    for hours in 0..12 {
        work_at(&app, &fake, clock::now() + Duration::hours(hours));
    }
    let attempts: i32 = app.within(|conn| jobs::table.select(jobs::attempts).first(conn));
    assert_eq!(attempts, 0);
    app.as_owner().batch_execute("DROP FUNCTION fault() CASCADE").unwrap();
    work_at(&app, &fake, clock::now() + Duration::days(1));
    assert_eq!(status(&app, id), pair("pushed", ""));
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn a_code_that_someone_waits_for_goes_before_those_of_a_file() {
    let (app, fake) = creating();
    let values: Vec<String> = (0..12).map(|number| format!("FILE{number}")).collect();
    for value in &values {
        code(&app, value);
    }
    app.within(|conn| diesel::delete(jobs::table).execute(conn));
    app.within(|conn| diesel::update(pushes::table).set(pushes::status.eq("failed")).execute(conn));
    assert_eq!(app.owner().post_signed("/triggers/pushes/retries", &[]).status, 303);
    code(&app, "SPRING");
    work(&app, &fake);
    assert_eq!(fake.creations()[0], "look SPRING");
    assert_eq!(fake.codes().len(), 13);
}
