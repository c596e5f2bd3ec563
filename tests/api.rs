//! The REST API: keys, orders of any store, problems, the description.

pub(crate) mod triggers;

use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::kit::db::schema::{api_keys, conversions, orders};

use crate::harness::{Page, TestApp};

pub(crate) fn new_key(app: &TestApp) -> String {
    let owner = app.owner();
    let page = owner.get("/settings/api");
    let made = owner.submit(&page, "form[action$=keys]", &[("name", "My shop")]);
    assert_eq!(made.status, 200, "{}", made.text());
    made.attribute(".notice [data-copy]", "data-copy").unwrap()
}

pub(crate) fn report(app: &TestApp, key: &str, body: &Value) -> Page {
    let key = format!("Bearer {key}");
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    app.anonymous().send("/api/v1/orders", &headers, body.to_string().as_bytes())
}

pub(crate) fn order() -> Value {
    json!({
        "id": "A-1", "name": "A-1", "currency": "USD", "total": "90.00",
        "placed_at": "2026-06-01T12:00:00Z", "updated_at": "2026-06-01T12:00:00Z",
        "codes": [{ "code": "ada10", "discount": "10.00" }],
        "lines": [{ "id": "1", "quantity": 1, "price": "100.00", "discount": "10.00" }]
    })
}

#[test]
fn the_same_report_twice_is_the_same_order() {
    let app = TestApp::start();
    let key = new_key(&app);
    let first = report(&app, &key, &order());
    assert_eq!(first.status, 201, "{}", first.text());
    let second = report(&app, &key, &order());
    assert_eq!(second.status, 200);
    assert_eq!(first.json()["order_id"], second.json()["order_id"]);
    assert_eq!(first.json()["credits"][0]["commission"], "9.00");
    assert_eq!(first.json()["credits"][0]["status"], "pending");
    let mut refunded = order();
    refunded["updated_at"] = json!("2026-06-02T12:00:00Z");
    refunded["refunds"] = json!([{ "id": "r1", "refunded_at": "2026-06-02T12:00:00Z",
        "lines": [{ "line_id": "1", "quantity": 1, "amount": "90.00" }] }]);
    let third = report(&app, &key, &refunded);
    assert_eq!((third.status, &third.json()["credits"][0]["commission"]), (200, &json!("0.00")));
    let old = report(&app, &key, &order());
    assert_eq!(old.json()["credits"][0]["commission"], "0.00", "the newest report counts");
    let counts: (i64, i64) = app.within(|conn| {
        Ok((orders::table.count().get_result(conn)?, conversions::table.count().get_result(conn)?))
    });
    assert_eq!(counts, (1, 1));
}

#[test]
fn another_report_with_a_time_that_is_known_is_answered_with_what_is_known() {
    let app = TestApp::start();
    let key = new_key(&app);
    assert_eq!(report(&app, &key, &order()).status, 201);
    let mut corrected = order();
    corrected["codes"] = json!([]);
    // Twenty, so that none of this is luck.
    for total in 0..20 {
        corrected["total"] = json!(format!("{total}.00"));
        let answer = report(&app, &key, &corrected);
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.json();
        assert_eq!(problem["code"], "order_conflict");
        assert_eq!(problem["known"]["updated_at"], "2026-06-01T12:00:00Z");
        let known = &problem["known"]["order"];
        assert_eq!(known["codes"], order()["codes"]);
        assert_eq!(known["lines"][0]["price"], "100.00");
        // Sent again as it was answered, it's the report that is known.
        assert_eq!(report(&app, &key, known).status, 200);
    }
    assert_eq!(report(&app, &key, &order()).status, 200, "the very same report");
    let earned = |page: &Page| page.json()["credits"][0]["commission"].clone();
    corrected["updated_at"] = json!("2026-06-01T12:00:01Z");
    let answer = report(&app, &key, &corrected);
    assert_eq!((answer.status, earned(&answer)), (200, json!("0.00")));
    let same = report(&app, &key, &order());
    assert_eq!((same.status, earned(&same)), (200, json!("0.00")), "old, but no other than before");
    let mut other = order();
    other["codes"] = json!([]);
    let refused = report(&app, &key, &other);
    assert_eq!(refused.status, 409, "another report of a time that is known");
    assert_eq!(refused.json()["known"]["updated_at"], "2026-06-01T12:00:01Z", "the newest");
    other["updated_at"] = json!("2026-06-01T11:00:00Z");
    assert_eq!(report(&app, &key, &other).status, 200, "older, and of a time of its own");
}

#[test]
fn of_two_reports_of_one_time_that_come_at_once_one_is_refused() {
    let app = TestApp::start();
    let key = new_key(&app);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all = (0..6).map(|total| {
            let mut body = order();
            body["total"] = json!(format!("{total}.00"));
            let (app, key) = (&app, &key);
            scope.spawn(move || report(app, key, &body).status)
        });
        all.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
    });
    let refused = statuses.iter().filter(|status| **status == 409).count();
    assert_eq!((refused, statuses.contains(&201)), (5, true), "{statuses:?}");
}

#[test]
fn a_time_more_than_a_day_ahead_is_refused_with_its_field() {
    let app = TestApp::start();
    let key = new_key(&app);
    let ahead =
        |hours| json!((vouch::kit::clock::now() + chrono::Duration::hours(hours)).to_rfc3339());
    let mut body = order();
    for field in ["updated_at", "placed_at", "cancelled_at"] {
        body[field] = json!("2999-01-01T00:00:00Z");
    }
    body["refunds"] = json!([{ "id": "r", "refunded_at": ahead(25) }]);
    let answer = report(&app, &key, &body);
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap();
    let mut pointers: Vec<&str> =
        errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/cancelled_at", "/placed_at", "/refunds/0/refunded_at", "/updated_at"]);
    assert_eq!(app.within(|conn| orders::table.count().get_result::<i64>(conn)), 0);
    let mut body = order();
    body["updated_at"] = ahead(23);
    assert_eq!(report(&app, &key, &body).status, 201, "clocks differ");
}

#[test]
fn outer_space_in_ids_is_no_difference() {
    let app = TestApp::start();
    let key = new_key(&app);
    let first = report(&app, &key, &order());
    let mut spaced = order();
    spaced["id"] = json!(" A-1 ");
    spaced["updated_at"] = json!("2026-06-02T12:00:00Z");
    spaced["lines"][0]["id"] = json!("1 ");
    spaced["refunds"] = json!([{ "id": "r1 ", "refunded_at": "2026-06-02T12:00:00Z",
        "lines": [{ "line_id": " 1", "quantity": 1, "amount": "45.00" }] }]);
    let second = report(&app, &key, &spaced);
    assert_eq!(second.status, 200, "{}", second.text());
    assert_eq!(second.json()["order_id"], first.json()["order_id"]);
    assert_eq!(second.json()["credits"][0]["commission"], "4.50");
    let mut twice = order();
    twice["id"] = json!("A-2");
    twice["lines"] = json!([twice["lines"][0], twice["lines"][0]]);
    twice["lines"][1]["id"] = json!(" 1");
    assert_eq!(report(&app, &key, &twice).status, 422, "one id twice");
}

#[test]
fn lines_say_what_they_are() {
    let app = TestApp::start();
    let key = new_key(&app);
    for (kind, commission) in [
        ("goods", "14.00"),
        ("gift_card", "9.00"),
        ("tip", "9.00"),
        ("fee", "9.00"),
        ("shipping", "9.00"),
    ] {
        let mut body = order();
        body["id"] = json!(kind);
        body["lines"] = json!([body["lines"][0],
            { "id": "2", "quantity": 1, "price": "50.00", "kind": kind }]);
        let answer = report(&app, &key, &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.json()["credits"][0]["commission"], commission, "{kind}");
    }
    let mut body = order();
    body["lines"][0]["kind"] = json!("service");
    assert_eq!(report(&app, &key, &body).status, 422);
}

#[test]
fn what_is_wrong_is_a_problem_with_the_place_of_every_field() {
    let app = TestApp::start();
    let key = new_key(&app);
    let mut wrong = order();
    wrong["currency"] = json!("XXX");
    wrong["lines"][0]["quantity"] = json!(-1);
    wrong["codes"][0]["discount"] = json!("ten");
    let answer = report(&app, &key, &wrong);
    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    let mut pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/codes/0/discount", "/currency", "/lines/0/quantity"]);
    assert_eq!(problem["code"], "invalid_order");
    let mut wrong = order();
    wrong["lines"][0]["price"] = json!(100.0);
    let answer = report(&app, &key, &wrong);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/lines/0/price");
    assert_eq!(app.within(|conn| orders::table.count().get_result::<i64>(conn)), 0);
}

#[test]
fn only_a_key_that_was_not_revoked_opens_the_api() {
    let app = TestApp::start();
    let key = new_key(&app);
    let stored: Vec<Vec<u8>> =
        app.within(|conn| api_keys::table.select(api_keys::token_hash).load(conn));
    assert_ne!(stored[0], key.as_bytes());
    let other = key.replacen(
        &format!("vk_{}_", app.fixture.merchant_id),
        &format!("vk_{}_", app.fixture.stranger_merchant_id),
        1,
    );
    for wrong in ["", "vk_1_short", &other, &format!("{key}x")] {
        let answer = report(&app, wrong, &order());
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.json()["code"], "unauthorized");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    let owner = app.owner();
    let page = owner.get("/settings/api");
    assert!(!page.text().contains(&key), "a key is shown once");
    owner.submit(&page, "form[action$=revocation]", &[]);
    assert_eq!(report(&app, &key, &order()).status, 401);
    assert!(owner.get("/settings/api").says("Revoked"));
}

#[test]
fn only_owners_make_and_revoke_keys() {
    let app = TestApp::start();
    new_key(&app);
    let id: i64 = app.within(|conn| api_keys::table.select(api_keys::id).first(conn));
    let revocation = format!("/settings/api/keys/{id}/revocation");
    for person in [app.admin(), app.viewer()] {
        let page = person.get("/settings/api");
        assert_eq!(page.status, 200);
        assert!(!page.has("form[action^=\"/settings/api\"]"));
        assert_eq!(person.post_signed("/settings/api/keys", &[("name", "x")]).status, 403);
        assert_eq!(person.post_signed(&revocation, &[]).status, 403);
    }
    assert_eq!(app.stranger().post_signed(&revocation, &[]).status, 404);
    let owner = app.owner();
    let refused = owner.post_signed("/settings/api/keys", &[("name", " ")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-name-error"));
    assert_eq!(owner.post_signed("/settings/api/keys/999999999/revocation", &[]).status, 404);
}

#[test]
fn a_key_that_sends_too_fast_is_told_when_to_come_again() {
    let app = TestApp::start();
    let key = new_key(&app);
    // Many at once, so that they come faster than the limit also on a busy machine.
    let refused = std::thread::scope(|scope| {
        let sender = || {
            let mut answers = (0..100).map(|_| report(&app, &key, &json!({})));
            answers.find(|answer| answer.status != 422)
        };
        let senders: Vec<_> = (0..16).map(|_| scope.spawn(sender)).collect();
        let mut refused = senders.into_iter().filter_map(|sender| sender.join().unwrap());
        let first = refused.next().expect("one is refused");
        assert!(refused.all(|answer| answer.status == 429));
        first
    });
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.json()["code"], "too_many_requests");
}

#[test]
fn answers_are_what_the_description_says() {
    let app = TestApp::start();
    let key = new_key(&app);
    let document = app.anonymous().get("/api/openapi.json").json();
    let operation = &document["paths"]["/api/v1/orders"]["post"];
    let mut wrong = order();
    wrong["total"] = json!("-1");
    let mut other = order();
    other["total"] = json!("1.00");
    let answers = [
        report(&app, &key, &order()),
        report(&app, &key, &order()),
        report(&app, "nobody", &order()),
        report(&app, &key, &wrong),
        report(&app, &key, &other),
    ];
    for answer in answers {
        let described = &operation["responses"][answer.status.to_string()];
        let kind = answer.header("content-type").unwrap().to_owned();
        let schema = &described["content"][&kind]["schema"];
        assert!(schema.is_object(), "{} {kind} is not described: {described}", answer.status);
        fits(&document, schema, &answer.json(), "");
    }
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    fits(&document, request, &order(), "");
}

/// Holds a value against the part of JSON Schema that the description uses.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return fits(document, target, value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let own = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.is_empty() || types.contains(&own), "{at} is {own}, not one of {types:?}");
    match value {
        Value::Object(fields) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(required.as_str().unwrap()), "{at} lacks {required}");
            }
            for (name, field) in fields {
                let described = &schema["properties"][name];
                assert!(described.is_object(), "{at}/{name} is not described");
                fits(document, described, field, &format!("{at}/{name}"));
            }
        }
        Value::Array(parts) => {
            for part in parts {
                fits(document, &schema["items"], part, &format!("{at}/-"));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
