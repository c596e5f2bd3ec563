//! Members: invited by mail, given roles, removed; a program keeps an owner whatever happens.

use diesel::prelude::*;
use vouch::features::auth::{self, NewUser};
use vouch::features::emails::Mailer;
use vouch::features::team::{self, MemberError};
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{audit_log, links, members, users};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::session::Role;

use crate::harness::smtp::MailServer;
use crate::harness::{PASSWORD, Page, Person, TestApp, config, two_factor};

const IVY: &str = "ivy@acme.example";
const NEW: &str = "umbrella quartz 7 meadow";

fn invite(person: &Person, email: &str, role: &str) -> Page {
    let page = person.get("/settings/team");
    let form = "form[action='/settings/team/invitations']";
    person.submit(&page, form, &[("email", email), ("role", role)])
}

/// The path of the newest link that was sent to `to`.
fn link(app: &TestApp, to: &str) -> String {
    let server = MailServer::start();
    let mut config = config(&app.base);
    config.smtp = Some(server.settings());
    Mailer::new(&config, app.db.clone()).send_due().unwrap();
    server.taken_for(to).last().expect("an email").link(&app.base)
}

fn user_id(app: &TestApp, email: &str) -> i64 {
    app.within(|conn| users::table.filter(users::email_key.eq(email)).select(users::id).first(conn))
}

fn role_of(app: &TestApp, email: &str) -> Option<Role> {
    app.within(|conn| {
        members::table
            .inner_join(users::table)
            .filter(users::email_key.eq(email))
            .select(members::role)
            .first(conn)
            .optional()
    })
}

fn acts(app: &TestApp) -> Vec<String> {
    app.within(|conn| audit_log::table.order(audit_log::id).select(audit_log::action).load(conn))
}

/// Somebody who signs in already, elsewhere.
fn stranger_with_account(app: &TestApp, email: &str) {
    let hash = auth::hash(PASSWORD).unwrap();
    app.within(|conn| {
        let new =
            NewUser { email, name: "Ivy Known", password_hash: Some(&hash), is_support: false };
        auth::create_user(conn, &new).unwrap();
        Ok(())
    });
}

#[test]
fn somebody_new_is_invited_joins_and_the_link_works_once() {
    let app = TestApp::start();
    let answer = invite(&app.owner(), " Ivy@ACME.example ", "admin");
    assert_eq!((answer.status, answer.location()), (303, Some("/settings/team")));
    let page = app.owner().get("/settings/team");
    assert!(page.one("[aria-labelledby=invitations] tbody th").starts_with("Ivy@"));
    let path = link(&app, "Ivy@ACME.example");

    let ivy = app.anonymous();
    let page = ivy.get(&path);
    assert!(page.one("h1").contains("Acme Tea"));
    assert_eq!(page.attribute("#invited", "data-role").as_deref(), Some("admin"));
    let weak = ivy.submit(&page, "form", &[("name", "Ivy"), ("password", "acmetea1")]);
    assert_eq!(weak.status, 422);
    assert_eq!(weak.value_of("#f-name"), "Ivy");
    assert!(weak.has("#f-password-error") && !weak.text().contains("acmetea1"));
    let answer = ivy.submit(&page, "form", &[("name", "Ivy Invited"), ("password", NEW)]);
    assert_eq!((answer.status, answer.location()), (303, Some("/dashboard")), "{}", answer.text());
    assert!(ivy.follow(&answer).one("[role=status].tone-good").contains("Acme Tea"));
    assert_eq!(role_of(&app, IVY), Some(Role::Admin));
    assert_eq!(ivy.get("/settings/general").status, 200);

    let thief = app.anonymous();
    assert_eq!(thief.get(&path).status, 404);
    let second = thief.post_signed(&path, &[("name", "Thief"), ("password", NEW)]);
    assert_eq!(second.status, 404);
    assert!(second.has("main.gate a[href='/login']"));
    let acts = acts(&app);
    assert!(acts.ends_with(
        &["invitation.created", "invitation.accepted", "member.added"].map(str::to_owned)
    ));
}

#[test]
fn who_has_an_account_signs_in_and_accepts() {
    let app = TestApp::start();
    stranger_with_account(&app, IVY);
    invite(&app.owner(), IVY, "viewer");
    let path = link(&app, IVY);
    let ivy = app.anonymous();
    let page = ivy.get(&path);
    assert!(page.has("a.btn-primary[href^='/login']") && !page.has("#f-password"));
    assert_eq!(ivy.post_signed(&path, &[("name", "X"), ("password", NEW)]).status, 422);
    let login = ivy.get(&page.attribute("a.btn-primary", "href").unwrap());
    let back = ivy.submit(&login, "form", &[("email", IVY), ("password", PASSWORD)]);
    assert_eq!(back.location(), Some(path.as_str()));
    let page = ivy.follow(&back);
    let answer = ivy.submit(&page, "form", &[]);
    assert_eq!(answer.location(), Some("/dashboard"));
    assert_eq!(role_of(&app, IVY), Some(Role::Viewer));
    assert_eq!(ivy.get("/settings/team").status, 200);
}

#[test]
fn an_invitation_is_for_its_address_only() {
    let app = TestApp::start();
    invite(&app.owner(), IVY, "owner");
    let path = link(&app, IVY);
    let viewer = app.viewer();
    let page = viewer.get(&path);
    assert!(page.has("main form[action='/logout']") && !page.has("#f-password"));
    assert_eq!(viewer.post_signed(&path, &[("name", "V"), ("password", NEW)]).status, 422);
    assert_eq!(role_of(&app, "viewer@acme.example"), Some(Role::Viewer));
    assert_eq!(role_of(&app, IVY), None);
}

#[test]
fn a_letter_is_sent_again_with_a_new_link_and_can_be_withdrawn() {
    let app = TestApp::start();
    let owner = app.owner();
    invite(&owner, IVY, "admin");
    let first = link(&app, IVY);
    let page = owner.get("/settings/team");
    assert_eq!(owner.submit(&page, "form[action$='/sending']", &[]).status, 303);
    let second = link(&app, IVY);
    assert_ne!(first, second);
    let ivy = app.anonymous();
    assert_eq!((ivy.get(&first).status, ivy.get(&second).status), (404, 200));
    assert_eq!(owner.submit(&page, "form[action$='/withdrawal']", &[]).status, 303);
    assert_eq!(ivy.get(&second).status, 404);
    assert_eq!(owner.submit_again(&page, "form[action$='/withdrawal']", &[]).status, 404, "gone");
    assert_eq!(owner.submit_again(&page, "form[action$='/sending']", &[]).status, 404);

    invite(&owner, IVY, "admin");
    let third = link(&app, IVY);
    app.within(|conn| {
        let past = vouch::kit::clock::now() - chrono::Duration::seconds(1);
        let sent = past - chrono::Duration::days(3);
        diesel::update(links::table)
            .set((links::created_at.eq(sent), links::expires_at.eq(past)))
            .execute(conn)
    });
    assert_eq!(ivy.get(&third).status, 404);
    assert!(owner.get("/settings/team").has("td[data-label=Link] .tone-off"));
}

#[test]
fn what_is_wrong_with_an_invitation_stands_beside_the_field() {
    let app = TestApp::start();
    let owner = app.owner();
    invite(&owner, IVY, "admin");
    for email in ["no address", "", "IVY@acme.example", "Viewer@Acme.example"] {
        let answer = invite(&owner, email, "viewer");
        assert_eq!(answer.status, 422, "{email}");
        assert_eq!(answer.invalid_fields(), ["email"], "{email}");
        assert_eq!(answer.value_of("#f-email"), email);
    }
    let answer = owner
        .post_signed("/settings/team/invitations", &[("email", "x@y.example"), ("role", "king")]);
    assert_eq!(answer.status, 422);
    // The same address with another program: nothing is known of it here.
    assert_eq!(invite(&app.stranger(), IVY, "viewer").status, 303);
    for person in [app.admin(), app.viewer()] {
        let page = person.get("/settings/team");
        assert!(!page.has("#f-email") && !page.has("form[action$='/role']"));
        let answer = person.post_signed("/settings/team/invitations", &[("email", "x@y.example")]);
        assert_eq!(answer.status, 403);
    }
}

#[test]
fn roles_change_and_a_removed_member_is_out_at_once() {
    let app = TestApp::start();
    let (owner, viewer) = (app.owner(), app.viewer());
    let id = user_id(&app, "viewer@acme.example");
    let path = format!("/settings/team/members/{id}");
    let page = owner.get("/settings/team");
    let form = format!("form[action='{path}/role']");
    assert_eq!(owner.submit(&page, &form, &[("role", "admin")]).status, 303);
    assert_eq!(viewer.post_signed("/settings/general", &[]).status, 422, "an admin now");
    assert_eq!(app.admin().post_signed(&format!("{path}/removal"), &[]).status, 403);
    assert_eq!(app.stranger().post_signed(&format!("{path}/removal"), &[]).status, 404);
    assert_eq!(owner.post_signed(&format!("{path}/role"), &[("role", "king")]).status, 400);

    let form = format!("form[action='{path}/removal']");
    assert_eq!(owner.submit(&page, &form, &[]).status, 303);
    assert!(viewer.get("/dashboard").location().unwrap().starts_with("/login"));
    assert_eq!(owner.submit_again(&page, &form, &[]).status, 404);
    let acts = acts(&app);
    assert!(acts.ends_with(&["member.role_changed", "member.removed"].map(str::to_owned)));
    let signed_in = app.sign_in("viewer@acme.example");
    assert!(!signed_in.get("/programs").has(".place"));
}

#[test]
fn the_last_owner_neither_leaves_nor_becomes_something_else() {
    let app = TestApp::start();
    let owner = app.owner();
    let id = app.fixture.owner_id;
    let path = format!("/settings/team/members/{id}");
    for (path, fields) in [
        ("/settings/team/departure".to_owned(), vec![]),
        (format!("{path}/removal"), vec![]),
        (format!("{path}/role"), vec![("role", "viewer")]),
    ] {
        let answer = owner.post_signed(&path, &fields);
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.has("#error-summary li"), "{path}");
    }
    assert_eq!(role_of(&app, "owner@acme.example"), Some(Role::Owner));

    let admin = user_id(&app, "admin@acme.example");
    let made =
        owner.post_signed(&format!("/settings/team/members/{admin}/role"), &[("role", "owner")]);
    assert_eq!(made.status, 303);
    let page = owner.get("/settings/team");
    let answer = owner.submit(&page, "form[action='/settings/team/departure']", &[]);
    assert_eq!((answer.status, answer.location()), (303, Some("/programs")));
    assert_eq!(role_of(&app, "owner@acme.example"), None);
}

#[test]
fn of_two_owners_who_remove_each_other_at_once_one_stays() {
    let app = TestApp::start();
    let second = user_id(&app, "admin@acme.example");
    let first = app.fixture.owner_id;
    for demote in [true, false] {
        app.within(|conn| {
            diesel::update(members::table.filter(members::user_id.eq_any([first, second])))
                .set(members::role.eq(Role::Owner))
                .execute(conn)
        });
        let act = |by: i64, on: i64| {
            let mut conn = PgConnection::establish(&app.database_url).unwrap();
            let actor = Actor { user_id: Some(by), ..app.actor() };
            let scope = Scope::Merchant(app.fixture.merchant_id);
            in_scope(&mut conn, scope, |conn| match demote {
                true => team::change_role(conn, &actor, on, Role::Viewer).map(drop),
                false => team::remove(conn, &actor, on).map(drop),
            })
        };
        let outcomes = std::thread::scope(|scope| {
            let one = scope.spawn(|| act(first, second));
            let other = scope.spawn(|| act(second, first));
            [one.join().unwrap(), other.join().unwrap()]
        });
        let refused = outcomes.iter().filter(|outcome| {
            matches!(outcome, Err(MemberError::NotOwner | MemberError::LastOwner))
        });
        assert_eq!(refused.count(), 1, "{outcomes:?}");
        let owners: i64 = app.within(|conn| {
            members::table.filter(members::role.eq(Role::Owner)).count().get_result(conn)
        });
        assert_eq!(owners, 1);
    }
}

#[test]
fn of_two_uses_of_an_invitation_at_once_one_counts() {
    let app = TestApp::start();
    invite(&app.owner(), IVY, "viewer");
    let path = link(&app, IVY);
    let statuses = std::thread::scope(|scope| {
        // All of them open the link before any of them goes on.
        let opened: Vec<_> = (0..4)
            .map(|_| {
                let person = app.anonymous();
                let page = person.get(&path);
                (person, page)
            })
            .collect();
        let uses: Vec<_> = opened
            .into_iter()
            .map(|(person, page)| {
                scope.spawn(move || {
                    person.submit(&page, "form", &[("name", "Ivy"), ("password", NEW)]).status
                })
            })
            .collect();
        uses.into_iter().map(|thread| thread.join().unwrap()).filter(|s| *s == 303).count()
    });
    assert_eq!(statuses, 1);
    assert_eq!(role_of(&app, IVY), Some(Role::Viewer));
}

#[test]
fn a_program_can_demand_two_factor_of_its_members() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/team");
    assert!(page.has("form[action='/settings/team/two-factor']"));
    assert_eq!(app.admin().post_signed("/settings/team/two-factor", &[]).status, 403);
    let answer = owner.post_signed("/settings/team/two-factor", &[("required", "true")]);
    assert_eq!(answer.status, 422);
    assert_eq!(answer.invalid_fields(), ["required"]);
    app.within(|conn| two_factor::give(conn, "owner@acme.example"));
    let answer = owner.post_signed("/settings/team/two-factor", &[("required", "true")]);
    assert_eq!(answer.status, 303);

    let viewer = app.viewer();
    let led = viewer.get("/dashboard");
    assert_eq!(led.location(), Some("/account/two-factor?next=%2Fdashboard"));
    assert_eq!(viewer.follow(&led).status, 200);
    assert_eq!(viewer.get("/account/password").status, 200);
    app.within(|conn| two_factor::give(conn, "viewer@acme.example"));
    assert_eq!(viewer.get("/dashboard").status, 200);
    assert_eq!(app.stranger().get("/dashboard").status, 200, "another program’s affair");
    assert_eq!(owner.post_signed("/settings/team/two-factor", &[]).status, 303);
    assert_eq!(app.admin().get("/dashboard").status, 200);
    let changes = acts(&app).into_iter().filter(|act| act == "team.two_factor_changed").count();
    assert_eq!(changes, 2);
}
