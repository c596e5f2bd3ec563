//! Access that ends: sessions and keys go in the same act, and the audit log says so.

use diesel::prelude::*;
use vouch::features::accounts::{self, AccessChange};
use vouch::kit::db::schema::{
    affiliates, api_keys, audit_log, instance_log, members, sessions, users,
};
use vouch::kit::db::{Scope, in_scope};

use crate::api::new_key;
use crate::harness::{PASSWORD, Page, Person, TestApp, two_factor};
use crate::registration::{link_to, open};

const OWNER: &str = "owner@acme.example";

pub(super) fn everything<T>(
    app: &TestApp,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work).unwrap()
}

pub(super) fn user_id(app: &TestApp, email: &str) -> i64 {
    everything(app, |conn| {
        users::table.filter(users::email_key.eq(email)).select(users::id).first(conn)
    })
}

fn by() -> AccessChange {
    AccessChange::command_line("Left the company", vouch::kit::clock::now())
}

fn acts(app: &TestApp, merchant_id: i64) -> Vec<String> {
    app.within_merchant(merchant_id, |conn| {
        audit_log::table
            .filter(audit_log::actor_kind.eq_any(["system", "support"]))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    })
}

fn instance_acts(app: &TestApp) -> Vec<String> {
    everything(app, |conn| {
        instance_log::table.order(instance_log::id).select(instance_log::action).load(conn)
    })
}

pub(super) fn list_triggers(app: &TestApp, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    app.anonymous().get_with("/api/v1/triggers", &[("authorization", &bearer)]).status
}

fn sign_in(app: &TestApp, email: &str) -> Page {
    let person = app.anonymous();
    person.submit(&person.get("/login"), "form", &[("email", email), ("password", PASSWORD)])
}

fn is_out(person: &Person, path: &str) -> bool {
    person.get(path).location().is_some_and(|to| to.starts_with("/login"))
}

#[test]
fn a_disabled_person_loses_sessions_keys_and_sign_in_at_once() {
    let app = TestApp::start();
    let (key, owner) = (new_key(&app), app.owner());
    let anonymous = app.anonymous();
    let page = anonymous.get("/password-resets/new");
    crate::registration::send(&anonymous, &page, &[("email", OWNER)]);
    let reset = link_to(&app, OWNER);
    let id = user_id(&app, OWNER);
    let before = acts(&app, app.fixture.merchant_id).len();
    let ended = everything(&app, |conn| accounts::disable(conn, &by(), id)).unwrap();
    assert_eq!((ended.sessions, ended.keys), (2, 1));
    assert!(is_out(&owner, "/dashboard"));
    assert_eq!(sign_in(&app, OWNER).status, 422);
    assert_eq!(list_triggers(&app, &key), 401);
    assert_eq!(anonymous.get(&reset).status, 404);
    let new = &acts(&app, app.fixture.merchant_id)[before..];
    assert_eq!(new, ["api_key.revoked", "member.disabled"]);
    assert_eq!(instance_acts(&app), ["user.disabled"]);
    let twice = everything(&app, |conn| accounts::disable(conn, &by(), id));
    assert_eq!(twice, None);

    assert!(everything(&app, |conn| accounts::enable(conn, &by(), id)));
    assert_eq!(sign_in(&app, OWNER).status, 303);
    assert_eq!(list_triggers(&app, &key), 401, "what was revoked stays revoked");
    assert_eq!(instance_acts(&app), ["user.disabled", "user.enabled"]);
    assert_eq!(acts(&app, app.fixture.merchant_id).last().unwrap(), "member.enabled");
}

#[test]
fn a_disabled_person_gets_through_no_second_step_and_accepts_no_invitation() {
    let app = TestApp::start();
    app.within(|conn| two_factor::give(conn, OWNER));
    let person = app.anonymous();
    let answer =
        person.submit(&person.get("/login"), "form", &[("email", OWNER), ("password", PASSWORD)]);
    assert_eq!(answer.location(), Some("/login/code"));
    let id = user_id(&app, OWNER);
    everything(&app, |conn| accounts::disable(conn, &by(), id));
    let code = two_factor::enter(&person, &answer);
    assert!(code.status >= 400 && code.status < 500, "{}", code.status);
    assert_eq!(person.get("/dashboard").status, 303);

    let viewer = user_id(&app, "viewer@acme.example");
    everything(&app, |conn| accounts::disable(conn, &by(), viewer));
    let ben = app.fixture.ben_id;
    app.within(|conn| {
        diesel::update(affiliates::table.filter(affiliates::id.eq(ben)))
            .set((
                affiliates::email.eq("viewer@acme.example"),
                affiliates::email_key.eq("viewer@acme.example"),
            ))
            .execute(conn)
    });
    let path = format!("/affiliates/{ben}/invitation");
    assert_eq!(app.admin().post_signed(&path, &[]).status, 303);
    let link = link_to(&app, "viewer@acme.example");
    assert_eq!(app.anonymous().get(&link).status, 410);
}

#[test]
fn support_disables_and_enables_a_person_and_only_support_reads_why() {
    let app = TestApp::start();
    let (support, viewer) = (app.support(), app.viewer());
    let id = user_id(&app, "viewer@acme.example");
    let found = support.get("/support/users?q=viewer@acme");
    assert_eq!(found.all("tbody tr").len(), 1);
    let path = format!("/support/users/{id}");
    let page = support.get(&path);
    let form = format!("form[action='{path}/access']");
    let refused = support.submit(&page, &form, &[("reason", " ")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-reason-error"));
    assert_eq!(viewer.get("/dashboard").status, 200, "nothing was changed");
    let done = support.submit(&page, &form, &[("reason", "Stolen laptop")]);
    assert_eq!(done.location(), Some(path.as_str()));
    assert!(is_out(&viewer, "/dashboard"));
    let log = app.owner().get("/settings/audit-log?by=support");
    assert!(log.says("Vera Viewer") && !log.says("Stolen laptop"), "{}", log.text());
    let page = support.get(&path);
    assert!(page.one(".timeline li").contains("Stolen laptop"));
    assert_eq!(page.value_of(&format!("{form} [name=enabled]")), "true");
    assert_eq!(support.submit(&page, &form, &[("reason", "Found it")]).status, 303);
    app.viewer();
    assert_eq!(support.get(&path).all(".timeline li").len(), 2);
    for person in [app.owner(), app.affiliate()] {
        assert_eq!(person.get(&path).status, 403);
        assert_eq!(
            person
                .post_signed(&format!("{path}/access"), &[("enabled", "false"), ("reason", "x")])
                .status,
            403
        );
    }
    assert_eq!(support.get("/support/users/999999999").status, 404);
    let fields = [("enabled", "false"), ("reason", "x")];
    let nobody = support.post_signed("/support/users/999999999/access", &fields);
    assert_eq!(nobody.status, 404);
}

#[test]
fn support_rights_are_removed_from_others_and_never_from_oneself() {
    let app = TestApp::start();
    app.within(|conn| {
        diesel::update(users::table.filter(users::email_key.eq("admin@acme.example")))
            .set(users::is_support.eq(true))
            .execute(conn)?;
        two_factor::give(conn, "admin@acme.example")
    });
    let (support, other) = (app.support(), app.sign_in("admin@acme.example"));
    assert_eq!(other.get("/support/merchants").status, 200);
    let own = format!("/support/users/{}", user_id(&app, "support@vouch.example"));
    for path in ["access", "support-rights/removal"] {
        let fields = [("enabled", "false"), ("reason", "x")];
        let answer = support.post_signed(&format!("{own}/{path}"), &fields);
        assert_eq!(answer.status, 422, "{path}");
    }
    let path =
        format!("/support/users/{}/support-rights/removal", user_id(&app, "admin@acme.example"));
    assert_eq!(support.post_signed(&path, &[("reason", "Moved on")]).status, 303);
    assert!(is_out(&other, "/support/merchants"));
    let again = app.sign_in("admin@acme.example");
    assert_eq!(again.get("/support/merchants").status, 403);
    assert_eq!(again.get("/dashboard").status, 200, "a member all the same");
    assert_eq!(instance_acts(&app), ["user.support_removed"]);
    let told = acts(&app, app.fixture.merchant_id);
    assert!(told.iter().all(|act| !act.contains("support")), "support's own affair: {told:?}");
}

#[test]
fn a_closed_merchant_is_out_of_reach_until_it_opens_again() {
    let app = TestApp::start();
    open(&app);
    let key = new_key(&app);
    let (owner, ada, stranger, support) =
        (app.owner(), app.affiliate(), app.stranger(), app.support());
    let invitation = {
        app.owner().post_signed(&format!("/affiliates/{}/invitation", app.fixture.ben_id), &[]);
        link_to(&app, "ben@affiliates.example")
    };
    let path = format!("/support/merchants/{}", app.fixture.merchant_id);
    let form = format!("form[action='{path}/access']");
    let page = support.get(&path);
    let refused = support.submit(&page, &form, &[("reason", "")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-access_reason-error") && !refused.has("#f-reason-error"));
    assert_eq!(support.submit(&page, &form, &[("reason", "Contract ended")]).status, 303);
    let left: i64 = everything(&app, |conn| {
        let of_acme = members::table
            .filter(members::merchant_id.eq(app.fixture.merchant_id))
            .select(members::user_id.nullable());
        sessions::table.filter(sessions::user_id.eq_any(of_acme)).count().get_result(conn)
    });
    assert_eq!(left, 0);
    assert!(is_out(&owner, "/dashboard") && is_out(&ada, "/portal"));
    assert_eq!(stranger.get("/dashboard").status, 200, "another program’s affair");
    assert_eq!(list_triggers(&app, &key), 401);
    for path in ["/join/acme-tea", invitation.as_str()] {
        assert_eq!(app.anonymous().get(path).status, 404, "{path}");
    }
    assert_eq!(app.owner().get("/dashboard").location(), Some("/programs?next=%2Fdashboard"));
    let seen = acts(&app, app.fixture.merchant_id);
    assert!(seen.ends_with(&["api_key.revoked", "merchant.closed"].map(str::to_owned)), "{seen:?}");
    // Orders still come in, so that none is lost.
    let order = crate::harness::shopify::ShopifyOrder::new(1, vouch::kit::clock::now());
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);

    let page = support.get(&path);
    assert_eq!(support.submit(&page, &form, &[("reason", "Renewed")]).status, 303);
    assert_eq!(app.owner().get("/dashboard").status, 200);
    assert_eq!(app.anonymous().get("/join/acme-tea").status, 200);
    assert_eq!(instance_acts(&app), ["merchant.closed", "merchant.reopened"]);
}

#[test]
fn a_denied_affiliate_loses_the_portal_and_a_disabled_one_only_reads() {
    let app = TestApp::start();
    let (owner, ada) = (app.owner(), app.affiliate());
    let status = format!("/affiliates/{}/status", app.fixture.ada_id);
    assert_eq!(owner.post_signed(&status, &[("status", "disabled")]).status, 303);
    for path in ["/portal", "/portal/conversions", "/portal/settings"] {
        let page = ada.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.has("#read-only"), "{path}");
        assert!(!page.has("main form[method=post] button"), "{path}: {}", page.text());
    }
    let posts: Vec<&str> = vouch::app::routes::TABLE
        .iter()
        .filter(|row| {
            row.method == "POST" && row.access == vouch::features::auth::Access::Affiliate
        })
        .map(|row| row.path)
        .collect();
    assert!(posts.len() > 4);
    for path in posts {
        let path = path.replace("{request_id}", "1").replace("{session_id}", "x");
        assert_eq!(
            ada.post_signed(&path, &[("name", "Mine"), ("code", "MINE10")]).status,
            403,
            "{path}"
        );
    }
    assert_eq!(ada.get("/account/password").status, 200, "the account is their own");

    assert_eq!(owner.post_signed(&status, &[("status", "denied")]).status, 303);
    assert!(is_out(&ada, "/portal"));
    let again = app.sign_in("ada@affiliates.example");
    assert_eq!(again.get("/portal").status, 303);
    assert!(!again.get("/programs").has(".place"));
    assert_eq!(owner.post_signed(&status, &[("status", "active")]).status, 303);
    let back = app.affiliate();
    let page = back.get("/portal/settings");
    assert!(!page.has("#read-only"));
    let form = "form[action='/portal/settings']";
    assert_eq!(back.submit(&page, form, &[("name", "Ada A.")]).status, 303);
}

#[test]
fn the_log_of_the_instance_only_grows() {
    let app = TestApp::start();
    let id = user_id(&app, OWNER);
    everything(&app, |conn| accounts::disable(conn, &by(), id));
    everything(&app, |conn| {
        for change in ["update instance_log set details = '{}'", "delete from instance_log"] {
            // By the right of the server's role, and by the policies were it the owner.
            let done = conn.transaction(|conn| diesel::sql_query(change).execute(conn));
            assert!(done.is_err() || done == Ok(0), "{change}");
        }
        Ok(())
    });
    assert_eq!(instance_acts(&app).len(), 1);
    let seen: i64 = app.within(|conn| instance_log::table.count().get_result(conn));
    assert_eq!(seen, 0, "no merchant reads it");
}

#[test]
fn a_key_whose_creator_was_removed_is_shown_as_such_and_can_be_revoked() {
    let app = TestApp::start();
    let key = new_key(&app);
    let admin = user_id(&app, "admin@acme.example");
    app.owner().post_signed(&format!("/settings/team/members/{admin}/role"), &[("role", "owner")]);
    let second = app.admin();
    assert_eq!(second.get("/settings/api").all("tbody .badge-v").len(), 0);
    let owner = app.fixture.owner_id;
    let removed = second.post_signed(&format!("/settings/team/members/{owner}/removal"), &[]);
    assert_eq!(removed.status, 303);
    let page = second.get("/settings/api");
    assert_eq!(page.all("[data-label=Created] .badge-v").len(), 1);
    assert_eq!(list_triggers(&app, &key), 200, "the merchant's systems go on");
    assert_eq!(second.submit(&page, "form[action$=revocation]", &[]).status, 303);
    assert_eq!(list_triggers(&app, &key), 401);
    let revoked: i64 = app.within(|conn| {
        api_keys::table.filter(api_keys::revoked_at.is_not_null()).count().get_result(conn)
    });
    assert_eq!(revoked, 1);
}

#[test]
fn a_merchant_reads_what_changed_and_neither_why_nor_where_support_sits() {
    const SECRET: &str = "secret internal affair";
    let app = TestApp::start();
    new_key(&app);
    let (merchant_id, owner) = (app.fixture.merchant_id, app.fixture.owner_id);
    app.within(|conn| {
        diesel::update(users::table.find(owner)).set(users::is_support.eq(true)).execute(conn)?;
        two_factor::give(conn, OWNER)
    });
    let support = app.support().at("203.0.113.77");
    let reason = ("reason", SECRET);
    let user = format!("/support/users/{owner}");
    let merchant = format!("/support/merchants/{merchant_id}");
    for (path, fields) in [
        (format!("{user}/support-rights/removal"), vec![reason]),
        (format!("{user}/access"), vec![("enabled", "false"), reason]),
        (format!("{user}/access"), vec![("enabled", "true"), reason]),
        (format!("{merchant}/access"), vec![("enabled", "false"), reason]),
        (format!("{merchant}/access"), vec![("enabled", "true"), reason]),
        (format!("{merchant}/views"), vec![("affiliate", "ada@affiliates.example")]),
    ] {
        let answer = support.post_signed(&path, &fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
    }
    let reader = app.viewer();
    let log = reader.get("/settings/audit-log?by=support");
    let file = reader.get("/settings/audit-log.csv");
    for text in [log.text(), file.csv()] {
        assert!(text.contains("Olga Owner"), "{text}");
        for hidden in [SECRET, "support rights", "203.0.113.77"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
    let told = acts(&app, merchant_id);
    assert!(told.contains(&"api_key.revoked".to_owned()), "{told:?}");
    let stored: Vec<(Option<serde_json::Value>, Option<serde_json::Value>)> = app
        .within(|conn| audit_log::table.select((audit_log::params, audit_log::after)).load(conn));
    assert!(!format!("{stored:?}").contains(SECRET));
    let internal: Vec<(serde_json::Value, Option<String>)> = everything(&app, |conn| {
        instance_log::table.select((instance_log::details, instance_log::came_from)).load(conn)
    });
    assert_eq!(internal.len(), 5);
    assert!(internal.iter().all(|(details, _)| details["reason"] == SECRET));
    assert!(internal.iter().all(|(_, from)| from.as_deref() == Some("203.0.113.77")));
}

#[test]
fn support_sees_which_merchants_are_closed_since_when_and_why() {
    let app = TestApp::start();
    let support = app.support();
    let (id, other) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    let row = format!("tbody tr:has(a[href='/support/merchants/{id}'])");
    assert!(!support.get("/support/merchants").has(&format!("{row} .badge-v")));
    // By a command, which is no act of support.
    let why = AccessChange::command_line("Contract ended", vouch::kit::clock::now());
    everything(&app, |conn| accounts::close(conn, &why, id));
    let list = support.get("/support/merchants");
    assert!(list.has(&format!("{row} .badge-v")) && list.one(&row).contains("Contract ended"));
    assert!(list.has(&format!("{row} time")));
    let page = support.get(&format!("/support/merchants/{id}"));
    assert!(page.has("h1 .badge-v"));
    assert!(page.one("section[aria-labelledby=access]").contains("Contract ended"));
    assert!(page.one("section[aria-labelledby=acts] li").contains("Contract ended"));
    assert!(!support.get(&format!("/support/merchants/{other}")).has("h1 .badge-v"));
    let user = support.get(&format!("/support/users/{}", app.fixture.owner_id));
    let programs = format!("a[href='/support/merchants/{id}'] ~ .badge-v");
    assert_eq!(user.all(&programs).len(), 1);
    everything(&app, |conn| accounts::reopen(conn, &why, id));
    assert!(!support.get("/support/merchants").has(&format!("{row} .badge-v")));
}

#[test]
fn a_form_without_its_switch_ends_nothing() {
    let app = TestApp::start();
    let (support, owner) = (app.support(), app.owner());
    let merchant = format!("/support/merchants/{}", app.fixture.merchant_id);
    for path in [
        format!("{merchant}/access"),
        format!("{merchant}/coupon-exclusions"),
        format!("/support/users/{}/access", app.fixture.owner_id),
    ] {
        for fields in [vec![("reason", "x")], vec![("reason", "x"), ("enabled", "")]] {
            assert_eq!(support.post_signed(&path, &fields).status, 400, "{path}");
        }
    }
    assert_eq!(owner.get("/dashboard").status, 200);
    assert_eq!(instance_acts(&app), [] as [&str; 0]);
}
