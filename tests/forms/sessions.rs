//! A session that is lost while somebody types.

use diesel::prelude::*;
use vouch::kit::db::schema::{affiliates, sessions};

use crate::harness::browser::Browser;
use crate::harness::{PASSWORD, Page, Person, TestApp, two_factor};

const TYPED: &str = "Pays by check, \"to the order of\" Ben & Co.\r\nSecond line";

fn end_sessions(app: &TestApp) {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    diesel::delete(sessions::table).execute(&mut conn).unwrap();
}

fn note(app: &TestApp) -> String {
    let ben = affiliates::table.filter(affiliates::id.eq(app.fixture.ben_id));
    app.within(|conn| ben.select(affiliates::note).first(conn))
}

fn edit(app: &TestApp, person: &Person) -> (Page, String) {
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    (person.get(&path), format!("form[action='{path}']"))
}

fn sign_in(person: &Person, page: &Page, email: &str) -> Page {
    person.submit(page, "main form", &[("email", email), ("password", PASSWORD)])
}

#[test]
fn what_was_typed_is_shown_after_signing_in_again_and_can_be_sent() {
    let app = TestApp::start();
    let owner = app.owner();
    let (page, form) = edit(&app, &owner);
    end_sessions(&app);
    let lost = owner.submit(&page, &form, &[("note", TYPED)]);
    assert_eq!(lost.status, 303);
    let login = owner.follow(&lost);
    assert!(login.has("#unsent-kept + form input[name=password]"), "{}", login.text());
    // A wrong password in between loses nothing.
    let wrong =
        owner.submit(&login, "main form", &[("email", "owner@acme.example"), ("password", "x")]);
    assert_eq!(wrong.status, 422);
    let signed_in = sign_in(&owner, &wrong, "owner@acme.example");
    let shown = owner.follow(&signed_in);
    assert_eq!(shown.value_of("#unsent [name=note]"), TYPED.replace("\r\n", "\n"));
    assert_eq!(note(&app), "", "nothing is sent without a press");
    assert_eq!(owner.submit(&shown, "#unsent", &[]).status, 303);
    assert_eq!(note(&app).replace("\r\n", "\n"), TYPED.replace("\r\n", "\n"));
    assert_eq!(owner.get("/unsent-form").status, 303, "it's gone once it was sent");
}

#[test]
fn the_secrets_of_a_store_are_typed_again() {
    let app = TestApp::start();
    let owner = app.owner();
    for (platform, field) in [
        ("woocommerce", "webhook_secret"),
        ("shopify", "api_secret"),
        ("bigcommerce", "access_token"),
    ] {
        let path = format!("/settings/{platform}");
        let form = owner.get(if platform == "bigcommerce" {
            "/settings/bigcommerce/credentials"
        } else {
            &path
        });
        end_sessions(&app);
        let typed = [("address", "shop.example.com"), (field, "in-the-clear-0123456789")];
        let lost = owner.submit(&form, &format!("form[action='{path}']"), &typed);
        let login = owner.follow(&lost);
        let shown = owner.follow(&sign_in(&owner, &login, "owner@acme.example"));
        assert_eq!(shown.value_of("#unsent [name=address]"), "shop.example.com", "{platform}");
        let again = format!("#unsent input[type=password][name={field}]");
        assert!(shown.has(&again), "{platform}");
        assert!(!shown.text().contains("in-the-clear"), "{platform}");
        assert!(!shown.has("[value*=in-the-clear]"), "{platform}");
    }
}

#[test]
fn nobody_else_gets_to_see_it() {
    let app = TestApp::start();
    let owner = app.owner();
    let (page, form) = edit(&app, &owner);
    end_sessions(&app);
    let lost = owner.submit(&page, &form, &[("note", TYPED)]);
    let login = owner.follow(&lost);
    let signed_in = sign_in(&owner, &login, "admin@acme.example");
    assert_eq!(signed_in.status, 303);
    let shown = owner.follow(&signed_in);
    assert!(!shown.text().contains("Second line") && !shown.has("#unsent"));
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let states: Vec<serde_json::Value> =
        sessions::table.select(sessions::state).load(&mut conn).unwrap();
    assert!(states.iter().all(|state| !state.to_string().contains("Second line")));
    // Without the proof of a page of one's own, nothing is kept.
    let stranger = app.anonymous();
    let before = states.len();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    assert_eq!(stranger.post(&path, &[("csrf", "x.y.1.z"), ("note", "x")]).status, 303);
    let after: i64 = sessions::table.count().get_result(&mut conn).unwrap();
    assert_eq!(after, before as i64);
}

#[test]
fn a_form_of_an_earlier_session_of_the_same_person_comes_back() {
    let app = TestApp::start();
    let owner = app.owner();
    let (page, form) = edit(&app, &owner);
    // Signed out and in again in another tab.
    let other = owner.get("/dashboard");
    owner.submit(&other, "form[action='/logout']", &[]);
    let login = owner.get("/login");
    assert_eq!(sign_in(&owner, &login, "owner@acme.example").status, 303);
    let lost = owner.submit(&page, &form, &[("note", TYPED)]);
    let shown = owner.follow(&lost);
    assert_eq!(shown.value_of("#unsent [name=note]"), TYPED.replace("\r\n", "\n"));
    assert_eq!(owner.submit(&shown, "#unsent", &[]).status, 303);
    assert!(note(&app).contains("Second line"));
}

#[test]
fn secrets_are_never_kept() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/settings/shopify/{}/secret", app.fixture.store_id);
    let token = owner.token();
    end_sessions(&app);
    let fields = [("csrf", token.as_str()), ("secret", "hush-hush-hush"), ("name", "Kept")];
    let lost = owner.post(&path, &fields);
    let login = owner.follow(&lost);
    let shown = owner.follow(&sign_in(&owner, &login, "owner@acme.example"));
    assert_eq!(shown.value_of("#unsent [name=name]"), "Kept");
    assert!(shown.has("#unsent input[type=password][name=secret]:not([value])"));
    assert!(!shown.text().contains("hush"));
}

#[test]
fn it_survives_two_factor_sign_in() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    two_factor::give(&mut conn, "owner@acme.example").unwrap();
    let owner = app.owner();
    let (page, form) = edit(&app, &owner);
    end_sessions(&app);
    let login = owner.follow(&owner.submit(&page, &form, &[("note", TYPED)]));
    let asked = sign_in(&owner, &login, "owner@acme.example");
    assert_eq!(asked.location(), Some("/login/code"));
    two_factor::forget_codes(&mut conn).unwrap();
    let shown = owner.follow(&two_factor::enter(&owner, &asked));
    assert_eq!(shown.value_of("#unsent [name=note]"), TYPED.replace("\r\n", "\n"));
}

async fn in_chromium(javascript: bool) {
    let app = actix_web::rt::task::spawn_blocking(TestApp::start).await.unwrap();
    let browser = match javascript {
        true => Browser::open(&app.base).await,
        false => Browser::open_without_javascript(&app.base).await,
    };
    browser.goto("/login").await;
    browser.fill("#f-email", "owner@acme.example").await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.shows("h1", &["Dashboard"]).await;
    browser.goto(&format!("/affiliates/{}", app.fixture.ben_id)).await;
    browser.fill("#f-note", "Typed for an hour").await;
    end_sessions(&app);
    browser.press("Save changes").await;
    // The page that was left has a field for an email, too.
    browser.find("#f-password").await;
    browser.fill("#f-email", "owner@acme.example").await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Typed for an hour").await;
    if javascript {
        browser.check_page("unsent-form").await;
    }
    browser.click("#unsent .btn-primary").await;
    browser.find(".notice.tone-good").await;
    assert_eq!(note(&app), "Typed for an hour");
}

#[actix_web::test]
async fn in_a_browser_what_was_typed_comes_back() {
    in_chromium(true).await;
}

#[actix_web::test]
async fn without_javascript_what_was_typed_comes_back() {
    in_chromium(false).await;
}

#[test]
fn what_was_typed_for_one_program_is_never_sent_to_another() {
    let app = TestApp::start();
    let stranger_id = app.fixture.stranger_merchant_id;
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    vouch::kit::db::in_scope(&mut conn, vouch::kit::db::Scope::Instance, |conn| {
        let actor = vouch::kit::audit::Actor::system(stranger_id, vouch::kit::clock::now());
        vouch::features::auth::join(
            conn,
            &actor,
            app.fixture.owner_id,
            vouch::kit::session::Role::Owner,
        )
    })
    .unwrap();
    let owner = app.owner();
    let chooser = owner.get("/programs");
    let [acme, borealis] =
        [app.fixture.merchant_id, stranger_id].map(|id| format!("[value=member-{id}]"));
    owner.submit(&chooser, &acme, &[]);
    let page = owner.get("/settings/general");
    end_sessions(&app);
    let lost = owner.submit(&page, "form[action='/settings/general']", &[("name", "Acme Coffee")]);
    let chooser = owner.follow(&sign_in(&owner, &owner.follow(&lost), "owner@acme.example"));
    let home = owner.follow(&owner.submit(&chooser, &borealis, &[]));
    assert!(!home.has("#unsent"));
    assert!(!owner.get("/unsent-form").has("#unsent"));
    let home = owner.submit(&owner.get("/programs"), &acme, &[]);
    assert_eq!(owner.follow(&home).value_of("#unsent [name=name]"), "Acme Coffee");
}
