use chrono::Duration;
use diesel::prelude::*;
use vouch::features::availability::Unavailable;
use vouch::features::registration::{self, Registration};
use vouch::features::triggers::{self, CreateTriggerError, TriggerKind};
use vouch::kit::db::schema::{applications, links};

use super::{
    affiliate, applied, apply, confirm, holders, link_to, open, open_with, requests, send, verdict,
};
use crate::harness::TestApp;

#[test]
fn a_confirmed_application_waits_in_pending_and_keeps_its_code() {
    let app = TestApp::start();
    open(&app);
    apply(&app, "Nia New", "nia@new.example", "Nia10");
    let link = link_to(&app, "nia@new.example");
    let person = app.anonymous();
    // Whoever only looks, changes nothing.
    let page = person.get(&link);
    assert!(page.says("nia@new.example") && page.says("Nia10"));
    assert_eq!(affiliate(&app, "nia@new.example"), None);
    let answer = send(&person, &page, &[]);
    assert_eq!((answer.status, answer.location()), (303, Some("/join/acme-tea/confirmed")));
    let thanks = person.follow(&answer);
    assert!(thanks.one("[role=status].tone-good").contains("Nia10"));
    let (id, status) = affiliate(&app, "nia@new.example").unwrap();
    assert_eq!(status, "pending");
    assert_eq!(requests(&app, "NIA10"), [(id, "pending".to_owned())]);
    assert!(holders(&app, "NIA10").is_empty());
    // The link is used up.
    assert_eq!(person.get(&link).status, 410);
    let again = send(&person, &page, &[]);
    assert_eq!(again.status, 410);
    assert!(!again.has("#already-applied"));
    // And the program sees it.
    let list = app.owner().get("/affiliates?status=pending");
    assert!(list.one("tbody th").contains("Nia10 reserved"), "{}", list.text());
}

#[test]
fn nobody_takes_a_reserved_code_meanwhile() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia New", "nia@new.example", "NIA10");
    let owner = app.owner();
    let ben = format!("/affiliates/{}/triggers", app.fixture.ben_id);
    let form = owner.get(&format!("{ben}/new"));
    let answer = owner.submit(&form, "#content form.stack", &[("coupon_code", "nia10")]);
    assert_eq!(answer.status, 422);
    assert!(answer.has(&format!(".notice a[href='/affiliates/{nia}']")));
    let offered = answer.values("button[name=instead]", "value");
    assert_eq!(offered.len(), 3);
    // The way every other entrance goes.
    let actor = app.actor();
    let refused = app.within(|conn| {
        Ok(triggers::create(conn, &actor, app.fixture.ben_id, TriggerKind::CouponCode, "NIA10"))
    });
    let Err(CreateTriggerError::Refused(refused)) = refused else { panic!("{refused:?}") };
    assert!(matches!(refused.why, Unavailable::Requested(by) if by.affiliate_id == nia));
    // An address or a SKU of the same letters is something else.
    let sku = app.within(|conn| {
        Ok(triggers::create(conn, &actor, app.fixture.ben_id, TriggerKind::Sku, "NIA10").is_ok())
    });
    assert!(sku);
}

#[test]
fn a_code_that_is_gone_by_the_time_of_the_link_is_exchanged_at_once() {
    let app = TestApp::start();
    open(&app);
    apply(&app, "Nia New", "nia@new.example", "NIA10");
    applied(&app, "Noa", "noa@new.example", "NIA10");
    let person = app.anonymous();
    let page = person.get(&link_to(&app, "nia@new.example"));
    assert!(page.status == 200 && page.has("#code-taken"));
    let offered = page.values("button[name=instead]", "value");
    assert_eq!(offered.len(), 3);
    let taken = send(&person, &page, &[("code", "ADA10")]);
    assert_eq!(taken.status, 422);
    assert_eq!(verdict(&taken).as_deref(), Some("taken"));
    assert_eq!(taken.value_of("[name=code]"), "ADA10");
    let answer = send(&person, &taken, &[("code", &offered[0])]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let (id, _) = affiliate(&app, "nia@new.example").unwrap();
    assert_eq!(requests(&app, &offered[0]), [(id, "pending".to_owned())]);
    let kept: Option<String> = app.within(|conn| {
        applications::table
            .filter(applications::affiliate_id.eq(id))
            .select(applications::code)
            .first(conn)
    });
    assert_eq!(kept.as_deref(), Some(offered[0].as_str()));
}

#[test]
fn two_applications_of_one_person_make_one_affiliate() {
    let app = TestApp::start();
    open(&app);
    apply(&app, "Nia", "nia@new.example", "NIA10");
    let first = link_to(&app, "nia@new.example");
    apply(&app, "Nia", "NIA@new.example", "NIA20");
    assert_eq!(confirm(&app, "NIA@new.example").status, 303);
    let person = app.anonymous();
    let late = send(&person, &person.get(&first), &[]);
    assert_eq!(late.status, 410);
    assert!(late.has("#already-applied"));
    assert!(requests(&app, "NIA10").is_empty());
}

#[test]
fn a_link_grows_old_and_what_was_never_confirmed_is_forgotten() {
    let app = TestApp::start();
    open(&app);
    apply(&app, "Nia", "nia@new.example", "NIA10");
    applied(&app, "Noa", "noa@new.example", "NOA10");
    let link = link_to(&app, "nia@new.example");
    app.within(|conn| {
        let sent = vouch::kit::clock::now() - Duration::hours(24) - Duration::minutes(1);
        diesel::update(links::table)
            .set((links::created_at.eq(sent), links::expires_at.eq(sent + Duration::hours(24))))
            .execute(conn)?;
        diesel::update(applications::table.filter(applications::affiliate_id.is_null()))
            .set(applications::sent_at.eq(sent))
            .execute(conn)
    });
    assert_eq!(app.anonymous().get(&link).status, 410);
    let later = |hours| vouch::kit::clock::now() + Duration::hours(hours);
    assert_eq!(registration::sweep(&app.db, later(1)).unwrap(), 0);
    assert_eq!(registration::sweep(&app.db, later(49)).unwrap(), 1);
    let left: i64 = app.within(|conn| applications::table.count().get_result(conn));
    assert_eq!(left, 1);
}

#[test]
fn a_program_that_closes_meanwhile_takes_nobody() {
    let app = TestApp::start();
    open(&app);
    apply(&app, "Nia", "nia@new.example", "NIA10");
    let person = app.anonymous();
    let page = person.get(&link_to(&app, "nia@new.example"));
    open_with(&app, Registration::default());
    let answer = send(&person, &page, &[]);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#closed"));
    assert_eq!(affiliate(&app, "nia@new.example"), None);
}

#[test]
fn where_nobody_has_to_approve_the_code_works_at_once() {
    let app = TestApp::start();
    let itself =
        Registration { is_open: true, approves_automatically: true, ..Registration::default() };
    open_with(&app, itself);
    apply(&app, "Nia", "nia@new.example", "NIA10");
    let person = app.anonymous();
    let answer = send(&person, &person.get(&link_to(&app, "nia@new.example")), &[]);
    let thanks = person.follow(&answer);
    let result = thanks.one("[role=status].tone-good");
    assert!(result.contains("Acme Tea") && result.contains("NIA10"), "{result}");
    let (id, status) = affiliate(&app, "nia@new.example").unwrap();
    assert_eq!((status.as_str(), holders(&app, "NIA10")), ("active", vec![id]));
    assert!(link_to(&app, "nia@new.example").contains("/accounts/"));
}
