//! Whatever goes wrong between Vouch and a store: in the end the code is there once, and the page
//! says how it stands.

use std::time::Duration as Span;

use chrono::Duration;
use vouch::clock;

use super::{call_out, code, creating_in, problem, status};
use crate::harness::stores::{Fault, StandIn};

/// Only the creation of a code has this in its body.
const CREATION: &str = "discountCodeBasicCreate";

#[test]
fn a_code_survives_every_fault_of_its_creation_and_is_there_once() {
    let faults = [
        Fault::html(),
        Fault::status(500),
        Fault::status(503),
        Fault::redirect("https://evil.example/"),
        Fault::Lost,
        Fault::LostAfterWrite,
        Fault::Truncated,
        Fault::Huge,
        Fault::shopify_throttled(3.0),
    ];
    let shop = StandIn::shopify();
    let app = creating_in(&shop);
    for (at, fault) in faults.into_iter().enumerate() {
        let name = format!("{fault:?}").chars().take(60).collect::<String>();
        let value = format!("CODE{at}");
        let id = code(&app, &value);
        shop.once(CREATION, fault);
        let now = clock::now();
        call_out(&app, now);
        let (first, reason) = status(&app, id);
        assert!(["queued", "failed"].contains(&first.as_str()), "{name}: {first} {reason}");
        assert_eq!(problem(&app), None, "{name}");
        if first == "failed" {
            assert!(!reason.is_empty(), "{name}");
            let push = super::push_id(&app, id);
            app.within(|conn| vouch::pushes::retry(conn, &app.actor(), id, push));
        }
        call_out(&app, now + Duration::hours(1));
        assert_eq!(status(&app, id).0, "pushed", "{name}: {}", status(&app, id).1);
        let held = shop.store().codes().iter().filter(|held| **held == value).count();
        assert_eq!(held, 1, "{name}");
    }
}

#[test]
fn a_store_that_answers_too_late_gets_the_code_once() {
    let shop = StandIn::shopify();
    let app = creating_in(&shop);
    let id = code(&app, "SPRING");
    shop.once(CREATION, Fault::Late(Span::from_secs(11)));
    let now = clock::now();
    call_out(&app, now);
    assert_eq!(status(&app, id).0, "queued");
    std::thread::sleep(Span::from_secs(2));
    call_out(&app, now + Duration::minutes(10));
    assert_eq!(status(&app, id).0, "pushed");
    assert_eq!(shop.store().codes(), ["SPRING"]);
}

#[test]
fn a_revoked_token_and_a_missing_scope_stop_the_store_with_words() {
    type Breaking = fn(&mut crate::harness::stores::shopify::Shop);
    let breakings: [Breaking; 2] =
        [|shop| shop.tokens.clear(), |shop| shop.scopes.retain(|scope| scope == "read_orders")];
    for broken in breakings {
        let shop = StandIn::shopify();
        let app = creating_in(&shop);
        broken(&mut shop.store());
        let id = code(&app, "SPRING");
        call_out(&app, clock::now());
        let words = problem(&app).expect("the store rests");
        assert!(words.ends_with('.') && words.len() > 20, "{words}");
        assert!(!words.contains("shpat_"), "{words}");
        assert_eq!(status(&app, id).0, "queued");
        assert!(app.owner().get("/dashboard").says(&words), "{words}");
    }
}

#[test]
fn a_code_in_another_case_is_the_stores_own() {
    let shop = StandIn::shopify();
    let app = creating_in(&shop);
    shop.store().add_discount("spring", 0.1);
    let id = code(&app, "SPRING");
    call_out(&app, clock::now());
    assert_eq!(status(&app, id).0, "in_store");
    assert_eq!(shop.store().codes(), ["spring"]);
}
