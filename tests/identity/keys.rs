//! What an API key may do, and for how long.

use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::kit::db::schema::api_keys;

use crate::harness::{Page, TestApp};

fn key(app: &TestApp, scopes: &[&str], expires_in: &str) -> String {
    let mut fields = vec![("name", "Till"), ("expires_in", expires_in)];
    fields.extend(scopes.iter().map(|scope| ("scopes", *scope)));
    let made = app.owner().post_signed("/settings/api/keys", &fields);
    assert_eq!(made.status, 200, "{}", made.text());
    made.attribute(".notice [data-copy]", "data-copy").unwrap()
}

fn ask(app: &TestApp, key: &str, method: &str, path: &str, body: &Value) -> Page {
    let bearer = format!("Bearer {key}");
    if method == "get" {
        return app.anonymous().get_with(path, &[("authorization", &bearer)]);
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    app.anonymous().send(path, &headers, body.to_string().as_bytes())
}

fn order() -> Value {
    json!({
        "id": "A-1", "name": "A-1", "currency": "USD", "total": "90.00",
        "placed_at": "2026-06-01T12:00:00Z", "updated_at": "2026-06-01T12:00:00Z",
        "lines": [{ "id": "1", "quantity": 1, "price": "90.00" }]
    })
}

#[test]
fn a_key_does_what_its_scopes_say_and_is_told_which_one_it_lacks() {
    let app = TestApp::start();
    let trigger =
        json!({ "affiliate": "ben@affiliates.example", "type": "coupon_code", "value": "BEN10" });
    let one = format!("/api/v1/triggers/{}", app.fixture.ada10_id);
    let calls = [
        ("get", "/api/v1/triggers", "read", json!(null)),
        ("get", one.as_str(), "read", json!(null)),
        ("post", "/api/v1/triggers", "triggers", trigger),
        ("post", "/api/v1/orders", "orders", order()),
    ];
    let document = app.anonymous().get("/api/openapi.json").json();
    for scope in ["read", "triggers", "orders"] {
        let key = key(&app, &[scope], "");
        for (method, path, needed, body) in &calls {
            let answer = ask(&app, &key, method, path, body);
            if *needed == scope {
                assert!(answer.status < 300, "{scope} {path}: {}", answer.text());
                continue;
            }
            assert_eq!(answer.status, 403, "{scope} {path}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.json()["missing_scope"], json!(needed));
            assert!(answer.header("www-authenticate").unwrap().contains("insufficient_scope"));
        }
    }
    let placeholder = "/api/v1/triggers/{trigger_id}";
    for (method, path, needed, _) in &calls {
        let path = if *path == one { placeholder } else { path };
        let operation = &document["paths"][path][method];
        assert!(operation["responses"]["403"].is_object(), "{path}");
        assert_eq!(operation["security"], json!([{ "api_key": [needed] }]), "{path}");
    }
    assert!(
        document["components"]["schemas"]["Problem"]["properties"]["missing_scope"].is_object()
    );
}

#[test]
fn a_key_that_expired_is_refused_and_shown_as_such() {
    let app = TestApp::start();
    let key = key(&app, &["read"], "30");
    assert_eq!(ask(&app, &key, "get", "/api/v1/triggers", &json!(null)).status, 200);
    app.within(|conn| {
        let made = vouch::kit::clock::now() - chrono::Duration::days(31);
        diesel::update(api_keys::table)
            .set((
                api_keys::created_at.eq(made),
                api_keys::expires_at.eq(made + chrono::Duration::days(30)),
            ))
            .execute(conn)
    });
    let refused = ask(&app, &key, "get", "/api/v1/triggers", &json!(null));
    assert_eq!(refused.status, 401);
    let page = app.owner().get("/settings/api");
    assert_eq!(page.all("tbody tr .badge-v"), ["Expired"]);
    assert!(page.has("form[action$=revocation]"), "it can still be revoked");
}

#[test]
fn a_key_without_a_scope_or_with_an_unknown_one_is_not_made() {
    let app = TestApp::start();
    let owner = app.owner();
    for (fields, error) in [
        (vec![("name", "Till")], "#f-scopes-error"),
        (vec![("name", "Till"), ("scopes", "admin")], "#f-scopes-error"),
        (vec![("name", "Till"), ("scopes", "read"), ("scopes", "admin")], "#f-scopes-error"),
        (vec![("name", "Till"), ("scopes", "read"), ("expires_in", "7")], "#f-expires_in-error"),
        (vec![("name", ""), ("scopes", "read")], "#f-name-error"),
    ] {
        let answer = owner.post_signed("/settings/api/keys", &fields);
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.has(error), "{fields:?}: {}", answer.text());
    }
    let typed = owner.post_signed("/settings/api/keys", &[("name", ""), ("scopes", "orders")]);
    assert_eq!(typed.values("[name=scopes][checked]", "value"), ["orders"], "as it was sent");
    let count: i64 = app.within(|conn| api_keys::table.count().get_result(conn));
    assert_eq!(count, 0);
}

#[test]
fn the_name_of_a_key_is_a_name() {
    let app = TestApp::start();
    let owner = app.owner();
    for name in ["", "https://evil.example/x", "Till\u{202e}llit", &"x".repeat(101)] {
        let fields = [("name", name), ("scopes", "read"), ("expires_in", "")];
        let refused = owner.post_signed("/settings/api/keys", &fields);
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.has("#f-name-error"), "{name}");
    }
    let made: i64 = app.within(|conn| api_keys::table.count().get_result(conn));
    assert_eq!(made, 0);
}
