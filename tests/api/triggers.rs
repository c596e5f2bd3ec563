//! Conversion triggers by the API.

use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::kit::db::schema::{affiliates, audit_log, triggers};

use super::{fits, new_key};
use crate::harness::{Page, TestApp, then};

pub(crate) const TRIGGERS: &str = "/api/v1/triggers";

pub(crate) fn post(app: &TestApp, key: &str, body: &Value) -> Page {
    let key = format!("Bearer {key}");
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    app.anonymous().send(TRIGGERS, &headers, body.to_string().as_bytes())
}

fn get(app: &TestApp, key: &str, path: &str) -> Page {
    app.anonymous().get_with(path, &[("authorization", &format!("Bearer {key}"))])
}

fn values(app: &TestApp) -> Vec<String> {
    app.within(|conn| triggers::table.order(triggers::id).select(triggers::value).load(conn))
}

#[test]
fn the_same_request_twice_answers_the_same_trigger() {
    let app = TestApp::start();
    let key = new_key(&app);
    let public_id: String = app.within(|conn| {
        affiliates::table
            .find((app.fixture.merchant_id, app.fixture.ben_id))
            .select(affiliates::public_id)
            .first(conn)
    });
    let first = post(&app, &key, &json!({ "affiliate": public_id, "value": "Ben10" }));
    assert_eq!(first.status, 201, "{}", first.text());
    let body =
        json!({ "affiliate": "BEN@affiliates.example", "type": "coupon_code", "value": "ben10" });
    let second = post(&app, &key, &body);
    assert_eq!((second.status, second.json()), (200, first.json()));
    let trigger = first.json();
    assert_eq!((&trigger["value"], &trigger["state"]), (&json!("Ben10"), &json!("active")));
    assert_eq!(trigger["affiliate"], "Ben Second");
    let shown = get(&app, &key, &format!("{TRIGGERS}/{}", trigger["id"].as_str().unwrap()));
    assert_eq!((shown.status, shown.json()), (200, trigger));
    let who: (String, String) = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("trigger.created"))
            .order(audit_log::id.desc())
            .select((audit_log::actor_kind, audit_log::actor_name))
            .first(conn)
    });
    assert_eq!(who, ("api".to_owned(), "My shop".to_owned()));
    // Another kind, then the list of them, and what is not there.
    let sku = json!({ "affiliate": public_id, "type": "sku", "value": "TEA-1" });
    assert_eq!(post(&app, &key, &sku).status, 201);
    let list = |query: &str| {
        let page = get(&app, &key, &format!("{TRIGGERS}?{query}"));
        assert_eq!(page.status, 200, "{}", page.text());
        let triggers = page.json()["triggers"].as_array().unwrap().clone();
        triggers.iter().map(|one| one["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(""), ["TEA-1", "Ben10", "ADA10"]);
    assert_eq!(list("type=coupon_code&affiliate=ben@affiliates.example"), ["Ben10"]);
    for (path, status, code) in [
        (format!("{TRIGGERS}?type=voucher"), 422, "invalid_query"),
        (format!("{TRIGGERS}?kind=sku"), 422, "invalid_query"),
        (format!("{TRIGGERS}?affiliate=nobody"), 422, "invalid_query"),
        (format!("{TRIGGERS}/999999"), 404, "not_found"),
        (format!("{TRIGGERS}/x"), 404, "not_found"),
        (format!("{TRIGGERS}/{}", app.fixture.stranger_trigger_id), 404, "not_found"),
    ] {
        let page = get(&app, &key, &path);
        assert_eq!((page.status, &page.json()["code"]), (status, &json!(code)), "{path}");
        assert_eq!(page.header("content-type"), Some("application/problem+json"), "{path}");
    }
    assert_eq!(get(&app, "nobody", TRIGGERS).status, 401);
}

#[test]
fn what_cannot_be_created_says_why_at_its_place_and_an_exclusion_can_be_overridden() {
    let app = TestApp::start();
    let key = new_key(&app);
    app.enable_exclusions(app.fixture.merchant_id);
    let new = NewExclusion {
        pattern: Pattern::parse("BLACKFRIDAY*").unwrap(),
        note: String::new(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    };
    app.within(|conn| Ok(exclusions::add(conn, &app.actor_at(then()), &new).unwrap()));
    let ben = "ben@affiliates.example";
    for (body, errors) in [
        (json!({ "affiliate": "nobody", "value": "two words" }), vec!["/affiliate", "/value"]),
        (json!({ "affiliate": ben, "value": "ada10" }), vec!["/value"]),
        (json!({ "affiliate": ben, "value": "X", "type": "voucher" }), vec!["/type"]),
        (json!({ "affiliate": ben }), vec![""]),
        (json!({ "affiliate": ben, "value": "X", "code": "Y" }), vec!["/code"]),
    ] {
        let answer = post(&app, &key, &body);
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.json();
        assert_eq!(problem["code"], "invalid_trigger");
        let found: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(found, errors, "{problem}");
    }
    let mut body = json!({ "affiliate": ben, "value": "BlackFriday-24" });
    let refused = post(&app, &key, &body);
    let detail = refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
    for named in ["BlackFriday-24", "BLACKFRIDAY*", "override_exclusions"] {
        assert!(detail.contains(named), "{named}: {detail}");
    }
    assert_eq!(values(&app), ["ADA10"]);
    body["override_exclusions"] = json!(true);
    assert_eq!(post(&app, &key, &body).status, 201);
    let params: Option<serde_json::Value> = app.within(|conn| {
        audit_log::table.order(audit_log::id.desc()).select(audit_log::params).first(conn)
    });
    assert_eq!(params.unwrap()["exclusion"], "BLACKFRIDAY*");
    body["override_exclusions"] = json!(false);
    assert_eq!(post(&app, &key, &body).status, 200, "it is there, and stays");

    let document = app.anonymous().get("/api/openapi.json").json();
    let operation = &document["paths"][TRIGGERS]["post"];
    for answer in [post(&app, &key, &body), refused, post(&app, "nobody", &body)] {
        let described = &operation["responses"][answer.status.to_string()];
        let kind = answer.header("content-type").unwrap().to_owned();
        let schema = &described["content"][&kind]["schema"];
        assert!(schema.is_object(), "{} {kind} is not described", answer.status);
        fits(&document, schema, &answer.json(), "");
    }
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    fits(&document, request, &body, "");
}
