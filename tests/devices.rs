//! Where a person is signed in, and the means to end it.

use crate::harness::{PASSWORD, Person, TestApp};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Signs in with a browser of that kind, from an address.
fn sign_in(app: &TestApp, email: &str, browser: &str, from: &str) -> Person {
    let person = app.anonymous();
    let token = person.token();
    let fields = [("csrf", token.as_str()), ("email", email), ("password", PASSWORD), ("next", "")];
    let headers = [("user-agent", browser), ("x-forwarded-for", from)];
    assert_eq!(person.post_with("/login", &fields, &headers).status, 303);
    person
}

#[test]
fn a_person_sees_where_they_are_signed_in_and_ends_it_there() {
    let app = TestApp::start();
    let here = sign_in(&app, "owner@acme.example", FIREFOX, "192.0.2.7");
    let there = sign_in(&app, "owner@acme.example", "curl/8", "203.0.113.5");
    let _other = sign_in(&app, "admin@acme.example", "Other", "198.51.100.1");
    let page = here.get("/account/sessions");
    assert_eq!(page.all(".devices li").len(), 2, "{}", page.text());
    assert!(page.all(".devices strong").contains(&"Firefox on Linux".to_owned()));
    assert!(page.says("192.0.2.7") && page.says("203.0.113.5"));
    assert!(!page.text().contains("198.51.100.1"), "nobody else’s");
    assert_eq!(page.all(".devices form").len(), 1, "not the one that looks");

    let answer = here.submit(&page, ".devices form", &[]);
    assert_eq!((answer.status, answer.location()), (303, Some("/account/sessions")));
    assert!(there.get("/dashboard").location().unwrap().starts_with("/login"));
    assert_eq!(here.get("/dashboard").status, 200);
    assert_eq!(here.submit_again(&page, ".devices form", &[]).status, 404, "it is gone");
    assert_eq!(here.get("/account/sessions").all(".devices li").len(), 1);
}

#[test]
fn all_others_end_at_once_and_nobody_elses() {
    let app = TestApp::start();
    let (here, other) = (app.owner(), app.admin());
    let there = [app.owner(), app.owner()];
    let page = here.get("/account/sessions");
    assert_eq!(page.all(".devices li").len(), 3);
    let answer = here.submit(&page, "form[action$='/others/removal']", &[]);
    assert_eq!(answer.status, 303);
    assert_eq!(here.follow(&answer).tone().as_deref(), Some("good"));
    for person in there {
        assert!(person.get("/dashboard").location().unwrap().starts_with("/login"));
    }
    assert_eq!((here.get("/dashboard").status, other.get("/dashboard").status), (200, 200));
}

#[test]
fn somebody_elses_session_cannot_be_ended() {
    let app = TestApp::start();
    let (owner, second, stranger) = (app.owner(), app.owner(), app.stranger());
    let page = owner.get("/account/sessions");
    let action = page.attribute(".devices form", "action").unwrap();
    assert_eq!(stranger.post_signed(&action, &[]).status, 404);
    assert_eq!(stranger.post_signed("/account/sessions/made-up/removal", &[]).status, 404);
    assert_eq!(second.get("/dashboard").status, 200);
}
