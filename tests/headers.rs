//! What every answer says of itself, over the table of routes.

use crate::harness::{METRICS_TOKEN, Page, Person, TestApp};

use vouch::app::routes::TABLE;
use vouch::features::auth::RouteTable;

const HSTS: &str = "strict-transport-security";

/// A path of the table; whether there is what its parameters name makes no difference here.
fn filled(path: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push('1');
        rest = after.split_once('}').unwrap().1;
    }
    filled + rest
}

fn fault(answer: &Page, is_https: bool) -> Option<String> {
    let header = |name: &str| answer.header(name).unwrap_or_default();
    if header("x-content-type-options") != "nosniff" || header("content-security-policy").is_empty()
    {
        return Some("it lacks the security headers".to_owned());
    }
    if is_https != header(HSTS).contains("max-age=") {
        return Some(format!("{HSTS}: {:?}", answer.header(HSTS)));
    }
    let kind = header("content-type");
    if kind.is_empty() && !answer.body.is_empty() {
        return Some("it does not say what its content is".to_owned());
    }
    let is_text = kind.starts_with("text/") || kind.split(';').next().unwrap().ends_with("xml");
    if is_text && !kind.contains("charset=utf-8") {
        return Some(format!("{kind} without a charset"));
    }
    if answer.status == 405 && header("allow").is_empty() {
        return Some("405 without Allow".to_owned());
    }
    None
}

fn ask(person: &Person, method: &str, path: &str) -> Page {
    if method == "GET" { person.get(path) } else { person.post_signed(path, &[]) }
}

/// Every route by both methods, as no one and as the owner.
fn faults(app: &TestApp, is_https: bool) -> Vec<String> {
    let (nobody, owner) = (app.anonymous(), app.owner());
    let mut faults = Vec::new();
    let rows = TABLE.iter().map(|row| row.path);
    for path in rows.chain(["/nothing", "/api", "/api/nothing", "/static/nothing.css"]) {
        for method in ["GET", "POST"] {
            for person in [&nobody, &owner] {
                if path == "/logout" && method == "POST" {
                    continue;
                }
                let answer = ask(person, method, &filled(path));
                let fault = fault(&answer, is_https);
                let status = answer.status;
                faults.extend(fault.map(|what| format!("{method} {path} ({status}): {what}")));
            }
        }
    }
    faults
}

#[test]
fn every_answer_names_its_content_and_nothing_is_said_of_https_on_http() {
    let app = TestApp::start_with_usual_waits();
    let faults = faults(&app, false);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn behind_https_every_answer_asks_for_https_from_now_on() {
    let app = TestApp::start_https();
    let faults = faults(&app, true);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Also what no handler answers: the session cannot be read.
    let owner = app.owner();
    app.cut_off(false);
    let answer = owner.get("/dashboard");
    assert_eq!(answer.status, 503);
    assert!(answer.header(HSTS).is_some());
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::start_with_usual_waits();
    let person = app.anonymous();
    let routes = RouteTable(TABLE);
    for row in TABLE {
        let path = filled(row.path);
        let other = if row.method == "GET" { "POST" } else { "GET" };
        if TABLE.iter().any(|both| both.path == row.path && both.method == other) {
            continue;
        }
        let answer = ask(&person, other, &path);
        if other == "GET" && routes.page_of_form(row.path, &path).is_some() {
            assert_eq!(answer.status, 303, "{path}");
            continue;
        }
        if answer.status != 405 {
            // The filled path is also that of another row.
            assert_ne!(path, row.path, "{other} {path}: {}", answer.status);
            continue;
        }
        assert_eq!(
            answer.header("allow"),
            Some(routes.methods(row.path).as_str()),
            "{other} {path}"
        );
    }
    assert_eq!(routes.methods("/login"), "GET, HEAD, POST");
}

#[test]
fn the_url_of_a_rejected_form_leads_to_its_page() {
    let app = TestApp::start_with_usual_waits();
    let owner = app.owner();
    let wrong = owner.post_signed("/settings/team/invitations", &[("email", "no email")]);
    assert_eq!(wrong.status, 422);
    let reloaded = owner.get("/settings/team/invitations");
    assert_eq!((reloaded.status, reloaded.location()), (303, Some("/settings/team")));
    let nested = owner.get("/triggers/7/pushes/8/retry");
    assert_eq!((nested.status, nested.location()), (303, Some("/triggers/7")));
}

#[test]
fn below_api_what_is_refused_is_a_problem() {
    let app = TestApp::start_with_usual_waits();
    let person = app.anonymous();
    let answers = [
        (404, person.get("/api")),
        (404, person.get("/api/nothing")),
        (404, person.get("/api/v1/orders/1")),
        (404, person.send("/api/v2/orders", &[], b"{}")),
        (405, person.get("/api/v1/orders")),
        (405, person.send("/api/openapi.json", &[], b"{}")),
        (401, person.send("/api/v1/orders", &[], b"{}")),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.path);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{}", answer.path);
        assert_eq!(answer.json()["status"], status, "{}", answer.path);
        assert!(answer.json()["title"].is_string() && answer.json()["detail"].is_string());
        assert_eq!(status == 405, answer.header("allow").is_some(), "{}", answer.path);
    }
    assert_eq!(person.get("/api/v1/orders").header("allow"), Some("POST"));
    let page = person.get("/apiary");
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
}

#[test]
fn metrics_are_text_in_utf_8() {
    let app = TestApp::start_with_usual_waits();
    let bearer = format!("Bearer {METRICS_TOKEN}");
    let answer = app.anonymous().get_with("/metrics", &[("authorization", bearer.as_str())]);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[test]
fn a_page_is_plain_for_who_refuses_gzip() {
    let app = TestApp::start();
    let page = app.owner().get_with("/affiliates", &[("accept-encoding", "gzip;q=0, identity")]);
    assert_eq!((page.status, page.header("content-encoding")), (200, None));
    assert!(page.has("main"));
}

#[test]
fn who_signs_out_leaves_nothing_in_the_browser() {
    let app = TestApp::start_with_usual_waits();
    let owner = app.owner();
    let page = owner.get("/settings/general");
    let answer = owner.submit(&page, "form[action='/logout']", &[]);
    let cleared = answer.header("clear-site-data").unwrap();
    assert!(cleared.contains("\"cache\"") && cleared.contains("\"storage\""), "{cleared}");
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
}
