//! Support staff: the switch, and what they see of a merchant.

use vouch::kit::db::schema::{audit_log, sessions, stores};

use super::*;

fn path(app: &TestApp) -> String {
    format!("/support/merchants/{}", app.fixture.merchant_id)
}

#[test]
fn a_switch_needs_a_reason_and_is_kept_in_the_merchants_audit_log() {
    let app = TestApp::start();
    let support = app.support();
    let page = support.get(&path(&app));
    let refused = support.submit(&page, "form.stack", &[("reason", " ")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-reason-error"));
    let done = support.submit(&page, "form.stack", &[("reason", "Ticket 7")]);
    assert_eq!(support.follow(&done).tone().as_deref(), Some("good"));
    let again = support.submit(&page, "form.stack", &[("reason", "Again")]);
    assert_eq!(support.follow(&again).tone().as_deref(), Some("info"));
    let acts: Vec<(String, String, Option<String>, Option<serde_json::Value>)> =
        app.within(|conn| {
            audit_log::table
                .filter(audit_log::actor_kind.eq("support"))
                .select((
                    audit_log::actor_name,
                    audit_log::action,
                    audit_log::came_from,
                    audit_log::params,
                ))
                .load(conn)
        });
    assert_eq!(
        acts,
        [(
            "Sam Support".to_owned(),
            "coupon_exclusions.enabled".to_owned(),
            Some("127.0.0.1".to_owned()),
            Some(serde_json::json!({ "reason": "Ticket 7" }))
        )]
    );
    assert!(support.get(&path(&app)).one("[aria-labelledby=acts]").contains("Ticket 7"));
}

#[test]
fn a_merchant_is_found_by_name_address_member_and_store() {
    let app = TestApp::start();
    let support = app.support();
    for q in ["acme tea", "acme-t", "viewer@acme.example", "acme-tea.myshopify"] {
        let page = support.get(&format!("/support/merchants?q={}", vouch::kit::urls::encode(q)));
        assert_eq!(page.all("tbody th a"), ["Acme Tea"], "{q}");
    }
    let page = support.get(&path(&app));
    assert_eq!(page.one("h1"), "Acme Tea");
    assert!(page.says("acme-tea.myshopify.com"));
    assert!(page.says("Vera Viewer"));
    assert_eq!(support.get("/support/merchants/999999999").status, 404);
}

#[test]
fn staff_see_no_secret() {
    let app = TestApp::start();
    let text = app.support().get(&path(&app)).text();
    let key: String = app.within(|conn| stores::table.select(stores::store_key).first(conn));
    assert!(!text.contains(&key) && !text.contains(crate::harness::SHOP_SECRET));
}

#[test]
fn staff_can_end_a_persons_sessions_and_nobody_elses() {
    let app = TestApp::start();
    let (owner, admin, stranger, support) =
        (app.owner(), app.admin(), app.stranger(), app.support());
    let page = support.get(&path(&app));
    let form = format!("form[action$='/people/{}/sign-out']", app.fixture.owner_id);
    let done = support.submit(&page, &form, &[]);
    assert!(support.follow(&done).one("[role=status].tone-good").contains("Olga Owner"));
    assert_eq!(owner.get("/dashboard").status, 303, "signed out");
    assert_eq!(admin.get("/dashboard").status, 200);
    assert_eq!(stranger.get("/dashboard").status, 200);
    let acts: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("member.signed_out")).count().get_result(conn)
    });
    assert_eq!(acts, 1);
    // Of a merchant to whom they do not belong, nobody can be signed out.
    let path = format!(
        "/support/merchants/{}/people/{}/sign-out",
        app.fixture.stranger_merchant_id, app.fixture.ada_user_id
    );
    assert_eq!(support.post_signed(&path, &[]).status, 404);
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let left: i64 = sessions::table
        .filter(sessions::user_id.eq(app.fixture.owner_id))
        .count()
        .get_result(&mut conn)
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn an_affiliate_is_signed_out_by_the_name_that_a_letter_has_for_them() {
    let app = TestApp::start();
    let (ada, owner, support) = (app.affiliate(), app.owner(), app.support());
    let url = format!("{}/affiliate-sign-outs", path(&app));
    let fields = [("affiliate", " ADA@affiliates.example")];
    assert_eq!(owner.post_signed(&url, &fields).status, 403);
    let done = support.post_signed(&url, &fields);
    assert_eq!(done.location(), Some(&*path(&app)));
    let page = support.follow(&done);
    assert!(page.one("[role=status].tone-good").contains("Ada Active"));
    assert!(page.has("#affiliate + form button"));
    assert!(ada.get("/portal").location().unwrap().starts_with("/login"));
    assert_eq!(owner.get("/dashboard").status, 200);
    assert!(owner.get("/settings/audit-log?by=support").says("Ada Active"));
    for nobody in ["", "owner@acme.example", "ben@affiliates.example"] {
        let refused = support.post_signed(&url, &[("affiliate", nobody)]);
        assert_eq!(refused.status, 422, "{nobody}");
        assert_eq!(refused.invalid_fields(), ["affiliate"]);
        assert_eq!(refused.value_of("#f-affiliate"), nobody);
    }
    // The other program has an affiliate of that address, too: hers cannot sign in there.
    let id = app.fixture.stranger_merchant_id;
    let url = format!("/support/merchants/{id}/affiliate-sign-outs");
    assert_eq!(support.post_signed(&url, &fields).status, 422);
}
