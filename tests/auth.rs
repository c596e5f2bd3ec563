//! Signing in and out, sessions, passwords, places, and the headers of every answer.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use vouch::features::auth;
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{affiliates, sessions, users};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::session::Role;

use crate::harness::{PASSWORD, Page, Person, TestApp, two_factor};

const OWNER: &str = "owner@acme.example";

fn try_to_sign_in(person: &Person, email: &str, password: &str) -> Page {
    let page = person.get("/login");
    person.submit(&page, "form", &[("email", email), ("password", password)])
}

/// Rows that no merchant owns.
fn unowned<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Unowned, work).unwrap()
}

fn in_installation<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work).unwrap()
}

#[test]
fn a_person_signs_in_and_lands_where_they_belong() {
    let app = TestApp::start();
    for (email, home) in [(OWNER, "/dashboard"), ("ada@affiliates.example", "/portal")] {
        let person = app.anonymous();
        let answer = try_to_sign_in(&person, &format!(" {} ", email.to_uppercase()), PASSWORD);
        assert_eq!((answer.status, answer.location()), (303, Some(home)), "{email}");
        assert_eq!(person.get("/").location(), Some(home));
        assert_eq!(person.get("/login").location(), Some("/"));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let app = TestApp::start();
    in_installation(&app, |conn| {
        let none = auth::NewUser {
            email: "invited@acme.example",
            name: "Ivy Invited",
            password_hash: None,
            is_support: false,
        };
        auth::create_user(conn, &none).unwrap();
        diesel::update(users::table.filter(users::email_key.eq("viewer@acme.example")))
            .set(users::disabled_at.eq(diesel::dsl::now))
            .execute(conn)
    });
    let person = app.anonymous();
    let cases = [
        (OWNER, "wrong password"),
        ("nobody@acme.example", PASSWORD),
        ("invited@acme.example", ""),
        ("viewer@acme.example", PASSWORD),
        ("", ""),
        (OWNER, &"x".repeat(5000)),
    ];
    let mut pages = Vec::new();
    for (email, password) in cases {
        let answer = try_to_sign_in(&person, email, password);
        assert_eq!(answer.status, 422, "{email}");
        assert_eq!(answer.value_of("input[name=email]"), email);
        assert!(!answer.text().contains("wrong password"), "a password is never echoed");
        pages.push(answer.text().replace(&format!("value=\"{email}\""), "value=\"\""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[test]
fn an_unknown_address_takes_as_long_as_a_known_one() {
    let app = TestApp::start();
    let person = app.anonymous();
    let token = person.token();
    let time = |email: &str, from: &str| -> Duration {
        let fields =
            [("csrf", token.as_str()), ("email", email), ("password", "wrong"), ("next", "")];
        let began = Instant::now();
        let answer = person.post_with("/login", &fields, &[("x-forwarded-for", from)]);
        assert_eq!(answer.status, 422);
        began.elapsed()
    };
    // In turns, so that a busy machine is busy for both; the quickest says what the work is.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        known = known.min(time(OWNER, "192.0.2.1"));
        unknown = unknown.min(time("nobody@acme.example", "192.0.2.2"));
    }
    // Without the work for nobody's hash it would be a small fraction.
    assert!(unknown > known / 3 && known > unknown / 3, "{known:?} and {unknown:?}");
}

#[test]
fn tries_are_limited_for_whoever_tries_and_for_nobody_else() {
    let app = TestApp::start();
    let person = app.anonymous();
    let token = person.token();
    let post = |email: &str, password: &str, from: &str| {
        let fields = [
            ("csrf", token.as_str()),
            ("email", email),
            ("password", password),
            ("next", "/orders"),
        ];
        person.post_with("/login", &fields, &[("x-forwarded-for", from)])
    };
    for _ in 0..10 {
        assert_eq!(post(OWNER, "wrong", "203.0.113.66").status, 422);
    }
    // A try grows back every six seconds, which a slow machine may take for the ten.
    let refused = (0..20)
        .map(|_| post(OWNER, "wrong", "203.0.113.66"))
        .find(|answer| answer.status != 422)
        .unwrap();
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.value_of("input[name=email]"), OWNER, "the form is kept");
    assert_eq!(refused.value_of("input[name=next]"), "/orders");
    assert!(refused.has("#error-summary"));
    // Also with the right password; but only there.
    assert_eq!(post(OWNER, PASSWORD, "203.0.113.66").status, 429);
    assert_eq!(post(OWNER, PASSWORD, "203.0.113.67").status, 303, "nobody locks an owner out");
}

#[test]
fn the_session_is_renewed_at_sign_in_and_its_cookie_is_well_kept() {
    let app = TestApp::start();
    let person = app.anonymous();
    let page = person.get("/login");
    let set = page.header("set-cookie").unwrap().to_owned();
    for part in ["__Host-vouch=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain="), "{set}");
    let (before, old_token) = (person.cookie(), page.value_of("input[name=csrf]"));
    try_to_sign_in(&person, OWNER, PASSWORD);
    assert_ne!(person.cookie(), before);
    assert_ne!(person.token(), old_token, "the CSRF token is renewed, too");
    let thief = app.anonymous();
    thief.set_cookie(before);
    assert!(thief.get("/programs").location().unwrap().starts_with("/login"));
}

#[test]
fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::start();
    let owner = app.owner();
    let cookie = owner.cookie();
    let page = owner.get("/settings/general");
    let answer = owner.submit(&page, "form[action='/logout']", &[]);
    assert_eq!((answer.status, answer.location()), (303, Some("/login")));
    let thief = app.anonymous();
    thief.set_cookie(cookie);
    assert_eq!(
        thief.get("/settings/general").location(),
        Some("/login?next=%2Fsettings%2Fgeneral")
    );
}

#[test]
fn a_made_up_or_foreign_cookie_is_nobody() {
    let app = TestApp::start();
    let owner = app.owner();
    let cookie = owner.cookie().unwrap();
    let changed = format!("{}x", &cookie[..cookie.len() - 1]);
    for cookie in ["__Host-vouch=made-up", changed.as_str()] {
        let thief = app.anonymous();
        thief.set_cookie(Some(cookie.to_owned()));
        assert!(thief.get("/settings/general").location().unwrap().starts_with("/login"));
    }
}

#[test]
fn the_table_of_sessions_does_not_hold_what_the_cookie_does() {
    let app = TestApp::start();
    let owner = app.owner();
    let cookie = owner.cookie().unwrap();
    let states: Vec<serde_json::Value> =
        unowned(&app, |conn| sessions::table.select(sessions::state).load(conn));
    let hashes: Vec<Vec<u8>> =
        unowned(&app, |conn| sessions::table.select(sessions::key_hash).load(conn));
    assert!(hashes.iter().all(|hash| hash.len() == 32));
    let key = cookie.rsplit('=').next().unwrap();
    assert!(states.iter().all(|state| !state.to_string().contains(key)));
}

#[test]
fn a_session_ends_when_it_rests_and_after_its_longest_time() {
    let app = TestApp::start();
    for (what, change) in [
        ("idle", "update sessions set expires_at = now() - interval '1 second'"),
        ("absolute", "update sessions set created_at = now() - interval '14 days 1 second'"),
    ] {
        let owner = app.owner();
        assert_eq!(owner.get("/settings/general").status, 200);
        unowned(&app, |conn| sql_query(change).execute(conn));
        assert_eq!(owner.get("/settings/general").status, 303, "{what}");
    }
}

#[test]
fn use_extends_the_idle_limit_in_steps() {
    let app = TestApp::start();
    let owner = app.owner();
    let remaining = || {
        unowned(&app, |conn| {
            sessions::table
                .filter(sessions::user_id.is_not_null())
                .select(sessions::expires_at)
                .first::<chrono::DateTime<chrono::Utc>>(conn)
        })
    };
    unowned(&app, |conn| {
        let earlier = "update sessions set seen_at = now() - interval '1 hour', \
                       expires_at = now() + interval '1 hour'";
        sql_query(earlier).execute(conn)
    });
    let before = remaining();
    owner.get("/settings/general");
    let after = remaining();
    assert!(after - before > chrono::Duration::hours(20));
    owner.get("/settings/general");
    assert_eq!(remaining(), after, "not every page writes");
}

#[test]
fn who_is_disabled_or_no_longer_a_member_is_out_at_once() {
    let app = TestApp::start();
    let (viewer, admin, affiliate) = (app.viewer(), app.admin(), app.affiliate());
    in_installation(&app, |conn| {
        diesel::update(users::table.filter(users::email_key.eq("viewer@acme.example")))
            .set(users::disabled_at.eq(diesel::dsl::now))
            .execute(conn)?;
        sql_query(
            "delete from members using users \
             where users.id = user_id and email_key = 'admin@acme.example'",
        )
        .execute(conn)?;
        diesel::update(affiliates::table.filter(affiliates::id.eq(app.fixture.ada_id)))
            .set(affiliates::user_id.eq(None::<i64>))
            .execute(conn)
    });
    for (who, path) in
        [(viewer, "/settings/general"), (admin, "/settings/general"), (affiliate, "/portal")]
    {
        assert!(who.get(path).location().unwrap().starts_with("/login"), "{path}");
    }
}

#[test]
fn sign_in_leads_back_to_where_one_was_and_never_elsewhere() {
    let app = TestApp::start();
    let person = app.anonymous();
    let wanted = person.get("/triggers?q=ADA&sort=-orders");
    assert_eq!(wanted.location(), Some("/login?next=%2Ftriggers%3Fq%3DADA%26sort%3D-orders"));
    let page = person.follow(&wanted);
    let answer = person.submit(&page, "form", &[("email", OWNER), ("password", PASSWORD)]);
    assert_eq!(answer.location(), Some("/triggers?q=ADA&sort=-orders"));
    for elsewhere in ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"]
    {
        let person = app.anonymous();
        let page = person.get("/login");
        let fields = [("email", OWNER), ("password", PASSWORD), ("next", elsewhere)];
        assert_eq!(person.submit(&page, "form", &fields).location(), Some("/dashboard"));
    }
}

#[test]
fn a_form_of_another_site_is_refused() {
    let app = TestApp::start();
    let owner = app.owner();
    let token = owner.token();
    let host = app.base.trim_start_matches("http://");
    let own = app.base.as_str();
    let refused: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        // The newer header decides.
        &[("sec-fetch-site", "cross-site"), ("origin", own)],
    ];
    let fields = [("csrf", token.as_str()), ("name", "Acme Tea"), ("time_zone", "UTC")];
    for headers in refused {
        let answer = owner.post_with("/settings/general", &fields, headers);
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    let taken: &[&[(&str, &str)]] =
        &[&[("sec-fetch-site", "same-origin")], &[("origin", own), ("host", host)], &[]];
    for headers in taken {
        assert_eq!(
            owner.post_with("/settings/general", &fields, headers).status,
            303,
            "{headers:?}"
        );
    }
}

#[test]
fn every_answer_carries_the_security_headers() {
    let app = TestApp::start();
    let (nobody, owner) = (app.anonymous(), app.owner());
    let style = nobody.get("/login").attribute("link[rel=stylesheet]", "href").unwrap();
    let answers = [
        nobody.get("/login"),
        nobody.get("/"),
        nobody.get("/settings/general"),
        nobody.get("/nothing"),
        nobody.get(&style),
        nobody.post("/login", &[]),
        nobody.post_with("/login", &[], &[("sec-fetch-site", "cross-site")]),
        nobody.send("/login", &[("content-type", "text/plain")], b"x"),
        nobody.send(&format!("/hooks/shopify/{}", app.fixture.store_key), &[], b"{}"),
        owner.get("/settings/general"),
        owner.get("/affiliates/1"),
        owner.post("/login", &[("csrf", &"x".repeat(100_000))]),
    ];
    for answer in &answers {
        let path = &answer.path;
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"), "{path}");
        let may_be_kept = *path == style;
        assert_eq!(answer.header("cache-control") == Some("no-store"), !may_be_kept, "{path}");
    }
}

/// What a strict Content-Security-Policy would silence.
fn inline(html: &str) -> Option<&'static str> {
    let lower = html.to_lowercase();
    let attribute = |name: &str| {
        lower
            .match_indices(&format!(" {name}"))
            .any(|(at, _)| lower[..at].rfind('<') > lower[..at].rfind('>'))
    };
    if attribute("style=") {
        return Some("a style attribute");
    }
    let handlers = [
        "onclick", "onchange", "onsubmit", "oninput", "onload", "onerror", "onfocus", "onblur",
        "onkey",
    ];
    if handlers.iter().any(|name| attribute(name)) {
        return Some("an event handler");
    }
    if lower.contains("<style") {
        return Some("a style element");
    }
    if lower.contains("javascript:") {
        return Some("a javascript: address");
    }
    let scripts = lower.match_indices("<script").any(|(at, _)| {
        let tag = &lower[at..at + lower[at..].find('>').unwrap_or(0)];
        !tag.contains(" src=")
    });
    scripts.then_some("a script element without src")
}

#[test]
fn no_template_and_no_page_holds_inline_script_or_style() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if let Some(what) = inline(&std::fs::read_to_string(&path).unwrap()) {
                found.push(format!("{}: {what}", path.display()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &mut found);
    let app = TestApp::start();
    let owner = app.owner();
    let pages = vouch::app::routes::TABLE
        .iter()
        .filter(|row| row.method == "GET" && !row.path.contains('{'))
        .map(|row| row.path);
    for path in pages {
        for person in [&app.anonymous(), &owner] {
            let page = person.get(path);
            found.extend(inline(&page.text()).map(|what| format!("{path}: {what}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn who_has_several_places_chooses_and_can_switch() {
    let app = TestApp::start();
    // The owner of Acme is a viewer of Borealis and support staff, too.
    in_installation(&app, |conn| {
        let actor = Actor::system(app.fixture.stranger_merchant_id, vouch::kit::clock::now());
        auth::join(conn, &actor, app.fixture.owner_id, Role::Viewer)?;
        diesel::update(users::table.find(app.fixture.owner_id))
            .set(users::is_support.eq(true))
            .execute(conn)?;
        two_factor::give(conn, OWNER)
    });
    let owner = app.owner();
    assert_eq!(owner.get("/").location(), Some("/programs"));
    let chooser = owner.get("/orders?q=1").location().unwrap().to_owned();
    assert_eq!(chooser, "/programs?next=%2Forders%3Fq%3D1", "nothing is chosen yet");
    let page = owner.get(&chooser);
    assert_eq!(owner.submit(&page, "[value=support]", &[]).location(), Some("/support/merchants"));
    let acme = format!("[value=member-{}]", app.fixture.merchant_id);
    assert_eq!(owner.submit(&page, &acme, &[]).location(), Some("/orders?q=1"));
    assert_eq!(owner.submit(&page, &acme, &[]).status, 403, "a form of the place before");
    let page = owner.get(&chooser);
    let evil = owner.submit(&page, &acme, &[("next", "//evil.example")]);
    assert_eq!(evil.location(), Some("/dashboard"));
    let places = owner.get("/programs");
    assert_eq!(places.all(".place strong"), ["Acme Tea", "Borealis Books", "Support"]);
    let borealis = format!("[value=member-{}]", app.fixture.stranger_merchant_id);
    assert_eq!(owner.submit(&places, &borealis, &[]).location(), Some("/dashboard"));
    let page = owner.get("/settings/general");
    assert!(page.has("a[href='/programs']"), "the menu offers the way back");
    assert!(page.one(".menu-merchant").ends_with("Borealis Books"));
    assert_eq!(owner.post_signed("/settings/general", &[]).status, 403, "a viewer there");
    owner.submit(&owner.get("/programs"), &acme, &[]);
    assert!(owner.get("/settings/general").one(".menu-merchant").ends_with("Acme Tea"));
}

#[test]
fn who_has_several_places_comes_back_to_where_they_were() {
    let app = TestApp::start();
    in_installation(&app, |conn| {
        let actor = Actor::system(app.fixture.stranger_merchant_id, vouch::kit::clock::now());
        auth::join(conn, &actor, app.fixture.owner_id, Role::Viewer)
    });
    let owner = app.anonymous();
    let page = owner.get(owner.get("/orders?kind=nobody").location().unwrap());
    let answer = owner.submit(&page, "form", &[("email", OWNER), ("password", PASSWORD)]);
    let places = owner.follow(&answer);
    let acme = format!("[value=member-{}]", app.fixture.merchant_id);
    assert_eq!(owner.submit(&places, &acme, &[]).location(), Some("/orders?kind=nobody"));
}

#[test]
fn a_place_that_is_not_theirs_cannot_be_chosen() {
    let app = TestApp::start();
    let stranger = app.stranger();
    for place in [
        format!("member-{}", app.fixture.merchant_id),
        format!("affiliate-{}-{}", app.fixture.merchant_id, app.fixture.ada_id),
        "support".to_owned(),
        String::new(),
    ] {
        assert_eq!(stranger.post_signed("/programs", &[("place", &place)]).status, 404, "{place}");
    }
    assert!(stranger.get("/settings/general").one(".menu-merchant").ends_with("Borealis Books"));
}

#[test]
fn a_new_password_ends_the_other_sessions_and_keeps_this_one() {
    let app = TestApp::start();
    let (here, elsewhere) = (app.owner(), app.owner());
    let page = here.get("/account/password");
    let old_cookie = here.cookie();
    let new = "umbrella quartz 7 meadow";
    let answer = here.submit(&page, "main form", &[("current", PASSWORD), ("new", new)]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(here.get("/settings/general").status, 200);
    assert_ne!(here.cookie(), old_cookie);
    assert!(elsewhere.get("/settings/general").location().unwrap().starts_with("/login"));
    assert_eq!(try_to_sign_in(&app.anonymous(), OWNER, PASSWORD).status, 422);
    assert_eq!(try_to_sign_in(&app.anonymous(), OWNER, new).status, 303);
}

#[test]
fn a_new_password_is_judged_and_needs_the_current_one() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/account/password");
    let cases = [
        ("wrong", "umbrella quartz 7 meadow", "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, "password123", "new"),
        (PASSWORD, "olgaowner", "new"),
    ];
    for (current, new, field) in cases {
        let answer = owner.submit(&page, "main form", &[("current", current), ("new", new)]);
        assert_eq!(answer.status, 422, "{new}");
        assert_eq!(answer.invalid_fields(), [field], "{new}: {}", answer.text());
        assert!(!answer.text().contains(new), "a password is never echoed");
    }
    assert_eq!(try_to_sign_in(&app.anonymous(), OWNER, PASSWORD).status, 303, "nothing changed");
}
