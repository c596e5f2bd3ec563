//! Manage > Offers.

use chrono::Duration;
use diesel::prelude::*;
use vouch::features::offers::NewOffer;
use vouch::kit::db::schema::{audit_log, offer_terms, offers};
use vouch_core::attribution::Commission;
use vouch_core::money::Rate;

use crate::harness::TestApp;

const FORM: &str = "#content form.stack";

fn flat(name: &str) -> [(&str, &str); 5] {
    [
        ("name", name),
        ("pays", "flat_per_order"),
        ("percent", ""),
        ("amount", "5.00"),
        ("excluded_skus", " gift-card \nGIFT-CARD\n\nmug"),
    ]
}

fn id_of(app: &TestApp, name: &str) -> i64 {
    app.within(|conn| offers::table.filter(offers::name.eq(name)).select(offers::id).first(conn))
}

type Terms = (String, Option<i32>, Option<i64>, Vec<Option<String>>, bool);

/// Newest first: whether they are in force, and what they pay.
fn terms_of(app: &TestApp, offer_id: i64) -> Vec<(bool, Terms)> {
    app.within(|conn| {
        offer_terms::table
            .filter(offer_terms::offer_id.eq(offer_id))
            .order(offer_terms::valid_from.desc())
            .select((
                offer_terms::valid_until.is_null(),
                (
                    offer_terms::commission_kind,
                    offer_terms::basis_points,
                    offer_terms::flat_minor,
                    offer_terms::excluded_skus,
                    offer_terms::auto_approve,
                ),
            ))
            .load(conn)
    })
}

#[test]
fn an_offer_is_made_from_what_was_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let answer = owner.submit(&owner.get("/offers/new"), FORM, &flat("Partners"));
    let id = id_of(&app, "Partners");
    assert_eq!((answer.status, answer.location()), (303, Some(format!("/offers/{id}").as_str())));
    let page = owner.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert_eq!(page.one("tbody th"), "$5.00 per order");
    assert_eq!(page.one("tbody td[data-label='Excluded SKUs']"), "GIFT-CARD, MUG");
    let skus = vec![Some("GIFT-CARD".to_owned()), Some("MUG".to_owned())];
    let paid = ("flat_per_order".to_owned(), None, Some(500), skus, false);
    assert_eq!(terms_of(&app, id), [(true, paid)]);
    let list = owner.get("/offers");
    assert_eq!(list.all("tbody th"), ["Standard Default", "Partners"]);
    assert_eq!(list.all("tbody td[data-label=Affiliates]"), ["2", "0"]);
}

#[test]
fn a_rejected_offer_comes_back_as_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let form = owner.get("/offers/new");
    let wrong = [
        ("name", "  "),
        ("name", "standard"),
        ("percent", "ten"),
        ("percent", "100.5"),
        ("percent", "1.234"),
        ("pays", "shares"),
    ];
    for (field, typed) in wrong {
        let mut fields = vec![("name", "Fine"), ("percent", "10"), ("pays", "percent")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, typed));
        let answer = owner.submit(&form, FORM, &fields);
        assert_eq!(answer.status, 422, "{field}={typed}");
        assert_eq!(answer.invalid_fields(), [field], "{field}={typed}: {}", answer.text());
        if field != "pays" {
            assert_eq!(answer.value_of(&format!("[name={field}]")), typed);
        }
    }
    let flat = [("name", "Fine"), ("pays", "flat_per_item"), ("amount", "1.001")];
    assert_eq!(owner.submit(&form, FORM, &flat).invalid_fields(), ["amount"]);
    let count: i64 = app.within(|conn| offers::table.count().get_result(conn));
    assert_eq!(count, 1);
}

#[test]
fn a_change_closes_the_terms_and_opens_others() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/offers/{}", app.fixture.offer_id);
    let page = owner.get(&path);
    assert!(page.has("#new-orders-only"));
    assert_eq!(page.value_of("[name=percent]"), "10");
    let answer = owner.submit(&page, FORM, &[("percent", "12.5"), ("name", "Standard")]);
    assert_eq!(answer.status, 303);
    let paid = |points| ("percent".to_owned(), Some(points), None, Vec::new(), false);
    assert_eq!(terms_of(&app, app.fixture.offer_id), [(true, paid(1250)), (false, paid(1000))]);
    let page = owner.follow(&answer);
    assert_eq!(page.all("tbody th").len(), 2);
    assert!(page.one("tbody tr:first-child th").starts_with("12.5%"));
    assert_eq!(page.all(".timeline li").len(), 1);
    // Another name changes no terms, and nothing at all leaves no trace.
    owner.submit(&page, FORM, &[("name", "Everyone")]);
    owner.submit(&owner.get(&path), FORM, &[]);
    assert_eq!(terms_of(&app, app.fixture.offer_id).len(), 2);
    let acts: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("offer.changed")).count().get_result(conn)
    });
    assert_eq!(acts, 2);
    let rejected = owner.submit(&owner.get(&path), FORM, &[("percent", "much")]);
    assert_eq!((rejected.status, rejected.value_of("[name=percent]")), (422, "much".to_owned()));
}

#[test]
fn there_is_one_default_offer() {
    let app = TestApp::start();
    let owner = app.owner();
    let fields = [("name", "New"), ("percent", "20"), ("is_default", "true")];
    let form = owner.get("/offers/new");
    assert!(form.has("[name=is_default]"));
    let answer =
        owner.post_signed("/offers", &[fields[0], fields[1], fields[2], ("pays", "percent")]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(owner.get("/offers").all("tbody th"), ["New Default", "Standard"]);
    assert_eq!(owner.get("/affiliates/new").all("[name=offer_id] option")[0], "New");
}

#[test]
fn only_an_offer_that_nobody_needs_is_archived() {
    let app = TestApp::start();
    let owner = app.owner();
    let standard = format!("/offers/{}", app.fixture.offer_id);
    let archival = |path: &str| format!("form[action='{path}/archival']");
    let answer = owner.submit(&owner.get(&standard), &archival(&standard), &[]);
    assert_eq!(owner.follow(&answer).tone().as_deref(), Some("wait"));
    assert!(owner.get(&standard).has(&archival(&standard)));

    let actor = app.actor();
    let new = NewOffer {
        name: "Old".to_owned(),
        commission: Commission::Percent { rate: Rate::percent(5) },
        excluded_skus: Vec::new(),
        auto_approve: false,
        is_default: false,
    };
    let old =
        app.within(|conn| Ok(vouch::features::offers::create(conn, &actor, &new).unwrap().id));
    let path = format!("/offers/{old}");
    let ben = format!("/affiliates/{}", app.fixture.ben_id);
    owner.submit(&owner.get(&ben), FORM, &[("offer_id", &old.to_string())]);
    let answer = owner.submit(&owner.get(&path), &archival(&path), &[]);
    assert_eq!(owner.follow(&answer).tone().as_deref(), Some("wait"));
    assert!(owner.get(&path).has(&archival(&path)));

    owner.submit(&owner.get(&ben), FORM, &[("offer_id", &app.fixture.offer_id.to_string())]);
    let answer = owner.submit(&owner.get(&path), &archival(&path), &[]);
    let page = owner.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    let restoration = format!("form[action='{path}/restoration']");
    assert!(owner.get(&path).has(&restoration));
    assert!(!owner.get(&ben).says("Old"));
    let late = owner.post_signed(
        &ben,
        &[("name", "Ben"), ("email", "ben@affiliates.example"), ("offer_id", &old.to_string())],
    );
    assert_eq!(late.status, 422);
    // The way back.
    let answer = owner.submit(&page, ".notice form", &[]);
    assert_eq!(owner.follow(&answer).tone().as_deref(), Some("good"));
    assert!(owner.get(&path).has(&archival(&path)));
}

#[test]
fn terms_that_change_within_one_moment_give_way() {
    let app = TestApp::start();
    let mut actor = app.actor();
    let change = |percent| NewOffer {
        name: "Standard".to_owned(),
        commission: Commission::Percent { rate: Rate::percent(percent) },
        excluded_skus: Vec::new(),
        auto_approve: true,
        is_default: true,
    };
    let offer_id = app.fixture.offer_id;
    for percent in [11, 12] {
        app.within(|conn| {
            vouch::features::offers::update(conn, &actor, offer_id, &change(percent)).unwrap();
            Ok(())
        });
    }
    // A clock that was set back.
    actor.now -= Duration::minutes(5);
    app.within(|conn| {
        vouch::features::offers::update(conn, &actor, offer_id, &change(13)).unwrap();
        Ok(())
    });
    let points: Vec<_> =
        terms_of(&app, offer_id).into_iter().map(|(open, terms)| (open, terms.1)).collect();
    assert_eq!(points, [(true, Some(1300)), (false, Some(1000))]);
}

#[test]
fn viewers_look_and_strangers_find_nothing() {
    let app = TestApp::start();
    let path = format!("/offers/{}", app.fixture.offer_id);
    let (viewer, stranger) = (app.viewer(), app.stranger());
    let page = viewer.get(&path);
    assert_eq!(page.status, 200);
    assert!(!page.has("#content form") && !page.has(".actions form"));
    assert!(!viewer.get("/offers").has("a[href='/offers/new']"));
    assert_eq!(viewer.get("/offers/new").status, 403);
    let posts = ["", "/archival", "/restoration"];
    let paths = posts.iter().map(|rest| format!("{path}{rest}"));
    for post in paths {
        assert_eq!(viewer.post_signed(&post, &[]).status, 403, "{post}");
        let fields = [("name", "Mine"), ("pays", "percent"), ("percent", "1")];
        assert_eq!(stranger.post_signed(&post, &fields).status, 404, "{post}");
    }
    assert_eq!(viewer.post_signed("/offers", &[]).status, 403);
    assert_eq!(stranger.get(&path).text(), stranger.get("/offers/999999999").text());
}
