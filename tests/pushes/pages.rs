use chrono::Duration;
use diesel::prelude::*;
use vouch::features::stores;
use vouch::kit::clock;
use vouch::kit::db::schema::{audit_log, pushes};
use vouch_platforms::{CallError, Reason};

use super::{Fault, code, creating, problem, push_id, said, status, store, work, work_at};
use crate::harness::TestApp;

const NO_ACCESS: &str = "[data-problem=access]";

#[test]
fn a_form_pushes_unless_the_code_is_left_out() {
    let (app, fake) = creating();
    let owner = app.owner();
    let form = format!("/affiliates/{}/triggers/new", app.fixture.ada_id);
    let page = owner.get(&form);
    assert!(page.has("input[name=only_in_vouch]"));
    assert!(page.one("#f-only_in_vouch-hint").contains("Acme Tea on Shopify"));
    let sent = owner.submit(&page, "form.stack", &[("coupon_code", "SPRING")]);
    let list = owner.follow(&sent);
    assert!(list.one("[role=status].tone-good").contains("SPRING"), "{}", list.text());
    assert!(list.has("[data-status=queued]"));
    let fields = [("coupon_code", "OLD"), ("only_in_vouch", "true")];
    let left_out =
        owner.post_signed(&format!("/affiliates/{}/triggers", app.fixture.ada_id), &fields);
    assert!(owner.follow(&left_out).one("[role=status].tone-good").contains("OLD"));
    work(&app, &fake);
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn without_a_store_that_creates_codes_no_page_speaks_of_pushes() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/triggers/new");
    assert!(page.has("input[name=only_in_vouch]"), "a code with spaces is attached in any program");
    assert!(!page.text().contains("Acme Tea on Shopify"));
    let list = owner.get("/triggers");
    assert!(!list.has(".pushes") && !list.has("select[name=push]"));
}

#[test]
fn every_status_stands_on_list_and_page() {
    let (app, fake) = creating();
    fake.hold("THEIRS");
    fake.poison("BAD", CallError::Refused(said("no")));
    fake.poison("SLOW", CallError::Unanswered(Reason::Timeout));
    let ids = ["GOOD", "THEIRS", "BAD", "SLOW"].map(|value| code(&app, value));
    work(&app, &fake);
    let owner = app.owner();
    let list = owner.get("/triggers?sort=oldest");
    let statuses = list.values(".push", "data-status");
    assert_eq!(statuses, ["pushed", "in_store", "failed", "queued"]);
    assert!(list.one("[data-status=failed] .push-reason").contains("“no”"));
    let link = list.values(".push a", "href");
    assert_eq!(link[0], "https://admin.example/discounts/GOOD");
    let [good, theirs, bad, slow] = ids.map(|id| owner.get(&format!("/triggers/{id}")));
    assert!(good.has("[data-status=pushed]") && !good.has(".push form"));
    assert!(theirs.one("[data-status=in_store] .push-reason").contains("THEIRS"));
    assert_eq!(theirs.all(".push button").len(), 2);
    assert!(theirs.has(".push form[action$='/attachment']"));
    assert!(theirs.has(".push form[action$='/retry']"));
    assert!(bad.one("[data-status=failed] .push-reason").contains("“no”"));
    assert_eq!(bad.all(".push button").len(), 1);
    assert!(bad.has(".push form[action$='/retry']"));
    let reason = slow.one("[data-status=queued] .push-reason");
    assert!(reason.contains(&Reason::Timeout.to_string()), "{reason}");
    // A viewer reads it all and changes nothing.
    let read = app.viewer().get(&format!("/triggers/{}", ids[2]));
    assert!(read.one(".push-reason").contains("“no”") && !read.has(".push form"));
}

#[test]
fn a_page_asks_only_for_codes_on_their_way() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let owner = app.owner();
    for path in ["/triggers".to_owned(), format!("/triggers/{id}")] {
        let page = owner.get(&path);
        let url = page.attribute("[hx-trigger='every 2s']", "hx-get").unwrap();
        assert_eq!(url, format!("/triggers/pushes?ids={id}"));
        let part = owner.get_with(&url, &[("hx-request", "true")]);
        assert!(part.has("[hx-get]") && part.has("[data-status=queued]"));
    }
    work(&app, &fake);
    let url = format!("/triggers/pushes?ids={id},x,-1,");
    let part = owner.get_with(&url, &[("hx-request", "true")]);
    assert!(!part.has("[hx-get]"), "it stands still");
    assert_eq!(part.attribute("[hx-swap-oob]", "id"), Some(format!("pushes-{id}")));
    assert!(part.has("[data-status=pushed]"));
    assert!(!owner.get("/triggers").has("[hx-trigger='every 2s']"));
    // It's no page of its own.
    assert_eq!(owner.get(&url).location(), Some("/triggers"));
    // Somebody else's codes are nobody's.
    let part = app.stranger().get_with(&url, &[("hx-request", "true")]);
    assert!(!part.has(".pushes"));
}

#[test]
fn failed_codes_are_counted_filtered_and_retried_together() {
    let (app, fake) = creating();
    let ids = ["BAD1", "BAD2", "GOOD"].map(|value| {
        fake.poison(value, CallError::Refused(said("no")));
        code(&app, value)
    });
    fake.0.lock().unwrap().poison.pop();
    work(&app, &fake);
    let owner = app.owner();
    let board = owner.get("/dashboard");
    assert!(board.one("[data-task=pushes] a").starts_with("2 "));
    let list = owner.get("/triggers?push=failed&sort=oldest");
    assert_eq!(list.all("tbody th code"), ["BAD1", "BAD2"]);
    assert!(list.one(".chip").contains("Failed"));
    let csv = owner.get("/triggers.csv?push=failed&sort=oldest").csv();
    assert!(csv.contains("Acme Tea on Shopify: Failed"), "{csv}");
    fake.heal();
    let form = "form[action='/triggers/pushes/retries']";
    let answer = owner.submit(&list, form, &[]);
    assert!(owner.follow(&answer).one("[role=status].tone-good").starts_with("2 "));
    work(&app, &fake);
    assert!(ids.iter().all(|id| status(&app, *id).0 == "pushed"));
    let again = owner.post_signed("/triggers/pushes/retries", &[]);
    assert!(owner.follow(&again).has("[role=status].tone-info"));
    assert!(!owner.get("/dashboard").has("[data-task=pushes]"));
}

#[test]
fn retry_and_attach_work_by_their_forms_and_only_on_the_triggers_own() {
    let (app, fake) = creating();
    fake.hold("THEIRS");
    let (id, other) = (code(&app, "THEIRS"), code(&app, "OTHER"));
    work(&app, &fake);
    let owner = app.owner();
    let push = push_id(&app, id);
    let foreign = format!("/triggers/{other}/pushes/{push}/attachment");
    assert_eq!(owner.post_signed(&foreign, &[]).status, 404);
    let page = owner.get(&format!("/triggers/{id}"));
    let answer = owner.submit(&page, "form[action$='/attachment']", &[]);
    let page = owner.follow(&answer);
    assert!(page.has("[data-status=pushed]") && page.has("[role=status].tone-good"));
    let attached: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("push.attached")).count().get_result(conn)
    });
    assert_eq!(attached, 1);
    // A code that was deleted in the store meanwhile can be made after all.
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/pushes/{push}/retry"), &[]).status, 303);
    assert_eq!(status(&app, id).0, "pushed", "an attached code is not retried");
}

#[test]
fn a_store_that_lets_nobody_in_stands_on_every_page() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let owner = app.owner();
    assert!(!owner.get("/dashboard").has(NO_ACCESS));
    fake.next_look(Fault::Answers(CallError::Denied(said("invalid token"))));
    work(&app, &fake);
    assert!(problem(&app).is_some());
    for path in ["/dashboard", "/triggers", "/orders", "/settings/general"] {
        let page = owner.get(path);
        let problem = page.one(NO_ACCESS);
        assert!(problem.contains("Acme Tea on Shopify"), "{path}: {problem}");
        assert!(problem.contains("“invalid token”"), "{path}: {problem}");
        assert!(page.has(".notice a[href='/settings/shopify']"), "{path}");
    }
    let page = owner.get("/settings/shopify");
    assert_eq!(page.all(NO_ACCESS).len(), 1, "said once");
    assert_eq!(page.text().matches("“invalid token”").count(), 1, "said once");
    assert!(!app.stranger().get("/dashboard").has(NO_ACCESS));
    let page = owner.get(&format!("/triggers/{id}"));
    assert!(page.one("[data-status=queued] .push-reason").contains("Acme Tea on Shopify"));
    assert!(!page.has("[hx-trigger='every 2s']"), "it stands still");
    app.within(|conn| stores::disconnect(conn, &app.actor(), &store(&app)));
    assert!(!owner.get("/dashboard").has(NO_ACCESS));
}

#[test]
fn what_remains_to_be_done_in_the_store_is_said_and_linked() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    work(&app, &fake);
    let owner = app.owner();
    let link = "a[href='https://admin.example/discounts/SPRING']";
    assert!(owner.get(&format!("/triggers/{id}/reassignment")).has(&format!("form {link}")));
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/retirement"), &[]).status, 303);
    let page = owner.get(&format!("/triggers/{id}"));
    assert!(page.has(&format!(".notice {link}")));
    // Reinstating it makes nothing anew.
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/reinstatement"), &[]).status, 303);
    work_at(&app, &fake, clock::now() + Duration::hours(1));
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn a_reason_of_an_earlier_version_is_shown_as_it_was() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    work(&app, &fake);
    app.within(|conn| {
        diesel::update(pushes::table)
            .set((pushes::status.eq("failed"), pushes::reason.eq("As it was.")))
            .execute(conn)
    });
    let page = app.owner().get(&format!("/triggers/{id}"));
    assert_eq!(page.one("[data-status=failed] .push-reason:not([data-reason])"), "As it was.");
    app.within(|conn| {
        let later = serde_json::json!({ "code": "of_a_later_version" });
        diesel::update(pushes::table)
            .set((pushes::reason.eq(""), pushes::details.eq(later)))
            .execute(conn)
    });
    let page = app.owner().get(&format!("/triggers/{id}"));
    assert!(page.has("[data-status=failed] [data-reason=of_a_later_version]"));
}
