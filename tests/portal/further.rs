//! Further codes: asked for in the portal, decided by a member.

use std::sync::Barrier;
use std::thread;

use diesel::prelude::*;
use vouch::features::code_requests::{self, RequestOutcome};
use vouch::features::registration::{self, Registration};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::audit::{Actor, ActorKind};
use vouch::kit::db::Scope;
use vouch::kit::db::schema::{audit_log, code_requests as requests_table, pushes};

use crate::harness::{Page, Person, TestApp};
use crate::registration::{emails_to, holders, requests, verdict};

const ASK: &str = "form[action='/portal/code-requests']";
pub(crate) const DECISIONS: &str = "/affiliates/code-requests/decisions";

/// Acme Tea lets affiliates ask.
pub(crate) fn allow(app: &TestApp, allows_code_requests: bool) {
    let actor = app.actor();
    let new = Registration { allows_code_requests, ..Registration::default() };
    app.within(|conn| registration::save(conn, &actor, &new));
}

pub(crate) fn ask(ada: &Person, code: &str) -> Page {
    ada.submit(&ada.get("/portal"), ASK, &[("code", code)])
}

/// The requests in the portal: code and status.
pub(crate) fn asked_for(portal: &Page) -> Vec<(String, String)> {
    let asked = "section[aria-labelledby=asked]";
    let codes = portal.all(&format!("{asked} tbody th"));
    let statuses = portal.values(&format!("{asked} tbody [data-status]"), "data-status");
    assert_eq!(codes.len(), statuses.len());
    codes.into_iter().zip(statuses).collect()
}

pub(crate) fn request_id(app: &TestApp, key: &str) -> String {
    let id: i64 = app.within(|conn| {
        requests_table::table
            .filter(requests_table::code_key.eq(key))
            .order(requests_table::id.desc())
            .select(requests_table::id)
            .first(conn)
    });
    id.to_string()
}

#[test]
fn a_further_code_is_asked_for_approved_and_theirs() {
    let app = TestApp::start();
    let (ada, owner) = (app.affiliate(), app.owner());
    assert!(!ada.get("/portal").has(ASK), "only where the program allows it");
    let answer = ada.post_signed("/portal/code-requests", &[("code", "ADA-TEA")]);
    assert!(ada.follow(&answer).has("[role=status].tone-wait"));
    let settings = owner.get("/registration");
    let fields = [("allows_code_requests", "true"), ("csrf", &settings.value_of("[name=csrf]"))];
    let fields = [fields[0], fields[1], ("code_requirement", "required"), ("approval", "member")];
    assert_eq!(owner.post("/registration", &fields).status, 303);
    assert!(owner.get("/registration").has("#f-allows_code_requests[checked]"));

    let answer = ask(&ada, " Ada-Tea ");
    assert_eq!((answer.status, answer.location()), (303, Some("/portal")));
    let portal = ada.follow(&answer);
    assert!(portal.one("[role=status].tone-good").contains("Ada-Tea"));
    let asked = "section[aria-labelledby=asked]";
    assert_eq!(asked_for(&portal), [("Ada-Tea".to_owned(), "pending".to_owned())]);
    assert_eq!(requests(&app, "ADA-TEA"), [(app.fixture.ada_id, "pending".to_owned())]);

    let waiting = owner.get("/dashboard").one("[data-task=code-requests] a");
    assert!(waiting.starts_with("1 "), "{waiting}");
    let to_review = "main a[href='/affiliates/code-requests']";
    assert!(owner.get("/affiliates?status=pending").one(to_review).starts_with("1 "));
    assert!(app.viewer().get("/affiliates/code-requests").says("Ada-Tea"));
    let list = owner.get("/affiliates/code-requests");
    assert_eq!(list.all("tbody th"), ["Ada-Tea"]);
    let id = request_id(&app, "ADA-TEA");
    let approve = [("ids", id.as_str()), ("decision", "approve")];
    let answer = owner.post_signed(DECISIONS, &approve);
    assert_eq!((answer.status, answer.location()), (303, Some("/affiliates/code-requests")));
    let page = owner.follow(&answer);
    let result = page.one("[role=status].tone-good");
    assert!(result.contains("Ada-Tea") && result.contains("Ada Active"), "{result}");
    assert!(page.has(".empty"));
    assert_eq!(holders(&app, "ADA-TEA"), [app.fixture.ada_id]);
    let queued: i64 = app.within(|conn| pushes::table.count().get_result(conn));
    assert_eq!(queued, 0, "the store of the tests cannot be written to");
    let emails = emails_to(&app, "ada@affiliates.example");
    assert_eq!(emails.len(), 1);
    assert!(emails[0].0.contains("Ada-Tea") && emails[0].1.contains("Acme Tea"));
    let portal = ada.get("/portal");
    assert!(portal.has("[data-copy='Ada-Tea']") && !portal.has(asked));
    // Once more finds nothing left to do.
    let again = owner.post_signed(DECISIONS, &approve);
    assert!(owner.follow(&again).has("[role=status].tone-info"));
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1);
    let log = owner.get("/settings/audit-log?by=affiliate");
    assert!(log.says("Ada Active") && log.says("Ada-Tea"));
}

#[test]
fn a_code_that_cannot_be_had_is_refused_as_typed_with_three_free_ones() {
    let app = TestApp::start();
    allow(&app, true);
    app.enable_exclusions(app.fixture.merchant_id);
    let actor = app.actor();
    app.within(|conn| {
        let new = vouch::features::exclusions::NewExclusion {
            pattern: vouch::features::exclusions::Pattern::parse("BLACKFRIDAY*").unwrap(),
            note: "A secret canary".to_owned(),
            scope: vouch::features::exclusions::ExclusionScope::Claims,
            dates: vouch::features::exclusions::Dates::default(),
        };
        vouch::features::exclusions::add(conn, &actor, &new).unwrap();
        triggers::create(conn, &actor, app.fixture.ben_id, TriggerKind::CouponCode, "TEA").unwrap();
        Ok(())
    });
    let ada = app.affiliate();
    for (code, reason, offered) in [
        ("tea", "taken", 3),
        ("BlackFriday-24", "excluded", 3),
        ("two words", "malformed", 0),
        ("", "malformed", 0),
    ] {
        let refused = ask(&ada, code);
        assert_eq!(refused.status, 422, "{code}");
        assert_eq!(verdict(&refused).as_deref(), Some(reason), "{code}: {}", refused.text());
        assert_eq!(refused.value_of("[name=code]"), code);
        let free = refused.values("[name=instead]", "value");
        assert_eq!(free.len(), offered, "{code}: {free:?}");
        assert!(refused.says("ADA10") && !refused.text().contains("canary"));
        assert!(!refused.text().contains("BLACKFRIDAY*"));
        let path = format!("/portal/code-requests/code?code={}", vouch::kit::urls::encode(code));
        let look = ada.get_with(&path, &[("hx-request", "true")]);
        let looked = verdict(&look);
        assert!(!look.has("main") && (code.is_empty() || looked.as_deref() == Some(reason)));
        if offered > 0 {
            let token = refused.value_of("[name=csrf]");
            let fields = [("csrf", token.as_str()), ("code", code), ("instead", &free[0])];
            assert_eq!(ada.post("/portal/code-requests", &fields).status, 303);
            assert_eq!(requests(&app, &free[0].to_uppercase()).len(), 1);
        }
    }
    let script = [("hx-request", "1")];
    assert!(ada.get_with("/portal/code-requests/code?code=OOLONG", &script).has(".code-free"));
    assert_eq!(ada.get("/portal/code-requests/code?code=OOLONG").location(), Some("/portal"));
}

#[test]
fn three_codes_wait_at_most_and_one_that_is_withdrawn_is_free_again() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    for code in ["TEA1", "TEA2", "TEA3"] {
        assert_eq!(ask(&ada, code).status, 303);
    }
    let portal = ada.get("/portal");
    assert!(portal.one("section[aria-labelledby=ask]").contains('3') && !portal.has(ASK));
    let answer = ada.post_signed("/portal/code-requests", &[("code", "TEA4")]);
    assert!(ada.follow(&answer).has("[role=status].tone-wait"));
    assert!(requests(&app, "TEA4").is_empty());

    let withdrawal = format!("/portal/code-requests/{}/withdrawal", request_id(&app, "TEA2"));
    let form = format!("form[action='{withdrawal}']");
    let answer = ada.submit(&portal, &form, &[]);
    assert!(ada.follow(&answer).one("[role=status].tone-good").contains("TEA2"));
    let again = ada.post_signed(&withdrawal, &[]);
    assert!(ada.follow(&again).has("[role=status].tone-info"));
    assert_eq!(ada.post_signed("/portal/code-requests/999999999/withdrawal", &[]).status, 404);
    assert_eq!(owner.post_signed(&withdrawal, &[]).status, 403);
    // Anybody can have it now.
    let actor = app.actor();
    let ben = app.fixture.ben_id;
    app.within(|conn| {
        triggers::create(conn, &actor, ben, TriggerKind::CouponCode, "TEA2").unwrap();
        Ok(())
    });
    // Nobody withdraws what another affiliate asked for.
    let ids = app.within(|conn| {
        let actor = Actor { kind: ActorKind::Affiliate, ..app.actor() };
        let RequestOutcome::Waits(request) = code_requests::ask(conn, &actor, ben, "BEN-TEA")?
        else {
            panic!("Ben can ask")
        };
        Ok(request.id)
    });
    let foreign = format!("/portal/code-requests/{ids}/withdrawal");
    assert_eq!(ada.post_signed(&foreign, &[]).status, 404);
    assert!(!ada.get("/portal").text().contains("BEN-TEA"));
    // Switched off: what waits, waits on.
    allow(&app, false);
    let portal = ada.get("/portal");
    assert!(!portal.has(ASK) && portal.one("section[aria-labelledby=asked]").contains("TEA1"));
}

#[test]
fn several_are_denied_with_a_reason_and_another_programs_are_left_alone() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    for code in ["TEA1", "TEA2", "TEA3"] {
        ask(&ada, code);
    }
    let [a, b, c] = ["TEA1", "TEA2", "TEA3"].map(|key| request_id(&app, key));
    let deny = |reason: &str, sends: &str, ids: &[&str]| {
        let mut fields =
            vec![("decision", "deny"), ("denial_reason", reason), ("denial_email", sends)];
        fields.extend(ids.iter().map(|id| ("ids", *id)));
        owner.post_signed(DECISIONS, &fields)
    };
    let stranger = app.stranger();
    let answer = stranger.post_signed(DECISIONS, &[("decision", "approve"), ("ids", &a)]);
    assert!(stranger.follow(&answer).has("[role=status].tone-info"));
    assert!(stranger.get("/affiliates/code-requests").has(".empty"));
    let viewer = app.viewer();
    assert_eq!(viewer.post_signed(DECISIONS, &[("decision", "approve"), ("ids", &a)]).status, 403);
    assert_eq!(owner.post_signed(DECISIONS, &[("ids", &a)]).status, 400);
    let nothing = owner.post_signed(DECISIONS, &[("decision", "deny")]);
    assert!(owner.follow(&nothing).has("[role=status].tone-info"));

    let long = "x".repeat(1_001);
    let refused = deny(&long, "send", &[&a, &b]);
    assert_eq!(refused.status, 422);
    assert!(refused.one("#f-denial_reason-error").contains("1,000"));
    assert_eq!(refused.one("#f-denial_reason"), long);
    assert_eq!(refused.values("tbody [name=ids][checked]", "value"), [a.as_str(), b.as_str()]);

    let answer = deny("Too much tea.", "send", &[&a, &b]);
    assert!(owner.follow(&answer).one("[role=status].tone-good").starts_with("2 "));
    let emails = emails_to(&app, "ada@affiliates.example");
    assert_eq!(emails.len(), 1, "one email for both");
    for part in ["TEA1", "TEA2", "Too much tea."] {
        assert!(emails[0].1.contains(part), "{part} in {}", emails[0].1);
    }
    let portal = ada.get("/portal");
    let mut asked = asked_for(&portal);
    asked.sort();
    let statuses = [("TEA1", "denied"), ("TEA2", "denied"), ("TEA3", "pending")];
    assert_eq!(asked, statuses.map(|(code, status)| (code.to_owned(), status.to_owned())));
    assert!(portal.one("section[aria-labelledby=asked]").contains("Too much tea."));
    // From the affiliate’s own page, and without an email.
    let page = owner.get(&format!("/affiliates/{}", app.fixture.ada_id));
    assert!(page.one("section[aria-labelledby=further]").contains("TEA3"));
    let id = app.fixture.ada_id.to_string();
    let fields = [("decision", "deny"), ("ids", c.as_str()), ("affiliate", id.as_str())];
    let answer = owner.post_signed(DECISIONS, &fields);
    assert_eq!(answer.location(), Some(&*format!("/affiliates/{id}")));
    assert!(owner.follow(&answer).one("[role=status].tone-good").contains("TEA3"));
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1);
}

#[test]
fn a_denial_from_a_page_before_an_upgrade_sends_its_email() {
    let app = TestApp::start();
    allow(&app, true);
    ask(&app.affiliate(), "TEA1");
    let id = request_id(&app, "TEA1");
    let fields = [("decision", "deny"), ("denial_letter", "send"), ("ids", id.as_str())];
    assert_eq!(app.owner().post_signed(DECISIONS, &fields).status, 303);
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1);
}

#[test]
fn a_further_code_is_not_decided_with_the_status_of_its_affiliate() {
    let app = TestApp::start();
    allow(&app, true);
    let (ada, owner) = (app.affiliate(), app.owner());
    ask(&ada, "TEA1");
    let status = format!("/affiliates/{}/status", app.fixture.ada_id);
    owner.post_signed(&status, &[("status", "disabled")]);
    assert!(!ada.get("/portal").has(ASK), "who does not take part asks for nothing");
    let answer = ada.post_signed("/portal/code-requests", &[("code", "TEA2")]);
    assert_eq!(answer.status, 403, "a disabled affiliate only reads");
    let id = request_id(&app, "TEA1");
    let answer = owner.post_signed(DECISIONS, &[("decision", "approve"), ("ids", &id)]);
    assert!(owner.follow(&answer).one("[role=status].tone-wait").contains("TEA1"));
    owner.post_signed(&status, &[("status", "active")]);
    assert!(holders(&app, "TEA1").is_empty(), "enabling approves no code");
    assert_eq!(requests(&app, "TEA1")[0].1, "pending");
    // Who is denied gives it back.
    owner.post_signed(&status, &[("status", "denied")]);
    assert_eq!(requests(&app, "TEA1")[0].1, "denied");
    owner.post_signed(&status, &[("status", "active")]);
    assert!(holders(&app, "TEA1").is_empty());
}

#[test]
fn an_approval_by_several_members_at_once_makes_one_trigger_and_one_letter() {
    let app = TestApp::start();
    allow(&app, true);
    ask(&app.affiliate(), "TEA1");
    let id: i64 = request_id(&app, "TEA1").parse().unwrap();
    let barrier = Barrier::new(4);
    let decided: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (actor, db, barrier) = (app.actor(), app.db.clone(), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let outcome: Result<_, vouch::kit::error::AppError> = db
                        .run_blocking(Scope::Merchant(actor.merchant_id), |conn| {
                            code_requests::approve_codes(conn, &actor, &[id])
                        });
                    outcome.unwrap().decided.len()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((decided, holders(&app, "TEA1")), (1, vec![app.fixture.ada_id]));
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1);
    let acts: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("code_request.approved"))
            .count()
            .get_result(conn)
    });
    assert_eq!(acts, 1);
}
