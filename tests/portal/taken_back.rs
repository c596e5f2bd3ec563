//! Decisions about further codes that are taken back.

use std::sync::Barrier;
use std::thread;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch::features::code_requests;
use vouch::features::triggers::{self, Trigger, TriggerKind};
use vouch::kit::db::Scope;
use vouch::kit::db::schema::{
    audit_log, code_requests as requests_table, triggers as triggers_table,
};

use super::further::{DECISIONS, allow, ask, asked_for, request_id};
use crate::harness::{Page, Person, TestApp};
use crate::registration::{emails_to, holders, requests};

const UNDO: &str = "main form[action^='/affiliates/code-requests/reversals']";

fn decide(owner: &Person, decision: &str, ids: &[&str]) -> Page {
    let reason = if decision == "deny" { "Too much tea." } else { "" };
    let mut fields =
        vec![("decision", decision), ("denial_reason", reason), ("denial_email", "send")];
    fields.extend(ids.iter().map(|id| ("ids", *id)));
    owner.follow(&owner.post_signed(DECISIONS, &fields))
}

/// The retired codes.
fn retired(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        triggers_table::table
            .filter(triggers_table::retired_at.is_not_null())
            .order(triggers_table::key)
            .select(triggers_table::key)
            .load(conn)
    })
}

#[test]
fn a_denial_is_undone_and_the_code_waits_again() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    for code in ["TEA1", "TEA2"] {
        ask(&ada, code);
    }
    let [a, b] = ["TEA1", "TEA2"].map(|key| request_id(&app, key));
    let denied = decide(&owner, "deny", &[&a, &b]);
    assert!(denied.one("[role=status].tone-good").starts_with("2 ") && denied.has(UNDO));
    // Somebody else has one of them by now.
    let (actor, ben) = (app.actor(), app.fixture.ben_id);
    app.within(|conn| {
        triggers::create(conn, &actor, ben, TriggerKind::CouponCode, "tea2").unwrap();
        Ok(())
    });
    let undone = owner.submit(&denied, UNDO, &[]);
    assert_eq!((undone.status, undone.location()), (303, Some("/affiliates/code-requests")));
    let page = owner.follow(&undone);
    assert!(page.one("[role=status].tone-wait").contains("TEA1"));
    assert_eq!(page.all("tbody th"), ["TEA1"]);
    assert_eq!(requests(&app, "TEA1"), [(app.fixture.ada_id, "pending".to_owned())]);
    assert_eq!(requests(&app, "TEA2")[0].1, "denied");
    let asked = asked_for(&ada.get("/portal"));
    let status = asked.iter().filter(|(code, _)| code == "TEA1").map(|(_, status)| status);
    assert_eq!(status.collect::<Vec<_>>(), ["pending"]);
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1, "of the denial alone");
    // A second time there is nothing left of that decision.
    let again = owner.follow(&owner.submit_again(&denied, UNDO, &[]));
    assert!(again.has("[role=status].tone-wait"), "{}", again.text());
    let approved = decide(&owner, "approve", &[&a]).one("[role=status].tone-good");
    assert!(approved.contains("TEA1") && approved.contains("Ada Active"), "{approved}");
}

#[test]
fn an_approval_cannot_be_undone_and_offers_to_retire_the_code() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    for code in ["TEA1", "TEA2", "TEA3"] {
        ask(&ada, code);
    }
    let [a, b, c] = ["TEA1", "TEA2", "TEA3"].map(|key| request_id(&app, key));
    let approved = decide(&owner, "approve", &[&a]);
    let page = owner.follow(&owner.submit(&approved, UNDO, &[]));
    assert!(page.one("[role=status].tone-good").contains("TEA1"));
    assert_eq!(retired(&app), ["TEA1"]);
    assert_eq!(ask(&ada, "TEA1").status, 422, "it stays reserved");
    assert!(ada.get("/portal").says("TEA1 Retired"));

    let approved = decide(&owner, "approve", &[&b, &c]);
    // One of them is another affiliate’s meanwhile: it is no longer Ada’s to lose.
    let (actor, ben) = (app.actor(), app.fixture.ben_id);
    app.within(|conn| {
        let id = triggers_table::table
            .filter(triggers_table::key.eq("TEA3"))
            .select(triggers_table::id)
            .first(conn)?;
        let trigger = Trigger::find(conn, actor.merchant_id, id)?;
        triggers::reassign(conn, &actor, &trigger, ben, actor.now).unwrap();
        Ok(())
    });
    let page = owner.follow(&owner.submit(&approved, UNDO, &[]));
    assert!(page.one("[role=status].tone-wait").contains("TEA2"), "{}", page.text());
    assert_eq!(retired(&app), ["TEA1", "TEA2"]);
    assert_eq!(holders(&app, "TEA3"), [ben]);
}

#[test]
fn a_denial_is_taken_back_on_the_page_of_the_affiliate_as_well() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    ask(&ada, "TEA1");
    decide(&owner, "deny", &[&request_id(&app, "TEA1")]);
    owner.get("/affiliates"); // What was just done is said no more.
    let path = format!("/affiliates/{}", app.fixture.ada_id);
    let page = owner.get(&path);
    let further = page.one("section[aria-labelledby=further]");
    assert!(further.contains("TEA1") && further.contains("Too much tea."), "{further}");
    assert!(!app.viewer().get(&path).has(UNDO) && app.viewer().get(&path).says("TEA1"));
    let answer = owner.submit(&page, UNDO, &[]);
    assert_eq!(answer.location(), Some(path.as_str()));
    assert!(owner.follow(&answer).one("[role=status].tone-good").contains("TEA1"));
    assert_eq!(requests(&app, "TEA1")[0].1, "pending");
}

#[test]
fn a_denied_affiliate_who_is_taken_back_has_their_further_codes_waiting_again() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    for code in ["TEA1", "TEA2"] {
        ask(&ada, code);
    }
    decide(&owner, "deny", &[&request_id(&app, "TEA2")]);
    let status = format!("/affiliates/{}/status", app.fixture.ada_id);
    let denied = owner.follow(&owner.post_signed(&status, &[("status", "denied")]));
    assert_eq!(requests(&app, "TEA1")[0].1, "denied");
    let undo = "section[aria-labelledby=further] form[action*='reversals']";
    assert!(!denied.has(undo), "not for who is denied themselves");
    owner.submit(&denied, "main form[action^='/affiliates/reversals']", &[]);
    assert_eq!(requests(&app, "TEA1")[0].1, "pending");
    assert_eq!(requests(&app, "TEA2")[0].1, "denied", "that was another decision");
}

#[test]
fn decisions_of_another_program_or_another_moment_are_not_taken_back() {
    let app = TestApp::start();
    allow(&app, true);
    let owner = app.owner();
    ask(&app.affiliate(), "TEA1");
    let id = request_id(&app, "TEA1");
    let denied = decide(&owner, "deny", &[&id]);
    let action = denied.attribute(UNDO, "action").unwrap();
    let stranger = app.stranger();
    let answer = stranger.post_signed(&action, &[]);
    assert!(stranger.follow(&answer).has("[role=status].tone-wait"));
    assert_eq!(app.viewer().post_signed(&action, &[]).status, 403);
    assert_eq!(app.affiliate().post_signed(&action, &[]).status, 403);
    let other_time = format!("/affiliates/code-requests/reversals?at=1&ids={id}");
    let nothing = owner.follow(&owner.post_signed(&other_time, &[]));
    assert!(nothing.has("[role=status].tone-wait"));
    let never = ["?at=9223372036854775807&ids=1", "?at=-8000000000000000000&ids=1"];
    for nothing in ["", "?at=1", "?at=1&ids=x"].into_iter().chain(never) {
        let path = format!("/affiliates/code-requests/reversals{nothing}");
        assert_eq!(owner.post_signed(&path, &[]).status, 404, "{nothing}");
    }
    assert_eq!(requests(&app, "TEA1")[0].1, "denied");
}

#[test]
fn an_undo_by_several_members_at_once_opens_the_request_once() {
    let app = TestApp::start();
    allow(&app, true);
    ask(&app.affiliate(), "TEA1");
    let id = request_id(&app, "TEA1");
    decide(&app.owner(), "deny", &[&id]);
    let id: i64 = id.parse().unwrap();
    let decided_at: Option<DateTime<Utc>> =
        app.within(|conn| requests_table::table.select(requests_table::decided_at).first(conn));
    let decided_at = decided_at.unwrap();
    let barrier = Barrier::new(4);
    let reopened: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (actor, db, barrier) = (app.actor(), app.db.clone(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let outcome: Result<_, vouch::kit::error::AppError> = db
                        .run_blocking(Scope::Merchant(actor.merchant_id), |conn| {
                            code_requests::reverse_codes(conn, &actor, &[id], decided_at)
                        });
                    outcome.unwrap().waiting.len()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(reopened, 1);
    let acts: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("code_request.opened"))
            .filter(audit_log::params.eq(serde_json::json!({ "code": "TEA1", "is_again": true })))
            .count()
            .get_result(conn)
    });
    assert_eq!(acts, 1);
}
