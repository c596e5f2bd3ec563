//! Members decide, the system qualifies, and neither overwrites the other.

use vouch::features::conversions::{self as acts, DenialReason, NewReview};

use super::*;
use crate::harness::{Page, Person};

/// One conversion: what members said, what the rules say, and what follows.
#[derive(Debug, PartialEq, Eq)]
struct Current {
    affiliate_id: i64,
    review: Option<String>,
    by: Option<String>,
    unqualified: Option<String>,
    status: String,
    commission: i64,
}

fn current(app: &TestApp, affiliate_id: i64) -> Current {
    app.within(|conn| {
        type Row = (Option<String>, Option<String>, Option<String>, String, i64);
        let (review, by, unqualified, status, commission): Row = conversions::table
            .filter(conversions::affiliate_id.eq(affiliate_id))
            .select((
                conversions::review,
                conversions::reviewed_by,
                conversions::unqualified_reason,
                conversions::status,
                conversions::commission_minor,
            ))
            .first(conn)?;
        Ok(Current { affiliate_id, review, by, unqualified, status, commission })
    })
}

fn status(app: &TestApp, affiliate_id: i64) -> String {
    current(app, affiliate_id).status
}

fn id_of(app: &TestApp, affiliate_id: i64) -> i64 {
    app.within(|conn| {
        conversions::table
            .filter(conversions::affiliate_id.eq(affiliate_id))
            .select(conversions::id)
            .first(conn)
    })
}

/// What a member sends from the list.
fn post(app: &TestApp, ids: &[i64], fields: &[(&str, &str)]) -> Page {
    post_as(&app.owner(), ids, fields)
}

fn post_as(member: &Person, ids: &[i64], fields: &[(&str, &str)]) -> Page {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut all = fields.to_vec();
    all.extend(ids.iter().map(|id| ("ids", id.as_str())));
    let answer = member.post_signed("/conversions/statuses", &all);
    assert_eq!(answer.status, 303, "{}", answer.text());
    member.follow(&answer)
}

fn reassign(app: &TestApp, to: i64, at: DateTime<Utc>) {
    let trigger_id = app.fixture.ada10_id;
    let actor = app.actor_at(at);
    app.within(|conn| {
        let trigger = Trigger::find(conn, app.fixture.merchant_id, trigger_id)?;
        triggers::reassign(conn, &actor, &trigger, to, then()).unwrap();
        Ok(())
    });
    vouch::features::ingest::recalculation::drain(&app.db).unwrap();
}

#[test]
fn a_code_that_goes_to_another_affiliate_and_back_stays_approved() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    send(&app, &order(1).code("ADA10", "10.00"));
    post(&app, &[id_of(&app, ada)], &[("status", "approved")]);
    assert_eq!(status(&app, ada), "approved");

    reassign(&app, ben, noon() + hours(1));
    let now = current(&app, ada);
    assert_eq!((now.status.as_str(), now.commission), ("unqualified", 0));
    assert_eq!(now.review.as_deref(), Some("approved"));
    assert_eq!(status(&app, ben), "pending", "nobody reviewed the new holder’s");

    reassign(&app, ada, noon() + hours(2));
    let now = current(&app, ada);
    assert_eq!((now.status.as_str(), now.commission), ("approved", 900));
    assert_eq!(now.by.as_deref(), Some("Olga Owner"));
    assert_eq!(current(&app, ben).unqualified.as_deref(), Some("no_longer_credited"));
}

#[test]
fn a_code_that_an_edit_removes_and_another_restores_stays_as_it_was_reviewed() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let with_code = |at| order(1).code("ADA10", "10.00").updated_at(at);
    for (review, status_then) in [("approved", "approved"), ("pending", "pending")] {
        send(&app, &with_code(noon()));
        post(&app, &[id_of(&app, ada)], &[("status", review)]);
        let at = noon() + hours(if review == "approved" { 1 } else { 3 });
        send(&app, &order(1).updated_at(at));
        assert_eq!(status(&app, ada), "unqualified");
        send(&app, &with_code(at + hours(1)));
        assert_eq!(status(&app, ada), status_then);
        assert_eq!(current(&app, ada).commission, 900);
    }
}

#[test]
fn an_order_denied_as_fraud_is_not_approved_for_the_next_holder_of_its_code() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let automatic = offer(&app, "Automatic", &Pays { auto_approve: true, ..Pays::percent(1000) });
    let eve = affiliate_on(&app, automatic, "Eve Automatic");
    send(&app, &order(1).code("ADA10", "10.00"));
    // As lists send it, and as it was sent before there were reasons: with a note alone.
    post(&app, &[id_of(&app, ada)], &[("status", "denied"), ("note", "Fraud: stolen card")]);
    assert_eq!(status(&app, ada), "denied");

    reassign(&app, eve, noon() + hours(1));
    let now = current(&app, eve);
    assert_eq!((now.status.as_str(), now.review.as_deref()), ("denied", None));
    let update = order(1).code("ADA10", "10.00").updated_at(noon() + hours(2));
    send(&app, &update);
    assert_eq!(status(&app, eve), "denied");
    assert_eq!(reasons(&app), ["fraud", "fraud"]);

    // A member who approves one says that the order is none.
    post(&app, &[id_of(&app, eve)], &[("status", "approved")]);
    assert_eq!(
        (status(&app, eve).as_str(), status(&app, ada).as_str()),
        ("approved", "unqualified")
    );
}

/// Why each stands as it does.
fn reasons(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        conversions::table
            .order(conversions::id)
            .select(conversions::reason.assume_not_null())
            .load(conn)
    })
}

#[test]
fn fraud_is_lifted_and_what_was_said_of_each_conversion_is_back() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    trigger_at(&app, ben, TriggerKind::Sku, "MUG", then());
    send(&app, &order(1).line("MUG", 1, "20.00").code("ADA10", "10.00"));
    post(&app, &[id_of(&app, ben)], &[("status", "approved")]);
    let owner = app.owner();
    let fraud = [("status", "denied"), ("reason", "fraud")];
    let page = post_as(&owner, &[id_of(&app, ada)], &fraud);
    assert_eq!((status(&app, ada).as_str(), status(&app, ben).as_str()), ("denied", "denied"));
    // Undone from the message.
    assert_eq!(owner.submit(&page, ".notice form", &[]).status, 303);
    assert_eq!((status(&app, ada).as_str(), status(&app, ben).as_str()), ("pending", "approved"));
    // Denied again, and lifted by a review of the other.
    post(&app, &[id_of(&app, ada)], &fraud);
    post(&app, &[id_of(&app, ben)], &[("status", "pending")]);
    assert_eq!((status(&app, ada).as_str(), status(&app, ben).as_str()), ("pending", "pending"));
}

#[test]
fn a_denial_for_another_reason_leaves_an_order_denied_as_fraud() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    trigger_at(&app, ben, TriggerKind::Sku, "MUG", then());
    send(&app, &order(1).line("MUG", 1, "20.00").code("ADA10", "10.00"));
    post(&app, &[id_of(&app, ada), id_of(&app, ben)], &[("status", "approved")]);
    // The note of another reason speaks of fraud as well.
    let fraud = [("status", "denied"), ("reason", "other"), ("note", "Fraud ring")];
    post(&app, &[id_of(&app, ada)], &fraud);
    assert_eq!(reasons(&app), ["fraud", "fraud"]);
    post(&app, &[id_of(&app, ben)], &[("status", "denied"), ("reason", "duplicate")]);
    assert_eq!((status(&app, ada).as_str(), status(&app, ben).as_str()), ("denied", "denied"));
    assert_eq!(reasons(&app), ["fraud", "fraud"]);
    // Lifted, the other denial stands.
    post(&app, &[id_of(&app, ada)], &[("status", "approved")]);
    assert_eq!((status(&app, ada).as_str(), status(&app, ben).as_str()), ("approved", "denied"));
}

#[test]
fn a_denial_keeps_its_reason_and_its_note() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    send(&app, &order(1).code("ADA10", "10.00"));
    let id = id_of(&app, ada);
    post(&app, &[id], &[("status", "denied"), ("reason", "misuse"), ("note", "deal-site")]);
    let kept: (Option<String>, String) = app.within(|conn| {
        conversions::table
            .select((conversions::denial_reason, conversions::review_note))
            .first(conn)
    });
    assert_eq!(kept, (Some("misuse".to_owned()), "deal-site".to_owned()));
    let fields = [("ids", &*id.to_string()), ("status", "denied"), ("reason", "whim")];
    assert_eq!(app.owner().post_signed("/conversions/statuses", &fields).status, 400);
    assert_eq!(reasons(&app), ["misuse"]);
}

#[test]
fn what_is_approved_and_does_not_qualify_shows_both_and_counts_once_it_qualifies() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    send(&app, &order(1).code("ADA10", "10.00").email("ada@affiliates.example"));
    let id = id_of(&app, ada);
    post(&app, &[id], &[("status", "approved")]);
    assert_eq!(status(&app, ada), "unqualified");

    let owner = app.owner();
    let list = owner.get("/conversions?status=unqualified");
    let shown = list.one("[data-status=unqualified][data-reason=own_purchase]");
    assert!(shown.contains("Olga Owner"), "{shown}");
    let page = owner.get(&list.attribute("tbody .name", "href").unwrap());
    let shown = page.one(".credit[data-status=unqualified][data-reason=own_purchase]");
    assert!(shown.contains("Olga Owner"), "{shown}");
    // Members are not named to affiliates.
    let shown = app.affiliate().get("/portal/conversions").one("td[data-label=Status]");
    assert!(!shown.contains("Olga"), "{shown}");

    let file = owner.get("/conversions.csv").text();
    let lines: Vec<Vec<&str>> = file.lines().map(|line| line.split(',').collect()).collect();
    let cell = |name: &str| {
        let at = lines[0].iter().position(|head| head.trim_start_matches('\u{feff}') == name);
        lines[1][at.unwrap()]
    };
    assert_eq!((cell("Status"), cell("Commission")), ("Unqualified", "0.00"));
    assert_eq!((cell("Review"), cell("Reviewed by")), ("Approved", "Olga Owner"));
    assert_eq!(cell("Reason"), cell("Qualification"));

    // Another customer, says the store: the approval holds.
    send(&app, &order(1).code("ADA10", "10.00").updated_at(noon() + hours(1)));
    assert_eq!((status(&app, ada).as_str(), current(&app, ada).commission), ("approved", 900));
}

#[test]
fn an_undo_says_again_what_was_said_before_also_if_nobody_had_said_anything() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    send(&app, &order(1).code("ADA10", "10.00"));
    let id = id_of(&app, ada);
    let review = |review: NewReview<'_>, at: i64| {
        let actor = app.actor_at(noon() + hours(at));
        app.within(|conn| acts::review(conn, &actor, &[id], &review)).change_id
    };
    let undo = |change_id: Option<i64>| {
        let actor = app.actor_at(noon() + hours(9));
        app.within(|conn| acts::undo(conn, &actor, change_id.unwrap())).changed
    };
    let denied = review(NewReview::Deny { reason: DenialReason::Terms, note: "See mail" }, 1);
    let approved = review(NewReview::Approve { note: "" }, 2);
    assert_eq!(undo(denied), 0, "it was reviewed again since");
    assert_eq!(status(&app, ada), "approved");
    assert_eq!(undo(approved), 1);
    assert_eq!(reasons(&app), ["terms"]);
    assert_eq!(undo(denied), 1);
    let now = current(&app, ada);
    assert_eq!((now.review, now.by, now.status.as_str()), (None, None, "pending"));
}
