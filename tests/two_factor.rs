//! Two-factor sign-in: set up, asked for, lost; and nobody gets by it.

use std::process::Command;

use diesel::prelude::*;
use serde_json::Value;
use vouch::kit::db::schema::{emails, recovery_codes, users};
use vouch::kit::db::{Scope, in_scope};

use crate::harness::two_factor::{code, code_of, enter, forget_codes, give};
use crate::harness::{PASSWORD, Page, Person, TestApp};

const OWNER: &str = "owner@acme.example";
const HERE: &str = "/account/two-factor";

fn unowned<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Unowned, work).unwrap()
}

/// What the owner's emails are about.
fn notified(app: &TestApp) -> Vec<String> {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let contents: Vec<Option<Value>> = in_scope(&mut conn, Scope::Instance, |conn| {
        let to_owner = emails::table.filter(emails::recipient.eq(OWNER));
        to_owner.order(emails::id).select(emails::content).load(conn)
    })
    .unwrap();
    let code = |content: Option<Value>| content.unwrap()["code"].as_str().unwrap().to_owned();
    contents.into_iter().map(code).collect()
}

fn give_password(app: &TestApp, email: &str) -> (Person, Page) {
    let person = app.anonymous();
    let page = person.get("/login");
    let answer = person.submit(&page, "main form", &[("email", email), ("password", PASSWORD)]);
    (person, answer)
}

/// The secret as the page shows it, for the app.
fn secret_on(page: &Page) -> Vec<u8> {
    let typed: String = page.one(".code code").split_whitespace().collect();
    totp_rs::Secret::try_from_base32(typed).unwrap().as_bytes().to_vec()
}

#[test]
fn a_person_sets_it_up_and_is_asked_from_then_on() {
    let app = TestApp::start();
    let (owner, elsewhere) = (app.owner(), app.owner());
    let page = owner.get(HERE);
    assert_eq!(owner.submit(&page, "main form", &[("current", "wrong")]).status, 422);
    assert_eq!(owner.submit(&page, "main form", &[("current", PASSWORD)]).location(), Some(HERE));
    let page = owner.get(HERE);
    assert!(page.has("svg.qr path"));
    let secret = secret_on(&page);
    assert!(!elsewhere.get(HERE).has("svg.qr"), "who did not give the password sees no secret");
    let wrong = owner.submit(&page, "main form", &[("code", "000000")]);
    assert_eq!(wrong.status, 422);
    assert_eq!(secret_on(&wrong), secret, "the app need not be set up again");
    assert!(notified(&app).is_empty());
    let first_code = code_of(&secret, 0);
    let done = owner.submit(&page, "main form", &[("code", &first_code)]);
    assert_eq!(done.status, 200, "{}", done.text());
    let codes = done.all(".recovery-codes code");
    assert_eq!(codes.len(), 10);
    assert_eq!(owner.get("/dashboard").status, 200, "this session goes on");
    assert!(elsewhere.get("/dashboard").location().unwrap().starts_with("/login"));
    assert!(!owner.get(HERE).text().contains(&codes[0]), "shown once");
    assert_eq!(notified(&app), ["two_factor_on"]);

    let kept: (Option<Vec<u8>>, i64) = unowned(&app, |conn| {
        Ok((
            users::table.find(app.fixture.owner_id).select(users::two_factor_secret).first(conn)?,
            recovery_codes::table.count().get_result(conn)?,
        ))
    });
    assert!(!kept.0.unwrap().windows(20).any(|part| part == secret), "encrypted at rest");
    assert_eq!(kept.1, 10);

    let (person, answer) = give_password(&app, OWNER);
    assert_eq!(answer.location(), Some("/login/code"));
    assert!(person.get("/dashboard").location().unwrap().starts_with("/login"), "not in yet");
    assert!(person.get("/account/password").location().unwrap().starts_with("/login"));
    let page = person.follow(&answer);
    let replayed = person.submit(&page, "main form", &[("code", &first_code)]);
    assert_eq!(replayed.status, 422, "the code that confirmed counts no second time");
    let next_code = code_of(&secret, 30);
    let next = person.submit(&page, "main form", &[("code", &next_code)]);
    assert_eq!((next.status, next.location()), (303, Some("/dashboard")));

    let (person, answer) = give_password(&app, OWNER);
    let page = person.follow(&answer);
    let again = person.submit(&page, "main form", &[("code", &next_code)]);
    assert_eq!(again.status, 422, "nor does one that signed somebody in");
    let page = person.get("/login/code?with=recovery");
    let spelled = codes[3].to_uppercase().replace('-', " ");
    let by_recovery = person.submit(&page, "main form", &[("code", &spelled)]);
    assert_eq!(by_recovery.location(), Some("/dashboard"));
    assert!(person.follow(&by_recovery).one("[role=status].tone-wait").contains(" 9 "));
    let (person, _) = give_password(&app, OWNER);
    let page = person.get("/login/code?with=recovery");
    assert_eq!(
        person.submit(&page, "main form", &[("code", &codes[3])]).status,
        422,
        "each works once"
    );
}

#[test]
fn it_leads_to_where_one_wanted_and_needs_the_password_first() {
    let app = TestApp::start();
    unowned(&app, |conn| give(conn, OWNER));
    let person = app.anonymous();
    assert_eq!(person.get("/login/code").location(), Some("/login"));
    assert_eq!(person.post_signed("/login/code", &[("code", &code())]).location(), Some("/login"));
    let page = person.get("/login?next=/orders");
    let wrong = person.submit(&page, "main form", &[("email", OWNER), ("password", "wrong")]);
    assert_eq!(wrong.status, 422, "a wrong password is not asked for a code");
    let answer = person.submit(&page, "main form", &[("email", OWNER), ("password", PASSWORD)]);
    assert_eq!(enter(&person, &answer).location(), Some("/orders"));
}

#[test]
fn codes_cannot_be_found_by_trying() {
    let app = TestApp::start();
    unowned(&app, |conn| give(conn, OWNER));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let (person, answer) = give_password(&app, OWNER);
        let page = person.follow(&answer);
        for _ in 0..5 {
            statuses.push(person.submit(&page, "main form", &[("code", "000000")]).status);
        }
        assert_eq!(person.get("/login/code").location().is_some(), statuses.len() <= 20);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 4, "back to the password");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10, "{statuses:?}");
    app.admin();
}

#[test]
fn support_staff_set_it_up_before_anything_else() {
    let app = TestApp::start();
    unowned(&app, |conn| {
        diesel::update(users::table.filter(users::is_support))
            .set(users::two_factor_at.eq(None::<chrono::DateTime<chrono::Utc>>))
            .execute(conn)
    });
    let support = app.support();
    for path in ["/support/merchants", "/support/emails"] {
        assert!(support.get(path).location().unwrap().starts_with(HERE), "{path}");
    }
    let page = support.get(HERE);
    support.submit(&page, "main form", &[("current", PASSWORD)]);
    let page = support.get(HERE);
    let code = code_of(&secret_on(&page), 0);
    assert_eq!(support.submit(&page, "main form", &[("code", &code)]).status, 200);
    assert_eq!(support.get("/support/merchants").status, 200);
}

#[test]
fn it_is_turned_off_and_codes_are_renewed_with_a_code_only() {
    let app = TestApp::start();
    unowned(&app, |conn| give(conn, OWNER));
    let owner = app.sign_in(OWNER);
    let page = owner.get(HERE);
    for path in ["/account/two-factor/removal", "/account/two-factor/recovery-codes"] {
        for wrong in ["", "000000", "aaaa-bbbb-cccc-dddd"] {
            assert_eq!(owner.post_signed(path, &[("code", wrong)]).status, 422, "{path} {wrong}");
        }
    }
    unowned(&app, forget_codes);
    let done = owner.submit(&page, "main form", &[("code", &code())]);
    let codes = done.all(".recovery-codes code");
    assert_eq!(codes.len(), 10);
    let elsewhere = app.sign_in(OWNER);
    let off = owner.post_signed("/account/two-factor/removal", &[("code", &codes[0])]);
    assert_eq!((off.status, off.location()), (303, Some(HERE)));
    assert_eq!(owner.get("/dashboard").status, 200);
    assert!(elsewhere.get("/dashboard").location().unwrap().starts_with("/login"));
    assert_eq!(give_password(&app, OWNER).1.location(), Some("/dashboard"));
    let told = ["recovery_codes_created", "recovery_code_used", "two_factor_off"];
    assert_eq!(notified(&app), told);
    let left: i64 = unowned(&app, |conn| recovery_codes::table.count().get_result(conn));
    assert_eq!(left, 0);
}

#[test]
fn whoever_runs_the_installation_lets_in_who_has_lost_everything() {
    let app = TestApp::start();
    unowned(&app, |conn| give(conn, OWNER));
    let owner = app.sign_in(OWNER);
    let run = |email: &str| {
        let folder = std::env::temp_dir().join(format!("vouch-2fa-{}", std::process::id()));
        Command::new(env!("CARGO_BIN_EXE_vouch"))
            .args(["two-factor", "remove", "--email", email])
            .env("DATABASE_URL", &app.database_url)
            .env("VOUCH_DATA", folder)
            .env("VOUCH_SECRET_KEY", "07".repeat(32))
            .output()
            .unwrap()
    };
    let unknown = run("nobody@acme.example");
    assert!(!unknown.status.success());
    let output = run("Owner@Acme.example");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(owner.get("/dashboard").location().unwrap().starts_with("/login"));
    assert_eq!(give_password(&app, OWNER).1.location(), Some("/dashboard"));
    assert_eq!(notified(&app), ["two_factor_off"]);
    // The second time nothing changes, so no email is sent.
    assert!(run(OWNER).status.success());
    assert_eq!(notified(&app), ["two_factor_off"]);
}
