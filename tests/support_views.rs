//! Support staff look at a program as one of its people sees it.

use diesel::prelude::*;
use vouch::features::auth::Viewing;
use vouch::kit::db::schema::{audit_log, sessions};

use crate::harness::{Page, Person, TestApp};

fn begin(app: &TestApp, support: &Person, field: (&str, &str)) -> Page {
    let path = format!("/support/merchants/{}/views", app.fixture.merchant_id);
    support.post_signed(&path, &[field])
}

fn acts(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::actor_kind.eq("support"))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    })
}

#[test]
fn a_member_is_looked_over_the_shoulder_to_read_alone_and_that_is_recorded() {
    let app = TestApp::start();
    let support = app.support();
    assert_eq!(support.get("/dashboard").status, 403, "not without a view");
    let page = support.get(&format!("/support/merchants/{}", app.fixture.merchant_id));
    let owner = app.fixture.owner_id;
    let begun = support.submit(&page, &format!("[name=user_id][value='{owner}']"), &[]);
    assert_eq!(begun.location(), Some("/dashboard"));
    for path in
        ["/dashboard", "/affiliates", "/triggers", "/settings/general", "/settings/audit-log"]
    {
        let page = support.get(path);
        assert_eq!(page.status, 200, "{path}");
        let viewing = page.one("#viewing");
        assert!(viewing.contains("Acme Tea") && viewing.contains("Olga Owner"), "{path}");
        assert!(!page.has(".menu-person"), "the account is not theirs");
    }
    assert!(!support.get("/triggers").has("a[data-dialog]"), "nothing that changes anything");
    for path in ["/settings/general", "/affiliates/status", "/triggers"] {
        let answer = support.post_signed(path, &[("name", "Mine"), ("status", "active")]);
        assert_eq!(answer.status, 403, "{path}");
    }
    let secret = format!("/settings/shopify/{}/secret", app.fixture.store_id);
    assert_eq!(support.get(&secret).status, 403);
    assert_eq!(support.get("/portal").status, 403, "only where the view is");
    let ended = support.submit(&support.get("/dashboard"), "#viewing form", &[]);
    let back = support.follow(&ended);
    assert!(back.one("[role=status].tone-good").contains("Olga Owner"));
    assert_eq!(support.get("/dashboard").status, 403);
    assert_eq!(acts(&app), ["support.view_began", "support.view_ended"]);
    let log = app.owner().get("/settings/audit-log?by=support");
    assert_eq!(log.values("tbody tr", "data-action"), ["support.view_ended", "support.view_began"]);
    assert!(
        log.all("tbody tr")
            .iter()
            .all(|row| { row.contains("Olga Owner") && row.contains("Sam Support") })
    );
}

#[test]
fn an_affiliate_is_looked_over_the_shoulder_and_another_programs_people_are_not_found() {
    let app = TestApp::start();
    let support = app.support();
    let begun = begin(&app, &support, ("affiliate", "ADA@affiliates.example"));
    assert_eq!(begun.location(), Some("/portal"), "{}", begun.text());
    let portal = support.get("/portal");
    assert!(portal.one("#viewing").contains("Ada Active") && portal.says("ADA10"));
    assert_eq!(support.get("/dashboard").status, 403);
    for nobody in ["", "ben@affiliates.example", "zzzz"] {
        let refused = begin(&app, &support, ("affiliate", nobody));
        assert_eq!(refused.status, 422, "{nobody}");
        assert_eq!(refused.invalid_fields(), ["affiliate"]);
        assert_eq!(refused.value_of("#f-affiliate"), nobody);
    }
    assert_eq!(begin(&app, &support, ("user_id", "999999999")).status, 404);
    let foreign = app.fixture.ada_user_id.to_string();
    assert_eq!(begin(&app, &support, ("user_id", &foreign)).status, 404, "no member");
    assert_eq!(acts(&app).len(), 1);
}

#[test]
fn a_view_ends_by_itself_and_with_the_support_role() {
    let app = TestApp::start();
    let support = app.support();
    let owner = app.fixture.owner_id.to_string();
    assert_eq!(begin(&app, &support, ("user_id", &owner)).status, 303);
    assert_eq!(support.get("/dashboard").status, 200);
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    diesel::sql_query("UPDATE users SET is_support = false WHERE email LIKE 'support@%'")
        .execute(&mut conn)
        .unwrap();
    assert_eq!(support.get("/dashboard").status, 403);
    diesel::sql_query("UPDATE users SET is_support = true WHERE email LIKE 'support@%'")
        .execute(&mut conn)
        .unwrap();
    assert_eq!(support.get("/dashboard").status, 200);
    // As if half an hour had passed.
    let states: Vec<(Vec<u8>, serde_json::Value)> =
        sessions::table.select((sessions::key_hash, sessions::state)).load(&mut conn).unwrap();
    for (key, mut state) in states {
        let Some(text) = state.get("viewing").and_then(|view| view.as_str()) else { continue };
        let mut view: Viewing = serde_json::from_str(text).unwrap();
        view.until = vouch::kit::clock::now();
        state["viewing"] = serde_json::to_string(&view).unwrap().into();
        diesel::update(sessions::table.find(key))
            .set(sessions::state.eq(state))
            .execute(&mut conn)
            .unwrap();
    }
    let over = support.get("/dashboard");
    let merchant = format!("/support/merchants/{}", app.fixture.merchant_id);
    assert_eq!((over.status, over.location()), (303, Some(merchant.as_str())));
    assert_eq!(support.follow(&over).all(".flash, .notice").len(), 1, "and says why");
    assert_eq!(support.get("/dashboard").status, 403);
}

/// Sends support's view of `field` to where it begins, and answers the page it ends on when asked again
/// after `ending`.
fn ended_by(field: (&str, &str), page: &str, ending: impl FnOnce(&TestApp)) {
    let app = TestApp::start();
    let support = app.support();
    assert_eq!(begin(&app, &support, field).status, 303);
    assert_eq!(support.get(page).status, 200);
    ending(&app);
    let merchant = format!("/support/merchants/{}", app.fixture.merchant_id);
    let over = support.get(page);
    assert_eq!((over.status, over.location()), (303, Some(merchant.as_str())));
    let back = support.follow(&over);
    assert!(back.has(".notice[role=status]") && !back.has("#viewing"));
    let again = begin(&app, &support, field);
    assert_eq!(again.status, 422, "no view begins without access");
    assert!(again.has("#error-summary"));
    assert_eq!(support.get(page).status, 403);
}

fn sql(app: &TestApp, change: &str) {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    vouch::kit::db::in_scope(&mut conn, vouch::kit::db::Scope::Instance, |conn| {
        diesel::sql_query(change).execute(conn)
    })
    .unwrap();
}

#[test]
fn a_view_ends_with_the_access_it_shows_and_begins_only_with_it() {
    const ADA: (&str, &str) = ("affiliate", "ada@affiliates.example");
    let owner = TestApp::start().fixture.owner_id.to_string();
    ended_by(("user_id", &owner), "/dashboard", |app| {
        sql(app, "update merchants set closed_at = now()");
    });
    ended_by(("user_id", &owner), "/dashboard", |app| {
        sql(app, "update users set disabled_at = now() where email = 'owner@acme.example'");
    });
    ended_by(ADA, "/portal", |app| sql(app, "update merchants set closed_at = now()"));
    ended_by(ADA, "/portal", |app| sql(app, "update affiliates set status = 'denied'"));
}
