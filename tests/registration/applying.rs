use diesel::prelude::*;
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::features::registration::{CodeRequirement, CustomField, FieldKind, Registration};
use vouch::kit::db::schema::applications;

use super::{
    JOIN, affiliate, applied, apply, apply_at, emails_to, open, open_stranger, open_with, send,
    verdict,
};
use crate::harness::TestApp;

#[test]
fn an_application_waits_for_its_letter_and_reserves_nothing() {
    let app = TestApp::start();
    open(&app);
    let person = app.anonymous();
    let page = person.get(JOIN);
    assert!(page.one("h1").contains("Acme Tea"));
    let fields = [("name", "Nia New"), ("email", "nia@new.example"), ("code", "Nia10")];
    let answer = send(&person, &page, &fields);
    assert_eq!((answer.status, answer.location()), (303, Some("/join/acme-tea/sent")));
    let sent = person.follow(&answer);
    assert!(sent.says("Acme Tea") && sent.has("#reserves-code"));
    assert_eq!(affiliate(&app, "nia@new.example"), None);
    let emails = emails_to(&app, "nia@new.example");
    assert_eq!(emails.len(), 1);
    assert!(emails[0].0.contains("Acme Tea") && emails[0].1.contains("/confirmations/"));
    assert!(!emails[0].1.contains("Nia"), "{}", emails[0].1);
    // Somebody else can still have the code.
    assert_eq!(apply(&app, "Noa", "noa@new.example", "nia10").status, 303);
    assert_eq!(
        applied(&app, "Noa", "noa@new.example", "NIA10"),
        affiliate(&app, "noa@new.example").unwrap().0
    );
}

#[test]
fn a_code_that_cannot_be_had_says_why_and_offers_three() {
    let app = TestApp::start();
    open(&app);
    applied(&app, "Nia", "nia@new.example", "NIA10");
    for (code, reason) in [
        ("ada10", Some("taken")),
        ("nia10", Some("taken")),
        ("two words", Some("malformed")),
        (&"x".repeat(51), Some("malformed")),
        ("", None),
    ] {
        let answer = apply(&app, "Noa New", "noa@new.example", code);
        assert_eq!(answer.status, 422, "{code}");
        assert!(answer.has("#code-verdict .field-error"), "{code}: {}", answer.text());
        assert_eq!(verdict(&answer).as_deref(), reason, "{code}");
        assert_eq!(answer.value_of("[name=code]"), code);
        assert_eq!(answer.value_of("[name=name]"), "Noa New");
        let offered = answer.values("[name=instead]", "value");
        assert_eq!(offered.len(), if reason == Some("taken") { 3 } else { 0 }, "{code}");
    }
    assert!(emails_to(&app, "noa@new.example").is_empty());
    // Whatever else is wrong, the code's refusal is said with it.
    let answer = apply(&app, "", "noa", "ada10");
    assert_eq!(answer.status, 422);
    assert_eq!(answer.values("#error-summary a", "href"), ["#f-name", "#f-email", "#f-code"]);
    assert_eq!(verdict(&answer).as_deref(), Some("taken"));
    // A suggestion counts instead of what was typed, and none of them is reserved.
    let person = app.anonymous();
    let fields = [("name", "Noa"), ("email", "noa@new.example"), ("code", "NIA10")];
    let refused = send(&person, &person.get(JOIN), &fields);
    let offered = refused.values("[name=instead]", "value");
    let token = refused.value_of("[name=csrf]");
    let chosen = [
        ("csrf", token.as_str()),
        ("name", "Noa"),
        ("email", "noa@new.example"),
        ("code", "NIA10"),
        ("instead", offered[0].as_str()),
    ];
    assert_eq!(person.post(JOIN, &chosen).status, 303);
    assert_eq!(emails_to(&app, "noa@new.example").len(), 1);
    let requested: Option<String> = app.within(|conn| {
        applications::table
            .filter(applications::email.eq("noa@new.example"))
            .select(applications::code)
            .first(conn)
    });
    assert_eq!(requested.as_ref(), offered.first());
}

#[test]
fn an_excluded_code_is_refused_with_the_reason_and_codes_that_are_not() {
    let app = TestApp::start();
    open(&app);
    let actor = app.actor();
    let new = NewExclusion {
        pattern: Pattern::parse("BLACKFRIDAY*").unwrap(),
        note: "Our own campaign, a secret".to_owned(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    };
    app.within(|conn| {
        exclusions::add(conn, &actor, &new).unwrap();
        Ok(())
    });
    // Off until support has enabled it.
    apply(&app, "Early Bird", "early@new.example", "BLACKFRIDAY-1");
    assert_eq!(emails_to(&app, "early@new.example").len(), 1);
    app.within(|conn| exclusions::enable(conn, &actor, true, "Asked for it"));
    let refused = apply(&app, "Nia New", "nia@new.example", "BlackFriday-24");
    assert_eq!(refused.status, 422);
    assert_eq!(verdict(&refused).as_deref(), Some("excluded"));
    assert!(!refused.text().contains("BLACKFRIDAY*"));
    assert!(!refused.text().contains("secret"));
    let offered = refused.values("[name=instead]", "value");
    assert_eq!(offered.len(), 3);
    assert!(offered.iter().all(|code| !code.starts_with("BLACKFRIDAY")), "{offered:?}");
    // Nor does a link help that was sent before.
    let person = app.anonymous();
    let page = person.get(&super::link_to(&app, "early@new.example"));
    assert_eq!(verdict(&page).as_deref(), Some("excluded"));
    assert_eq!(send(&person, &page, &[]).status, 422);
    assert_eq!(send(&person, &page, &[("code", &offered[0])]).status, 303);
}

#[test]
fn nothing_of_other_affiliates_is_told() {
    let app = TestApp::start();
    open(&app);
    applied(&app, "Nia Canary", "nia-canary@new.example", "NIA10");
    let mut pages = vec![apply(&app, "Noa", "noa@new.example", "NIA10")];
    pages.push(apply(&app, "Noa", "noa@new.example", "ADA10"));
    let person = app.anonymous();
    pages.push(person.get_with("/join/acme-tea/code?code=ADA10", &[("hx-request", "true")]));
    for page in pages {
        let text = page.text().to_lowercase();
        for secret in ["ada active", "affiliates.example", "canary", "pending", "reserved for"] {
            assert!(!text.contains(secret), "{secret} on {}: {text}", page.path);
        }
    }
}

#[test]
fn a_code_is_looked_up_while_one_types() {
    let app = TestApp::start();
    open(&app);
    let person = app.anonymous();
    let look = |code: &str| {
        let path = format!("/join/acme-tea/code?name=Noa&code={}", vouch::kit::urls::encode(code));
        person.get_with(&path, &[("hx-request", "true")])
    };
    assert!(look("NOA10").one(".code-free").contains("NOA10"));
    let taken = look("ada10");
    assert!(verdict(&taken).as_deref() == Some("taken") && !taken.has("main"));
    let free = taken.values("button[type=button][data-fill=f-code]", "value");
    assert_eq!(free.len(), 3, "they go into the field, and send nothing");
    assert_eq!(verdict(&look("no space")).as_deref(), Some("malformed"));
    assert!(!look(" ").has("p"));
    // Without a script it is no page.
    assert_eq!(person.get("/join/acme-tea/code?code=NOA10").location(), Some(JOIN));
    let refused = (0..130).filter(|_| look("NOA10").status == 429).count();
    assert!((1..20).contains(&refused), "{refused}");
}

#[test]
fn whoever_is_known_gets_the_same_answer_and_a_fitting_letter() {
    let app = TestApp::start();
    open(&app);
    let pending = applied(&app, "Nia", "nia@new.example", "NIA10");
    let strange = apply(&app, "Noa", "noa@new.example", "NOA10");
    for (email, may_sign_in) in [("Nia@New.example", false), ("ada@affiliates.example", true)] {
        let answer = apply(&app, "Somebody", email, "SOMEBODY");
        assert_eq!((answer.status, answer.location()), (strange.status, strange.location()));
        assert_eq!(answer.text(), strange.text());
        let emails = emails_to(&app, email);
        assert_eq!(emails[0].1.contains("/login"), may_sign_in, "{}", emails[0].1);
        assert!(!emails[0].1.contains("/confirmations/"));
    }
    assert_eq!(affiliate(&app, "nia@new.example"), Some((pending, "pending".to_owned())));
}

#[test]
fn programs_that_fill_in_everything_get_a_kind_answer_and_nothing_else() {
    let app = TestApp::start();
    open(&app);
    let person = app.anonymous();
    let fields =
        [("name", "Bot"), ("email", "bot@new.example"), ("code", "BOT10"), ("fax_extension", "x")];
    let answer = send(&person, &person.get(JOIN), &fields);
    assert_eq!((answer.status, answer.location()), (303, Some("/join/acme-tea/sent")));
    assert!(emails_to(&app, "bot@new.example").is_empty());
}

#[test]
fn one_address_sends_ten_forms_a_minute_and_nobody_is_flooded_with_letters() {
    let app = TestApp::start();
    open(&app);
    let person = app.anonymous();
    let page = person.get(JOIN);
    let sent = |email: &str| {
        person.submit(&page, "form", &[("name", "Nia"), ("email", email), ("code", "NIA10")])
    };
    let statuses: Vec<u16> = (0..12).map(|at| sent(&format!("n{at}@new.example")).status).collect();
    assert_eq!(&statuses[..10], [303; 10]);
    assert_eq!(&statuses[10..], [429; 2]);
    for _ in 0..5 {
        assert_eq!(apply(&app, "Nia", "flooded@new.example", "NIA10").status, 303);
    }
    assert_eq!(emails_to(&app, "flooded@new.example").len(), 3);
}

#[test]
fn a_program_that_is_closed_says_so_and_one_without_a_page_has_none() {
    let app = TestApp::start();
    let person = app.anonymous();
    for path in
        ["/join/acme-tea", "/join/nobody", "/join/acme-tea/sent", "/join/acme-tea/confirmed"]
    {
        assert_eq!(person.get(path).status, 404, "{path}");
    }
    open(&app);
    let page = person.get(JOIN);
    open_with(&app, Registration::default());
    let closed = person.get(JOIN);
    assert!(closed.has("#closed") && closed.says("Acme Tea"));
    let fields = [("name", "Nia"), ("email", "nia@new.example"), ("code", "NIA10")];
    let answer = send(&person, &page, &fields);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#closed"));
    assert!(emails_to(&app, "nia@new.example").is_empty());
    assert_eq!(person.post_signed("/join/nobody", &fields).status, 404);
}

#[test]
fn what_the_merchant_asks_for_is_asked_for() {
    let app = TestApp::start();
    let field =
        |label: &str, kind, required| CustomField { label: label.to_owned(), kind, required };
    let registration = Registration {
        is_open: true,
        code_requirement: CodeRequirement::No,
        intro: "Tea <b>lovers</b> wanted.".to_owned(),
        terms: "Be kind.\nAlways.".to_owned(),
        fields: vec![
            field("Your page", FieldKind::Link, true),
            field("About you", FieldKind::Lines, false),
            field("I am of age", FieldKind::Tick, true),
        ],
        ..Registration::default()
    };
    open_with(&app, registration);
    let person = app.anonymous();
    let page = person.get(JOIN);
    assert!(page.says("Tea <b>lovers</b> wanted.") && page.says("Be kind. Always."));
    assert!(!page.has("[name=code]"));
    let wrong = [
        ("name", " "),
        ("email", "nia"),
        ("answer_0", "javascript:alert(1)"),
        ("answer_1", "Two\nlines"),
    ];
    let refused = send(&person, &page, &wrong);
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.values("#error-summary a", "href"),
        ["#f-name", "#f-email", "#f-answer_0", "#f-answer_2", "#f-terms"]
    );
    assert_eq!(refused.value_of("[name=answer_0]"), "javascript:alert(1)");
    assert_eq!(refused.one("textarea[name=answer_1]"), "Two lines");
    let token = refused.value_of("[name=csrf]");
    let right = [
        ("csrf", token.as_str()),
        ("name", "Nia"),
        ("email", "nia@new.example"),
        ("answer_0", "https://nia.example/tea"),
        ("answer_2", "true"),
        ("terms", "true"),
    ];
    let sent = person.post(JOIN, &right);
    assert_eq!(sent.status, 303);
    assert!(!person.follow(&sent).has("#reserves-code"), "there is no code");
    super::confirm(&app, "nia@new.example");
    let (id, _) = affiliate(&app, "nia@new.example").unwrap();
    let shown = app.owner().get(&format!("/affiliates/{id}"));
    let facts = shown.all("section[aria-labelledby=application] dt");
    assert_eq!(facts[1..], ["Your page", "I am of age"]);
    assert!(shown.says("https://nia.example/tea"));
}

#[test]
fn two_programs_take_the_same_person_with_the_same_code() {
    let app = TestApp::start();
    open(&app);
    open_stranger(&app);
    applied(&app, "Nia", "nia@new.example", "NIA10");
    let answer = apply_at(&app, "/join/borealis-books", "Nia", "nia@new.example", "NIA10");
    assert_eq!(answer.status, 303);
    assert!(emails_to(&app, "nia@new.example")[0].0.contains("Borealis Books"));
    // A link belongs to its program.
    let link = super::link_to(&app, "nia@new.example");
    let elsewhere = link.replace("borealis-books", "acme-tea");
    assert_eq!(app.anonymous().get(&elsewhere).status, 410);
    assert_eq!(super::confirm(&app, "nia@new.example").status, 303);
    assert_eq!(super::requests(&app, "NIA10").len(), 1);
}
