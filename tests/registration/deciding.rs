use diesel::prelude::*;
use vouch::features::auth::{self, NewUser};
use vouch::kit::db::schema::{affiliates, audit_log};
use vouch::kit::db::{Scope, in_scope};

use super::{affiliate, applied, emails_to, holders, link_to, open, requests, send};
use crate::harness::{PASSWORD, TestApp};

#[test]
fn approval_makes_the_code_a_trigger_and_welcomes_its_affiliate() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia New", "nia@new.example", "NIA10");
    let owner = app.owner();
    let page = owner.get(&format!("/affiliates/{nia}"));
    assert!(page.one("section[aria-labelledby=application]").contains("NIA10 Reserved"));
    let path = format!("/affiliates/{nia}/status");
    let answer = owner.post_signed(&path, &[("status", "active")]);
    let result = owner.follow(&answer).one("[role=status].tone-good");
    assert!(result.contains("Nia New") && result.contains("NIA10"), "{result}");
    assert_eq!(holders(&app, "NIA10"), [nia]);
    assert_eq!(requests(&app, "NIA10"), [(nia, "approved".to_owned())]);
    let emails = emails_to(&app, "nia@new.example");
    assert!(emails[0].0.contains("Acme Tea") && emails[0].1.contains("NIA10"), "{}", emails[0].1);

    // The letter's link leads to an account, once.
    let person = app.anonymous();
    let link = link_to(&app, "nia@new.example");
    let page = person.get(&link);
    assert!(page.one("h1").contains("Acme Tea") && page.says("nia@new.example"));
    let weak = send(&person, &page, &[("password", "nia")]);
    assert_eq!(weak.status, 422);
    let answer = send(&person, &page, &[("password", PASSWORD)]);
    assert_eq!((answer.status, answer.location()), (303, Some("/portal")));
    let portal = person.follow(&answer);
    assert!(portal.says("NIA10") && !portal.says("ADA10"));
    assert_eq!(app.anonymous().get(&link).status, 410);
    assert_eq!(app.sign_in("nia@new.example").get("/portal").status, 200);
}

#[test]
fn denial_frees_the_code_and_can_say_why() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia", "nia@new.example", "NIA10");
    let noa = applied(&app, "Noa", "noa@new.example", "NOA10");
    let owner = app.owner();
    let deny = |id: i64, send: &str| {
        let fields = [("status", "denied"), ("reason", "Too little tea."), ("send", send)];
        owner.post_signed(&format!("/affiliates/{id}/status"), &fields)
    };
    let form = owner.get(&format!("/affiliates/{nia}"));
    assert!(form.has(".denial textarea[name=reason]"));
    assert!(form.has(".denial select[name=send] option[value=send]"));
    deny(nia, "send");
    deny(noa, "");
    assert!(emails_to(&app, "nia@new.example")[0].1.contains("Too little tea."));
    assert!(link_to(&app, "noa@new.example").contains("/confirmations/"), "no email about it");
    assert_eq!(requests(&app, "NIA10"), [(nia, "denied".to_owned())]);
    // Free for anybody.
    applied(&app, "Una", "una@new.example", "NIA10");
}

#[test]
fn a_reason_that_is_too_long_comes_back_as_typed_and_nobody_is_denied() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia", "nia@new.example", "NIA10").to_string();
    let noa = applied(&app, "Noa", "noa@new.example", "NOA10").to_string();
    let owner = app.owner();
    let long = "x".repeat(1_001);
    let denied = ("status", "denied");
    let back = ("back", "/affiliates?status=pending");
    let refused = |path: &str, ids: &[&str]| {
        let mut fields = vec![denied, back, ("reason", long.as_str()), ("send", "")];
        fields.extend(ids.iter().map(|id| ("ids", *id)));
        let refused = owner.post_signed(path, &fields);
        assert_eq!(refused.status, 422);
        assert!(refused.one("#f-reason-error").contains("1,000"));
        assert_eq!(refused.one("#f-reason"), long);
        assert_eq!(refused.attribute("#f-send [selected]", "value").as_deref(), Some(""));
        assert!(!refused.has("[role=status].tone-good"));
        assert_eq!(requests(&app, "NIA10"), [(nia.parse().unwrap(), "pending".to_owned())]);
        refused
    };
    refused(&format!("/affiliates/{nia}/status"), &[&nia]);
    let page = refused("/affiliates/status", &[&nia, &noa]);
    let corrected = page.form("main form").with(&[("reason", "Too little tea.")]);
    let mut fields: Vec<_> =
        corrected.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    fields.push(denied);
    let sent = owner.post(&corrected.action, &fields);
    assert_eq!((sent.status, sent.location()), (303, Some("/affiliates?status=pending")));
    owner.follow(&sent);
    for email in ["nia@new.example", "noa@new.example"] {
        assert_eq!(affiliate(&app, email).unwrap().1, "denied");
    }
}

#[test]
fn a_denial_is_taken_back_with_its_code_unless_somebody_has_it() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia", "nia@new.example", "NIA10");
    let owner = app.owner();
    let path = format!("/affiliates/{nia}/status");
    let answer = owner.post_signed(&path, &[("status", "denied")]);
    let undone = owner.submit(&owner.follow(&answer), ".notice form", &[]);
    assert_eq!(undone.status, 303);
    assert_eq!(requests(&app, "NIA10"), [(nia, "pending".to_owned())]);
    // Once more, and this time Una is quicker.
    owner.post_signed(&path, &[("status", "denied")]);
    let una = applied(&app, "Una", "una@new.example", "NIA10");
    let answer = owner.post_signed(&path, &[("status", "active")]);
    let page = owner.follow(&answer);
    let result = page.one(".notice[role=status]");
    assert!(result.contains("Nia") && result.contains("NIA10"), "{result}");
    assert_eq!(affiliate(&app, "nia@new.example").unwrap().1, "active");
    assert!(holders(&app, "NIA10").is_empty());
    owner.post_signed(&format!("/affiliates/{una}/status"), &[("status", "active")]);
    assert_eq!(holders(&app, "NIA10"), [una]);
}

#[test]
fn several_are_decided_at_once_and_another_programs_are_left_alone() {
    let app = TestApp::start();
    open(&app);
    let ids: Vec<i64> = (0..3)
        .map(|at| applied(&app, "N", &format!("n{at}@new.example"), &format!("N{at}")))
        .collect();
    let owner = app.owner();
    let [a, b, c] = [ids[0].to_string(), ids[1].to_string(), ids[2].to_string()];
    let stranger = app.stranger();
    stranger.post_signed("/affiliates/status", &[("status", "active"), ("ids", &a)]);
    assert_eq!(affiliate(&app, "n0@new.example").unwrap().1, "pending");
    let fields = [("status", "active"), ("ids", a.as_str()), ("ids", b.as_str())];
    let answer = owner.post_signed("/affiliates/status", &fields);
    assert!(owner.follow(&answer).has("[role=status].tone-good"));
    // As pages of the last version send it.
    let fields = [("status", "denied"), ("ids", c.as_str()), ("reason", "No."), ("send", "letter")];
    owner.post_signed("/affiliates/status", &fields);
    assert!(emails_to(&app, "n2@new.example")[0].1.contains("No."));
    assert_eq!((holders(&app, "N0").len(), holders(&app, "N2").len()), (1, 0));
}

#[test]
fn an_approval_that_is_undone_and_given_again_welcomes_once() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia", "nia@new.example", "NIA10");
    let owner = app.owner();
    let path = format!("/affiliates/{nia}/status");
    let answer = owner.post_signed(&path, &[("status", "active")]);
    owner.submit(&owner.follow(&answer), ".notice form", &[]);
    assert_eq!(affiliate(&app, "nia@new.example").unwrap().1, "pending");
    owner.post_signed(&path, &[("status", "active")]);
    let emails = emails_to(&app, "nia@new.example");
    let welcomes = emails.iter().filter(|(_, text)| text.contains("/accounts/")).count();
    assert_eq!((welcomes, holders(&app, "NIA10")), (1, vec![nia]));
}

#[test]
fn a_member_sends_another_link_and_an_account_that_is_there_gets_one_more_place() {
    let app = TestApp::start();
    let owner = app.owner();
    let ben = format!("/affiliates/{}", app.fixture.ben_id);
    let invitation = format!("{ben}/invitation");
    let page = owner.get(&ben);
    let form = format!("form[action='{invitation}']");
    let answer = owner.submit(&page, &form, &[]);
    let result = owner.follow(&answer).one("[role=status].tone-good");
    assert!(result.contains("ben@affiliates.example"), "{result}");
    let first = link_to(&app, "ben@affiliates.example");
    owner.submit_again(&page, &form, &[]);
    let second = link_to(&app, "ben@affiliates.example");
    assert_eq!(app.anonymous().get(&first).status, 410);
    // Ben signs in elsewhere already.
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let hash = auth::hash(PASSWORD).unwrap();
    let new = NewUser {
        email: "ben@affiliates.example",
        name: "Ben",
        password_hash: Some(&hash),
        is_support: false,
    };
    let user_id = in_scope(&mut conn, Scope::Unowned, |conn| {
        QueryResult::Ok(auth::create_user(conn, &new).unwrap())
    })
    .unwrap();
    let person = app.anonymous();
    let page = person.get(&second);
    assert!(page.has("#has-account"));
    let answer = send(&person, &page, &[]);
    // The link proves the address, and lets nobody in.
    assert_eq!((answer.status, answer.location()), (303, Some("/login?next=%2Fportal")));
    assert_eq!(person.get("/portal").status, 303);
    let linked: Option<i64> = app.within(|conn| {
        affiliates::table
            .filter(affiliates::id.eq(app.fixture.ben_id))
            .select(affiliates::user_id)
            .first(conn)
    });
    assert_eq!(linked, Some(user_id));
    assert_eq!(app.sign_in("ben@affiliates.example").get("/portal").status, 200);
    let page = owner.get(&ben);
    assert!(!page.has(&form) && page.has("section[aria-labelledby=account]"));
    let late = owner.post_signed(&invitation, &[]);
    assert!(owner.follow(&late).has("[role=status].tone-info"));
    let acts: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("affiliate.account_made"))
            .count()
            .get_result(conn)
    });
    assert_eq!(acts, 1);
}
