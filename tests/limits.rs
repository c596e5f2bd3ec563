//! What one visitor or one merchant can take of the server, and what is left to the others.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;
use vouch::kit::db::schema::sessions;
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::error::AppError;

use crate::harness::{PASSWORD, Page, Person, TestApp, on_this_machine, two_factor};

const OWNER: &str = "owner@acme.example";

fn session_rows(app: &TestApp) -> i64 {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Unowned, |conn| sessions::table.count().get_result(conn)).unwrap()
}

fn sign_in(person: &Person, page: &Page, password: &str) -> Page {
    person.submit(page, "main form", &[("email", OWNER), ("password", password)])
}

#[test]
fn forms_that_anyone_may_look_at_leave_no_row() {
    let app = TestApp::start();
    let paths = ["/login", "/password-resets/new", "/invitations/1-made-up", "/login?next=/orders"];
    for path in paths.iter().cycle().take(500) {
        let page = app.anonymous().get(path);
        assert!(page.status < 500, "{path}: {}", page.status);
        assert!(
            page.header("set-cookie").is_some_and(|cookie| cookie.starts_with("__Host-vouch="))
        );
    }
    let person = app.anonymous();
    let page = person.get("/login");
    assert_eq!(sign_in(&person, &page, "wrong").status, 422);
    // A message for the next page is no reason either.
    let page = person.get("/password-resets/new");
    let asked = person.submit(&page, "main form", &[("email", "nobody@acme.example")]);
    assert!(person.follow(&asked).has("[role=status], .alert, .flash"));
    assert_eq!(session_rows(&app), 0);

    let page = person.get("/login");
    assert_eq!(sign_in(&person, &page, PASSWORD).status, 303);
    assert_eq!(session_rows(&app), 1);
    let page = person.get("/settings/general");
    assert_eq!(person.submit(&page, "form[action='/logout']", &[]).status, 303);
    assert_eq!(session_rows(&app), 0);
}

#[test]
fn a_session_in_the_cookie_is_taken_only_as_it_was_signed() {
    let app = TestApp::start();
    let person = app.anonymous();
    let page = person.get("/login");
    let cookie = person.cookie().unwrap();
    let token = page.value_of("input[name=csrf]");
    assert!(cookie.contains(&token), "the test knows where the state is");
    let forged = cookie.replace(&token, &"x".repeat(token.len()));
    for (cookie, token) in [(forged.clone(), "x".repeat(token.len())), (forged, token)] {
        let thief = app.anonymous();
        thief.set_cookie(Some(cookie));
        let fields =
            [("csrf", token.as_str()), ("email", OWNER), ("password", PASSWORD), ("next", "")];
        assert_eq!(thief.post("/login", &fields).status, 403);
    }
    // What is signed says nothing of a user, even after the password.
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    two_factor::give(&mut conn, OWNER).unwrap();
    assert_eq!(sign_in(&person, &page, PASSWORD).location(), Some("/login/code"));
    assert!(!person.cookie().unwrap().contains("user_id"));
    assert_eq!(session_rows(&app), 1);
}

#[test]
fn wrong_codes_count_also_for_who_brings_an_earlier_cookie() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    two_factor::give(&mut conn, OWNER).unwrap();
    let person = app.anonymous();
    let page = person.get("/login");
    let answer = sign_in(&person, &page, PASSWORD);
    let page = person.follow(&answer);
    let cookie = person.cookie();
    let outcomes: Vec<u16> = (0..5)
        .map(|_| {
            person.set_cookie(cookie.clone());
            person.submit(&page, "main form", &[("code", "000000")]).status
        })
        .collect();
    assert_eq!(outcomes, [422, 422, 422, 422, 303]);
    person.set_cookie(cookie);
    assert_eq!(person.get("/login/code").location(), Some("/login"));
}

/// A store that takes connections and says nothing until it is let go.
struct SilentStore {
    base: String,
    let_go: mpsc::Sender<()>,
}

impl SilentStore {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (let_go, told) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            listener.set_nonblocking(true).unwrap();
            let mut held = Vec::new();
            while told.recv_timeout(Duration::from_millis(5))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                held.extend(listener.accept().map(|(connection, _)| connection));
            }
        });
        Self { base, let_go }
    }
}

#[test]
fn a_silent_store_holds_up_its_merchant_alone() {
    let (app, silent) = (TestApp::start(), SilentStore::start());
    let store = crate::bigcommerce::connect(&app, &silent.base);
    let (owner, stranger) = (app.owner(), app.stranger());
    let path = format!("/settings/bigcommerce/{}/access", store.id);
    let tokens: Vec<String> = (0..30).map(|_| owner.token()).collect();
    let token = owner.token();
    let checks: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let (owner, path) = (owner.clone(), path.clone());
            std::thread::spawn(move || owner.post(&path, &[("csrf", &token)]))
        })
        .collect();
    // Until the last of them is answered or waits for the store.
    let begun = Instant::now();
    while checks.iter().filter(|check| check.is_finished()).count() < 28 {
        assert!(
            begun.elapsed() < on_this_machine(Duration::from_secs(8)),
            "all but two are refused at once"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    for person in [&stranger, &app.anonymous()] {
        let asked = Instant::now();
        assert!(person.get("/login").status < 400);
        assert!(asked.elapsed() < on_this_machine(Duration::from_secs(1)), "{:?}", asked.elapsed());
    }
    assert_eq!(owner.get("/dashboard").status, 200, "nor does the merchant wait for their pages");
    silent.let_go.send(()).unwrap();
    let answers: Vec<Page> = checks.into_iter().map(|check| check.join().unwrap()).collect();
    let refused: Vec<&Page> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 28);
    assert!(refused.iter().all(|answer| answer.header("retry-after").is_some()));
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 2);
    assert_eq!(owner.post(&path, &[("csrf", &token)]).status, 303, "there is room again");
}

#[test]
fn a_flood_of_passwords_is_answered_and_bounded() {
    let app = TestApp::start();
    let person = app.anonymous();
    let token = person.token();
    let attempts: Vec<_> = (0..120)
        .map(|number| {
            let (person, token) = (person.clone(), token.clone());
            std::thread::spawn(move || {
                let email = format!("nobody{number}@example.com");
                let fields =
                    [("csrf", token.as_str()), ("email", &email), ("password", "x"), ("next", "")];
                let from = format!("198.18.0.{number}");
                person.post_with("/login", &fields, &[("x-forwarded-for", from.as_str())])
            })
        })
        .collect();
    for answer in attempts.into_iter().map(|attempt| attempt.join().unwrap()) {
        assert!([422, 429].contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.status == 429, answer.header("retry-after").is_some());
    }
}

#[test]
fn an_email_that_is_too_long_is_refused_like_any_other() {
    let app = TestApp::start();
    let person = app.anonymous();
    let page = person.get("/login");
    let long = format!("{}@example.com", "x".repeat(50_000));
    let answer = person.submit(&page, "main form", &[("email", &long), ("password", PASSWORD)]);
    assert_eq!(answer.status, 422);
}

/// Sends raw bytes and answers the status.
fn raw(app: &TestApp, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_head_of_a_request_is_bounded() {
    let app = TestApp::start();
    let ask = |path: &str, header: &str| {
        raw(&app, format!("GET {path} HTTP/1.1\r\nhost: vouch\r\n{header}\r\n\r\n").as_bytes())
    };
    let long = |length: usize| "x".repeat(length);
    assert_eq!(ask("/login", "cookie: a=b"), 200);
    assert_eq!(ask(&format!("/login?q={}", long(9_000)), "cookie: a=b"), 414);
    assert_eq!(ask("/login", &format!("cookie: a={}", long(33_000))), 431);
    let many: Vec<String> = (0..200).map(|number| format!("x-{number}: y")).collect();
    assert_eq!(ask("/login", &many.join("\r\n")), 431);
}

#[test]
fn a_refused_head_is_answered_in_the_readers_form_with_our_headers() {
    let app = TestApp::start();
    let long = "x".repeat(33_000);
    let url = |path: &str| format!("{path}?q={}", &long[..9_000]);
    for (path, kind) in [("/login", "text/html"), ("/api/v1/triggers", "application/problem+json")]
    {
        let person = app.anonymous();
        let answers = [
            (person.get(&url(path)), 414),
            (person.get_with(path, &[("x-long", long.as_str())]), 431),
        ];
        for (answer, status) in answers {
            assert_eq!(answer.status, status, "{path}");
            let content = answer.header("content-type").unwrap();
            assert!(content.starts_with(kind), "{path}: {content}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            if path.starts_with("/api") {
                assert_eq!(answer.json()["status"], status);
            }
        }
    }
}

#[test]
fn emails_that_members_and_support_cause_are_limited() {
    const IVY: &str = "ivy@acme.example";
    let app = TestApp::start();
    let (owner, support) = (app.owner(), app.support());
    let invitations = "/settings/team/invitations";
    let fields = [("email", IVY), ("role", "viewer")];
    assert_eq!(owner.post_signed(invitations, &fields).status, 303);
    let page = owner.get("/settings/team");
    let again = page.attribute("form[action$='/sending']", "action").unwrap();
    let of_support = format!(
        "/support/merchants/{}{}",
        app.fixture.merchant_id,
        again.strip_prefix("/settings/team").unwrap()
    );
    let resent = (0..3).filter(|_| owner.post_signed(&again, &[]).status == 303).count();
    assert_eq!(resent, 3);
    assert_eq!(support.post_signed(&of_support, &[]).status, 303);
    for (person, path, fields) in [
        (&owner, again.as_str(), &[][..]),
        (&support, of_support.as_str(), &[][..]),
        (&owner, invitations, &fields[..]),
    ] {
        let refused = person.post_signed(path, fields);
        assert_eq!(refused.status, 429, "{path}");
        assert!(refused.header("retry-after").is_some());
    }
    let portal = format!("/affiliates/{}/invitation", app.fixture.ben_id);
    let sent = (0..8).filter(|_| owner.post_signed(&portal, &[]).status == 303).count();
    assert_eq!(sent, 5);
    let other = [("email", "jon@acme.example"), ("role", "viewer")];
    assert_eq!(owner.post_signed(invitations, &other).status, 303, "another address");
}

#[test]
fn the_parts_of_an_upload_are_bounded() {
    let app = TestApp::start();
    let (owner, path) = (app.owner(), "/triggers/imports");
    let token = owner.token();
    let file = ("file", "codes.csv", &b"Affiliate,Code\n"[..]);
    let with = |fields: &[(&str, &str)], name: &str| {
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        owner.post_file(path, &all, (file.0, name, file.2)).status
    };
    assert!(with(&[], "codes.csv") < 400 || with(&[], "codes.csv") == 422);
    assert_eq!(with(&[("x", ""); 5_000], "codes.csv"), 413, "too many parts");
    assert_eq!(with(&[("x", &"y".repeat(100_000))], "codes.csv"), 413, "too long a field");
    assert_eq!(with(&[], &"x".repeat(100_000)), 400, "too long a header of a part");
}

fn statement_timeout(conn: &mut PgConnection) -> QueryResult<String> {
    diesel::select(diesel::dsl::sql::<Text>("current_setting('statement_timeout')"))
        .get_result(conn)
}

#[test]
fn statements_of_pages_and_of_jobs_have_each_their_time() {
    let app = TestApp::start_with_usual_waits();
    let db = app.db.clone();
    let of_page = actix_web::rt::System::new()
        .block_on(async move { db.run(Scope::Unowned, statement_timeout).await })
        .unwrap();
    let of_job = app.db.run_blocking(Scope::Unowned, statement_timeout).unwrap();
    assert_eq!((of_page.as_str(), of_job.as_str()), ("4500ms", "1min"));
}

#[test]
fn a_statement_that_takes_too_long_is_answered_as_busy() {
    let app = TestApp::start();
    let outcome: Result<usize, AppError> = app.db.run_blocking(Scope::Unowned, |conn| {
        diesel::sql_query("SET LOCAL statement_timeout = '50ms'").execute(conn)?;
        diesel::sql_query("SELECT pg_sleep(5)").execute(conn)
    });
    assert!(matches!(outcome, Err(AppError::Unavailable)), "{outcome:?}");
}
