//! What's refused says so where it was typed, and changes nothing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;
use vouch::kit::db::schema::{affiliates, applications, conversions, deliveries, emails, orders};

use super::*;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::then;

fn name_of(app: &TestApp, affiliate_id: i64) -> String {
    app.within(|conn| {
        affiliates::table
            .find((app.fixture.merchant_id, affiliate_id))
            .select(affiliates::name)
            .first(conn)
    })
}

#[test]
fn a_form_with_such_a_character_comes_back_as_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let page = owner.get(&path);
    let form = format!("form[action='{path}']:has([name=email])");
    let fields = [("name", "Be\0n"), ("email", "ben@elsewhere.example"), ("note", "one\n\u{b}two")];
    let refused = owner.submit(&page, &form, &fields);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.value_of("form [name=name][aria-invalid=true]"), "Ben");
    assert_eq!(refused.one("form textarea[name=note]"), "one two");
    assert_eq!(refused.value_of("form [name=email]"), "ben@elsewhere.example");
    assert!(refused.has("#error-summary a[href='#f-name']"));
    assert_eq!(name_of(&app, app.fixture.ben_id), "Ben Second");
    // What came back can be sent as it stands.
    let corrected = owner.submit(&refused, "form", &[("name", "Ben")]);
    assert_eq!((corrected.status, corrected.location()), (303, Some(path.as_str())));
    assert_eq!(name_of(&app, app.fixture.ben_id), "Ben");
}

#[test]
fn a_password_never_comes_back() {
    let app = TestApp::start();
    let person = app.anonymous();
    let page = person.get("/login");
    let typed = [("email", "a\0@b.example"), ("password", "zanzibar \u{1} words")];
    let refused = person.submit(&page, "form", &typed);
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains("zanzibar"));
    assert_eq!(refused.attribute("[name=password]", "type").as_deref(), Some("password"));
}

#[test]
fn a_url_with_such_a_character_is_a_bad_request() {
    let app = TestApp::start();
    let (owner, anonymous) = (app.owner(), app.anonymous());
    for path in ["/affiliates?q=%00", "/orders?%01=x", "/affiliates/%00", "/affiliates/1%0a"] {
        assert_eq!(owner.get(path).status, 400, "{path}");
    }
    for path in ["/join/%00", "/password-resets/%FF", "/login?next=%1b", "/nowhere/%7f"] {
        assert_eq!(anonymous.get(path).status, 400, "{path}");
    }
    let api = anonymous.get("/api/v1/triggers?q=%00");
    assert_eq!(api.status, 400);
    assert_eq!(api.header("content-type"), Some("application/problem+json"));
}

/// Pending conversion of a new order.
fn conversion(app: &TestApp) -> i64 {
    let order = ShopifyOrder::new(4711, then()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    app.within(|conn| conversions::table.select(conversions::id).first(conn))
}

#[test]
fn the_way_back_is_checked_before_anything_changes() {
    let app = TestApp::start();
    let owner = app.owner();
    let id = conversion(&app).to_string();
    let reviews = || -> i64 {
        app.within(|conn| {
            conversions::table.filter(conversions::review.is_not_null()).count().get_result(conn)
        })
    };
    let approve = |back: &str| {
        let fields = [("ids", id.as_str()), ("status", "approved"), ("back", back)];
        owner.post_signed("/conversions/statuses", &fields)
    };
    for back in ["/conversions\0", "/conversions?q=\u{1}", "/orders/\u{7f}"] {
        assert_eq!(approve(back).status, 422, "{back:?}");
        assert_eq!(reviews(), 0, "{back:?}");
    }
    // What leads elsewhere leads to the list instead; what isn't ASCII fits into a header.
    for (back, location) in [
        ("//evil.example", "/conversions"),
        ("https://evil.example/conversions", "/conversions"),
        ("/\\evil.example", "/conversions"),
        ("/conversions\r\nset-cookie: a=b", "/conversions"),
        ("/logout", "/conversions"),
        ("/conversions?q=é", "/conversions?q=%C3%A9"),
    ] {
        let answer = approve(back);
        assert_eq!((answer.status, answer.location()), (303, Some(location)), "{back:?}");
    }
    assert_eq!(reviews(), 1);
}

#[test]
fn sign_in_leads_to_pages_of_this_site_only() {
    let app = TestApp::start();
    for next in ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"] {
        let person = app.anonymous();
        let page = person.get(&format!("/login?next={}", vouch::kit::urls::encode(next)));
        let typed = [("email", "owner@acme.example"), ("password", crate::harness::PASSWORD)];
        let answer = person.submit(&page, "form", &typed);
        assert_eq!((answer.status, answer.location()), (303, Some("/dashboard")), "{next:?}");
    }
}

#[test]
fn a_cursor_that_no_row_can_have_shows_the_first_page() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let app = TestApp::start();
    conversion(&app);
    let owner = app.owner();
    for year in ["-262143", "-4714", "+262142"] {
        let cursor = URL_SAFE_NO_PAD.encode(format!("[\"{year}-01-01T00:00:00Z\",7]"));
        for list in ["/conversions", "/orders", "/deliveries", "/settings/audit-log"] {
            let page = owner.get(&format!("{list}?after={cursor}"));
            assert_eq!(page.status, 200, "{list} {year}");
            assert!(page.has("main table tbody tr"), "{list} {year}");
        }
    }
}

/// What no name may hold, for each of the rules.
const NO_NAMES: [&str; 5] = [
    "Win at https://evil.example",
    "www.evil.example",
    "Go to evil.com now",
    "Ann \u{202e}eeL",
    "An\u{200b}n",
];

#[test]
fn names_are_refused_wherever_they_are_typed() {
    let app = TestApp::start();
    let (owner, ada, anonymous) = (app.owner(), app.affiliate(), app.anonymous());
    open_registration(&app);
    let affiliate = format!("/affiliates/{}", app.fixture.ben_id);
    let edit = format!("form[action='{affiliate}']:has([name=email])");
    for name in NO_NAMES {
        let new = owner.get("/affiliates/new");
        let fields = [("name", name), ("email", "new@affiliates.example"), ("status", "active")];
        let answers = [
            owner.submit(&new, "form:has([name=email])", &fields),
            owner.submit(&owner.get(&affiliate), &edit, &[("name", name)]),
            owner.submit(
                &owner.get("/settings/general"),
                "form:has([name=name])",
                &[("name", name)],
            ),
            ada.submit(&ada.get("/portal/settings"), "form:has([name=name])", &[("name", name)]),
            anonymous.submit(
                &anonymous.get("/join/acme-tea"),
                "form:has([name=email])",
                &[("name", name), ("email", "nia@new.example")],
            ),
        ];
        for answer in answers {
            assert_eq!(answer.status, 422, "{name:?} on {}", answer.path);
            assert!(answer.has("[name=name][aria-invalid=true]"), "{name:?} on {}", answer.path);
            assert_eq!(answer.value_of("[name=name]"), name, "{}", answer.path);
        }
    }
    let applied: i64 = app.within(|conn| applications::table.count().get_result(conn));
    assert_eq!(applied, 0);
}

#[test]
fn a_name_from_before_the_rules_can_stay() {
    let app = TestApp::start();
    let owner = app.owner();
    let key = (app.fixture.merchant_id, app.fixture.ben_id);
    let old = "Coupons.com";
    app.within(|conn| {
        diesel::update(affiliates::table.find(key)).set(affiliates::name.eq(old)).execute(conn)
    });
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let page = owner.get(&path);
    let form = format!("form[action='{path}']:has([name=email])");
    let saved = owner.submit(&page, &form, &[("note", "Called last week")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(name_of(&app, app.fixture.ben_id), old);
}

fn open_registration(app: &TestApp) {
    let owner = app.owner();
    let page = owner.get("/registration");
    let mut form = page.form("form[action='/registration']");
    form.fields.retain(|(name, _)| !["is_open", "preview"].contains(&name.as_str()));
    form.fields.push(("is_open".to_owned(), "true".to_owned()));
    let fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(owner.post("/registration", &fields).status, 303);
}

/// The application's name and code are anyone's words, and the address may be a stranger's.
#[test]
fn an_unconfirmed_application_writes_nothing_of_its_own_into_an_email() {
    let app = TestApp::start();
    open_registration(&app);
    let person = app.anonymous();
    let page = person.get("/join/acme-tea");
    let fields = [
        ("name", "Prize Patrol Zebra"),
        ("email", "victim@mail.example"),
        ("code", "ZEBRACALLNOW"),
    ];
    let sent = person.submit(&page, "form:has([name=email])", &fields);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let all: Result<Vec<Option<serde_json::Value>>, vouch::kit::error::AppError> =
        app.db.run_blocking(vouch::kit::db::Scope::Instance, |conn| {
            emails::table
                .filter(emails::recipient.eq("victim@mail.example"))
                .select(emails::content)
                .load(conn)
        });
    let all = all.unwrap();
    assert_eq!(all.len(), 1);
    let text = format!("{all:?}").to_lowercase();
    for typed in ["prize", "zebra", "callnow"] {
        assert!(!text.contains(typed), "{text}");
    }
}

fn api_order(updated_at: &str, placed_at: &str) -> serde_json::Value {
    json!({
        "id": "A-1", "currency": "USD", "total": "1.00", "updated_at": updated_at,
        "placed_at": placed_at, "lines": [{ "id": "1", "quantity": 1, "price": "1.00" }]
    })
}

#[test]
fn times_of_the_api_have_bounds() {
    let app = TestApp::start();
    let key = format!("Bearer {}", crate::api::new_key(&app));
    let send = |body: serde_json::Value| {
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        app.anonymous().send("/api/v1/orders", &headers, body.to_string().as_bytes())
    };
    let fine = "2026-06-01T12:00:00Z";
    for bad in [
        "1999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
    ] {
        for (updated_at, placed_at, pointer) in
            [(bad, fine, "/updated_at"), (fine, bad, "/placed_at")]
        {
            let answer = send(api_order(updated_at, placed_at));
            assert_eq!(answer.status, 422, "{bad}");
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        }
    }
    assert_eq!(send(api_order(fine, "2000-01-01T00:00:00Z")).status, 201);
    let mut hidden = api_order(fine, fine);
    hidden["lines"][0]["title"] = json!("a\0b");
    let answer = send(hidden);
    assert_eq!(
        (answer.status, &answer.json()["errors"][0]["pointer"]),
        (422, &json!("/lines/0/title"))
    );
}

#[test]
fn impossible_times_of_a_webhook_give_way_to_its_arrival() {
    let app = TestApp::start();
    let before = vouch::kit::clock::now();
    for (id, at) in
        [(1, "1970-01-01T00:00:00Z"), (2, "-262143-01-01T00:00:00Z"), (3, "9999-01-01T00:00:00Z")]
    {
        let mut order = ShopifyOrder::new(id, then()).0;
        for field in ["created_at", "updated_at", "processed_at"] {
            order[field] = json!(at);
        }
        assert_eq!(app.shopify("orders/create", &order).status, 200, "{at}");
    }
    let placed: Vec<Option<DateTime<Utc>>> =
        app.within(|conn| orders::table.select(orders::placed_at).load(conn));
    assert!(!placed.is_empty());
    let earliest = before - chrono::Duration::minutes(1);
    assert!(placed.iter().all(|at| at.is_some_and(|at| at >= earliest)), "{placed:?}");
    let failed: i64 = app.within(|conn| {
        deliveries::table.filter(deliveries::outcome.eq("failed")).count().get_result(conn)
    });
    assert_eq!(placed.len() as i64 + failed, 3, "each is an order, or kept with the reason");
}

/// A zero in JSON can't be stored as text; the message is kept as bytes and can be replayed.
#[test]
fn a_webhook_that_is_no_text_is_kept_and_can_be_replayed() {
    let app = TestApp::start();
    let body = json!({ "id": "\0", "name": "\0", "line_items": "\0" });
    assert_eq!(app.shopify("orders/create\u{e9}", &body).status, 200);
    assert_eq!(app.shopify("orders/create", &body).status, 200);
    let shop = crate::bigcommerce::connect(&app, "http://127.0.0.1:9");
    let (id, time) = ("msg_0", vouch::kit::clock::now().timestamp().to_string());
    let raw = br#"{"scope":"\u0000","data":{"id":"\u0000"}}"#;
    let secret = crate::harness::stores::bigcommerce::CLIENT_SECRET;
    let signature = crate::harness::bigcommerce::sign(secret, id, &time, raw);
    let told = vouch_platforms::bigcommerce::header_secret(secret.as_bytes(), &shop.store_key);
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signature.as_str()),
        (vouch_platforms::bigcommerce::SECRET_HEADER, told.as_str()),
    ];
    let path = format!("/hooks/bigcommerce/{}", shop.store_key);
    assert_eq!(app.anonymous().send(&path, &headers, raw).status, 200);
    let failed: Vec<i64> = app.within(|conn| {
        deliveries::table
            .filter(deliveries::outcome.eq("failed"))
            .filter(deliveries::body_gzip.is_not_null())
            .select(deliveries::id)
            .load(conn)
    });
    assert_eq!(failed.len(), 3);
    let owner = app.owner();
    for id in failed {
        assert_eq!(owner.get(&format!("/deliveries/{id}")).status, 200);
        assert_eq!(owner.post_signed(&format!("/deliveries/{id}/replay"), &[]).status, 303);
    }
    let replayed: i64 = app.within(|conn| {
        deliveries::table.filter(deliveries::replayed_at.is_not_null()).count().get_result(conn)
    });
    assert_eq!(replayed, 3);
}

/// Behind the readers: what the database itself refuses as a value is the request's fault, not ours.
#[test]
fn values_that_the_database_refuses_are_bad_requests() {
    use vouch::kit::error::AppError;
    let app = TestApp::start();
    let ask = |sql: &str, bound: &str| {
        let asked: Result<usize, AppError> =
            app.db.run_blocking(vouch::kit::db::Scope::Instance, |conn| {
                diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(bound).execute(conn)
            });
        asked.unwrap_err()
    };
    for (state, sql, bound) in [
        ("22021", "SELECT $1", "a\0b"),
        ("22021", "SELECT convert_from(decode($1, 'hex'), 'UTF8')", "ff"),
        ("22P05", "SELECT $1::jsonb ->> 'a'", "{\"a\":\"\\u0000\"}"),
        ("22008", "SELECT $1::timestamptz + interval '300000 years'", "2026-01-01"),
        ("22008", "SELECT $1::date + 2147483000", "2026-01-01"),
        ("22003", "SELECT $1::bigint + 1", "9223372036854775807"),
        ("22003", "SELECT $1::int", "9223372036854775807"),
        ("22P02", "SELECT $1::int", "x"),
    ] {
        let error = ask(sql, bound);
        assert!(matches!(error, AppError::BadRequest(_)), "{state} of {sql}: {error}");
    }
    assert!(matches!(ask("SELECT $1 FROM nowhere", ""), AppError::Internal(_)));
    // What nobody can tell by diesel's error is taken for a fault that passes: docs/faults.md.
    assert!(matches!(ask("SELECT 1 / 0, $1", ""), AppError::Unavailable));
}
