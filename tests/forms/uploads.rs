//! Forms with a file.

use diesel::prelude::*;
use vouch::kit::db::schema::{exclusions, imports, sessions};

use crate::harness::browser::Browser;
use crate::harness::{PASSWORD, Page, Person, TestApp};

const CODES: &[u8] = b"Affiliate,Type,Code\nben@affiliates.example,Coupon Code,TWICE10\n";
const UPLOAD: &str = "/settings/coupon-exclusions/uploads";

fn count(app: &TestApp) -> i64 {
    app.within(|conn| imports::table.count().get_result(conn))
}

fn send(person: &Person, page: &Page, content: &[u8]) -> Page {
    let form = page.form("form[enctype]");
    let fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| *name != "file").collect();
    person.post_file(&form.action, &fields, ("file", "codes.csv", content))
}

fn end_sessions(app: &TestApp) {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    diesel::delete(sessions::table).execute(&mut conn).unwrap();
}

#[test]
fn a_file_that_is_sent_twice_makes_one_import() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/triggers/imports/new");
    let others = [owner.clone(), owner.clone(), owner.clone()];
    let answers: Vec<(u16, Option<String>)> = std::thread::scope(|scope| {
        let page = &page;
        let sent: Vec<_> = others
            .into_iter()
            .map(|person| {
                scope.spawn(move || {
                    let answer = send(&person, page, CODES);
                    (answer.status, answer.location().map(str::to_owned))
                })
            })
            .collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(answers[0].0, 303);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(count(&app), 1);
    // Another file on the same page is another form.
    let other = send(&owner, &page, &CODES.to_ascii_uppercase());
    assert_eq!(other.status, 303);
    assert_ne!(other.location(), answers[0].1.as_deref());
    assert_eq!(count(&app), 2);
}

#[test]
fn exclusions_that_are_uploaded_twice_are_added_once() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let owner = app.owner();
    let page = owner.get(&format!("{UPLOAD}/new"));
    let file = b"Code,Description\nBLACK*,Ours\n";
    assert_eq!(send(&owner, &page, file).status, 200);
    let again = send(&owner, &page, file);
    assert_eq!((again.status, again.location()), (303, Some("/settings/coupon-exclusions")));
    let added: i64 = app.within(|conn| exclusions::table.count().get_result(conn));
    assert_eq!(added, 1);
}

#[test]
fn a_file_that_is_sent_without_a_session_has_to_be_chosen_again() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let owner = app.owner();
    let page = owner.get(&format!("{UPLOAD}/new"));
    end_sessions(&app);
    let token = page.value_of("form[enctype] [name=csrf]");
    let fields = [("csrf", token.as_str()), ("good_rows", "true")];
    let lost = owner.post_file(UPLOAD, &fields, ("file", "codes.csv", b"Code\nHUSH*\n"));
    assert_eq!(lost.status, 303);
    let login = owner.follow(&lost);
    let typed = [("email", "owner@acme.example"), ("password", PASSWORD)];
    let shown = owner.follow(&owner.submit(&login, "main form", &typed));
    assert_eq!(shown.value_of("#unsent [name=good_rows]"), "true");
    assert!(shown.has("#unsent[enctype] input[type=file][name=file]"));
    assert!(shown.says("codes.csv") && !shown.says("HUSH"));
    let sent = send(&owner, &shown, b"Code\nHUSH*\n");
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(owner.get("/unsent-form").status, 303, "it's gone once it was sent");
}

#[test]
fn a_file_of_an_earlier_session_has_to_be_chosen_again() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/triggers/imports/new");
    owner.submit(&owner.get("/dashboard"), "form[action='/logout']", &[]);
    let typed = [("email", "owner@acme.example"), ("password", PASSWORD)];
    owner.submit(&owner.get("/login"), "main form", &typed);
    let shown = owner.follow(&send(&owner, &page, CODES));
    assert_eq!(count(&app), 0);
    assert_eq!(send(&owner, &shown, CODES).status, 303);
    assert_eq!(count(&app), 1);
}

#[test]
fn a_file_without_the_proof_of_a_page_is_not_kept() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let stranger = app.anonymous();
    let sent = stranger.post_file("/triggers/imports", &[("csrf", "x")], ("file", "a.csv", CODES));
    assert_eq!(sent.status, 303);
    let kept: i64 = sessions::table.count().get_result(&mut conn).unwrap();
    assert_eq!(kept, 0);
}

#[actix_web::test]
async fn in_a_browser_a_double_click_uploads_once_and_a_lost_session_asks_for_the_file() {
    let app = actix_web::rt::task::spawn_blocking(TestApp::start).await.unwrap();
    let file = std::env::temp_dir().join(format!("vouch-codes-{}.csv", std::process::id()));
    std::fs::write(&file, CODES).unwrap();
    let browser = Browser::open(&app.base).await;
    let sign_in = async || {
        browser.fill("#f-email", "owner@acme.example").await;
        browser.fill("#f-password", PASSWORD).await;
        browser.press("Sign in").await;
    };
    browser.goto("/login").await;
    sign_in().await;
    browser.shows("h1", &["Dashboard"]).await;
    browser.goto("/triggers/imports/new").await;
    let choose = async || {
        let field = browser.find("#f-file").await;
        field.send_keys(file.to_str().unwrap()).await.unwrap();
    };
    choose().await;
    end_sessions(&app);
    browser.click("form[enctype] .btn-primary").await;
    sign_in().await;
    browser.find("#unsent [type=file]").await;
    browser.check_page("unsent-file").await;
    choose().await;
    browser.click("#unsent .btn-primary").await;
    browser.sees("TWICE10").await;
    assert_eq!(count(&app), 1);
    std::fs::remove_file(&file).unwrap();
}
