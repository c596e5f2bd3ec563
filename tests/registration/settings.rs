use diesel::prelude::*;
use vouch::features::registration::{self, CodeRequirement, FieldKind};
use vouch::kit::db::schema::audit_log;

use crate::harness::TestApp;

const FORM: &str = "#registration-form";

#[test]
fn a_page_from_before_an_upgrade_can_be_sent() {
    let app = TestApp::start();
    let fields = [("code_wish", "optional"), ("further_codes", "true"), ("approval", "member")];
    assert_eq!(app.owner().post_signed("/registration", &fields).status, 303);
    let saved = app.within(|conn| registration::load(conn, app.fixture.merchant_id)).unwrap();
    assert_eq!(saved.code_requirement, CodeRequirement::Optional);
    assert!(saved.allows_code_requests);
}

#[test]
fn a_merchant_opens_the_registration_and_shares_its_address() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/registration");
    let address = "section[aria-labelledby=address]";
    assert!(page.one(address).contains("Closed") && page.says("/join/acme-tea"));
    let signup = "section[aria-labelledby=signup]";
    assert!(owner.get("/dashboard").has(&format!("{signup} a[href='/registration']")));
    let fields = [
        ("is_open", "true"),
        ("code_requirement", "optional"),
        ("approval", "member"),
        ("terms_text", "Be kind."),
        ("field_label", "Your page"),
        ("field_kind", "link"),
        ("field_required", "0"),
    ];
    let answer = owner.post_signed("/registration", &fields);
    assert_eq!((answer.status, answer.location()), (303, Some("/registration")));
    let page = owner.follow(&answer);
    assert!(page.has("[role=status].tone-good") && page.one(address).contains("Open"));
    let copy = page.attribute(&format!("{address} [data-copy]"), "data-copy");
    let address = format!("{}/join/acme-tea", app.base);
    assert_eq!(copy.as_deref(), Some(address.as_str()));
    let dashboard = owner.get("/dashboard");
    assert!(dashboard.one(signup).contains(&address));
    // The preview is the very form.
    assert!(page.has("#preview fieldset[disabled] [name=answer_0]"));
    let saved = app.within(|conn| registration::load(conn, app.fixture.merchant_id)).unwrap();
    assert_eq!((saved.is_open, saved.code_requirement), (true, CodeRequirement::Optional));
    assert_eq!((saved.fields[0].kind, saved.fields[0].required), (FieldKind::Link, true));
    // As the page has it, nothing changes.
    owner.submit(&page, FORM, &[]);
    let acts: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("registration.changed"))
            .count()
            .get_result(conn)
    });
    assert_eq!(acts, 1);
}

#[test]
fn a_rejected_setting_comes_back_as_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let stranger_offer = "999999999";
    let long = "x".repeat(2_001);
    let label = "x".repeat(201);
    let fields = [
        ("code_requirement", "maybe"),
        ("offer_id", stranger_offer),
        ("approval", ""),
        ("intro", long.as_str()),
        ("field_label", label.as_str()),
        ("field_kind", "line"),
    ];
    let answer = owner.post_signed("/registration", &fields);
    assert_eq!(answer.status, 422);
    let mut fields = answer.values("#error-summary a", "href");
    fields.sort();
    assert_eq!(
        fields,
        ["#f-approval", "#f-code_requirement", "#f-field_label_0", "#f-intro", "#f-offer_id"]
    );
    assert_eq!(answer.one("[name=intro]"), long);
    assert_eq!(answer.value_of("[name=field_label]"), label);
    let many: Vec<(&str, &str)> = std::iter::repeat_n(("field_label", "x"), 9)
        .chain([("code_requirement", "no"), ("approval", "itself")])
        .collect();
    let refused = owner.post_signed("/registration", &many);
    assert_eq!(refused.status, 422);
    assert!(refused.one("#error-summary").contains('8'));
    assert_eq!(app.within(|conn| registration::load(conn, app.fixture.merchant_id)), None);
}

#[test]
fn a_preview_saves_nothing() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/registration");
    let token = page.value_of("[name=csrf]");
    let fields = [
        ("csrf", token.as_str()),
        ("code_requirement", "no"),
        ("approval", "member"),
        ("intro", "Welcome, tea lovers"),
        ("preview", "live"),
    ];
    let shown = owner.post("/registration", &fields);
    assert_eq!(shown.status, 200);
    assert!(shown.one("#preview").contains("Welcome, tea lovers"));
    assert!(!shown.has("#preview [name=code]"));
    assert_eq!(app.within(|conn| registration::load(conn, app.fixture.merchant_id)), None);
}

#[test]
fn viewers_look_and_programs_stay_apart() {
    let app = TestApp::start();
    super::open(&app);
    let viewer = app.viewer();
    let page = viewer.get("/registration");
    assert!(
        page.has("#registration-form fieldset[disabled]")
            && !page.has("main .submit button[name=preview]")
    );
    assert_eq!(viewer.post_signed("/registration", &[("is_open", "true")]).status, 403);
    let stranger = app.stranger().get("/registration");
    assert!(stranger.says("/join/borealis-books") && stranger.says("Closed"));
}
