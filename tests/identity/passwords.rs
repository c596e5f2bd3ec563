//! New passwords are judged by what's known of the person, old hashes keep up, owners are reminded.

use diesel::prelude::*;
use vouch::features::auth;
use vouch::kit::db::schema::{sessions, users};

use crate::harness::{PASSWORD, TestApp, two_factor};

const OWNER: &str = "owner@acme.example";
const NEW: &str = "umbrella quartz 7 meadow";

fn stored(app: &TestApp) -> String {
    app.within(|conn| {
        users::table
            .filter(users::email_key.eq(OWNER))
            .select(users::password_hash.assume_not_null())
            .first(conn)
    })
}

#[test]
fn the_email_the_program_and_common_passwords_are_refused() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/account/password");
    let form = "form[action$=password]";
    for weak in [
        OWNER,
        "owneracmeexample",
        "Acme-Tea-2026",
        "4cm3-t34-2026",
        "letmein!!2026",
        "P@ssw0rd##2025",
        "olga.owner.99",
    ] {
        let answer = owner.submit(&page, form, &[("current", PASSWORD), ("new", weak)]);
        assert_eq!(answer.status, 422, "{weak}");
        assert!(answer.has("#f-new-error"), "{weak}");
        assert!(answer.values("[type=password]", "value").is_empty(), "{weak}");
    }
    let fields = [("current", PASSWORD), ("new", NEW)];
    assert_eq!(owner.submit(&page, form, &fields).status, 303);
}

#[test]
fn a_hash_with_less_work_is_renewed_at_sign_in_and_sessions_go_on() {
    use argon2::password_hash::PasswordHasher;
    let app = TestApp::start();
    let weaker = argon2::Params::new(8_192, 1, 1, None).unwrap();
    let weaker = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weaker);
    let old = weaker.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let elsewhere = app.owner();
    app.within(|conn| {
        diesel::update(users::table.filter(users::email_key.eq(OWNER)))
            .set(users::password_hash.eq(&old))
            .execute(conn)
    });
    let person = app.anonymous();
    let wrong = [("email", OWNER), ("password", NEW)];
    assert_eq!(person.submit(&person.get("/login"), "form", &wrong).status, 422);
    assert_eq!(stored(&app), old, "a wrong password renews nothing");
    app.owner();
    let renewed = stored(&app);
    assert!(renewed != old && auth::verify(PASSWORD, &renewed));
    assert!(!auth::is_outdated(&renewed));
    assert_eq!(elsewhere.get("/dashboard").status, 200);
    app.owner();
    assert_eq!(stored(&app), renewed, "once");
    let count: i64 = app.within(|conn| {
        sessions::table.filter(sessions::user_id.eq(app.fixture.owner_id)).count().get_result(conn)
    });
    assert_eq!(count, 3);
}

#[test]
fn an_owner_without_two_factor_sign_in_is_reminded() {
    let app = TestApp::start();
    for path in ["/dashboard", "/settings/team"] {
        assert!(app.owner().get(path).has("#two-factor-reminder a"), "{path}");
        for person in [app.admin(), app.viewer()] {
            assert!(!person.get(path).has("#two-factor-reminder"), "{path}");
        }
    }
    let link = app.owner().get("/dashboard").attribute("#two-factor-reminder a", "href").unwrap();
    assert_eq!(app.owner().get(&link).status, 200);
    app.within(|conn| two_factor::give(conn, OWNER));
    assert!(!app.owner().get("/dashboard").has("#two-factor-reminder"));
}
