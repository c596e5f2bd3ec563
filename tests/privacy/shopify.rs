//! What Shopify asks for on behalf of customers, and of merchants who have left.

use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::privacy::retention;
use vouch::kit::config::InstanceRetention;
use vouch::kit::db::schema::{data_requests, deliveries, orders, stores};
use vouch::kit::supervise::Stop;

use super::{sums, tables_with};
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{SHOP_SECRET, TestApp};

const MARKER: &str = "yv8k";

fn order(id: u64, email: &str) -> ShopifyOrder {
    let placed_at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    ShopifyOrder::new(id, placed_at)
        .email(email)
        .with(
            "customer",
            json!({ "id": 1, "email": email, "first_name": "Yva", "last_name": "Yv8k" }),
        )
        .code("ADA10", "10.00")
}

fn redact(email: &str, orders: &[u64]) -> Value {
    json!({
        "shop_id": 1, "shop_domain": "acme-tea.myshopify.com",
        "customer": { "id": 1, "email": email, "phone": "+1 555" },
        "orders_to_redact": orders,
    })
}

fn kept(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        deliveries::table
            .filter(deliveries::topic.like("%/%re%"))
            .select(deliveries::topic)
            .load(conn)
    })
}

#[test]
fn a_customer_is_redacted_and_the_request_is_not_stored() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "yva.yv8k@x.example").0).status, 200);
    // By the order's id alone, since the address is another.
    assert_eq!(app.shopify("orders/create", &order(2, "other.yv8k@x.example").0).status, 200);
    let money = sums(&app);
    let body = redact("yva.yv8k@x.example", &[1, 2]);
    assert_eq!(app.shopify("customers/redact", &body).status, 200);
    assert_eq!(tables_with(&app, MARKER), Default::default());
    assert_eq!(sums(&app), money);
    assert_eq!(kept(&app), ["orders/create", "orders/create"]);
    assert_eq!(app.shopify("customers/redact", &body).status, 200, "again");
    assert_eq!(app.shopify("customers/redact", &json!("nonsense")).status, 200);
    let nobody = redact("nobody@x.example", &[]);
    assert_eq!(app.shopify("customers/redact", &nobody).status, 200);
}

#[test]
fn the_only_owner_who_bought_something_is_redacted_as_a_customer_and_stays_a_member() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "owner@acme.example").0).status, 200);
    let owner = app.owner();
    let body = redact("owner@acme.example", &[1]);
    assert_eq!(app.shopify("customers/redact", &body).status, 200);
    let (email, erased): (Option<String>, bool) = app.within(|conn| {
        orders::table.select((orders::customer_email, orders::erased_at.is_not_null())).first(conn)
    });
    assert!(erased && email.is_some_and(|email| !email.contains("owner")));
    assert_eq!(owner.get("/settings/privacy").status, 200, "still signed in, and an owner");
    assert!(owner.get("/settings/team").text().contains("owner@acme.example"));
}

#[test]
fn a_request_needs_its_signature() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "yva.yv8k@x.example").0).status, 200);
    let body = serde_json::to_vec(&redact("yva.yv8k@x.example", &[1])).unwrap();
    for topic in ["customers/redact", "customers/data_request", "shop/redact"] {
        assert_eq!(
            app.shopify_raw(topic, "1", &body, &sign("another", &body)).status,
            401,
            "{topic}"
        );
    }
    assert!(tables_with(&app, MARKER).contains("orders"));
}

#[test]
fn a_data_request_is_a_task_until_it_is_completed() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "yva.yv8k@x.example").0).status, 200);
    let body = json!({
        "customer": { "id": 1, "email": "yva.yv8k@x.example" },
        "orders_requested": [1], "data_request": { "id": 9_999 },
    });
    for _ in 0..2 {
        assert_eq!(app.shopify("customers/data_request", &body).status, 200);
    }
    let owner = app.owner();
    assert!(owner.get("/dashboard").has("[data-task=data-requests] a"));
    let page = owner.get("/settings/privacy");
    let rows = page.all("section[aria-labelledby=requests] tbody tr");
    assert_eq!(rows.len(), 1, "once");
    let person = owner.submit(&page, "section[aria-labelledby=requests] form[action$=people]", &[]);
    assert_eq!(person.status, 200);
    let file = owner.submit(&person, "form[action$=exports]", &[]);
    assert_eq!(file.json()["orders"][0]["customer_email"], "yva.yv8k@x.example");
    let done = owner.submit(&page, "form[action$=completion]", &[]);
    assert_eq!(done.status, 303);
    let (email, is_done): (String, bool) = app.within(|conn| {
        data_requests::table
            .select((data_requests::email, data_requests::completed_at.is_not_null()))
            .first(conn)
    });
    assert_eq!((email.as_str(), is_done), ("", true));
    assert!(!owner.get("/settings/privacy").has("section[aria-labelledby=requests]"));
}

#[test]
fn after_an_uninstallation_the_store_can_still_ask_and_its_customers_are_erased() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "yva.yv8k@x.example").0).status, 200);
    assert_eq!(
        app.shopify("orders/create", &json!({ "id": 2, "email": "yv8k@x.example" })).status,
        200
    );
    let money = sums(&app);
    assert_eq!(app.shopify("app/uninstalled", &json!({ "id": 1 })).status, 200);
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(
        app.shopify("orders/create", &order(3, "c@x.example").0).status,
        401,
        "nothing else"
    );
    // Long before the retention period is over.
    assert_eq!(app.shopify("shop/redact", &json!({ "shop_id": 1 })).status, 200);
    let (keep, now) = (InstanceRetention::default(), vouch::kit::clock::now());
    retention::sweep(&app.db, keep, now, &Stop::default()).unwrap();
    assert_eq!(tables_with(&app, MARKER), Default::default());
    assert_eq!(sums(&app), money);
    let (erased, secret): (bool, bool) = app.within(|conn| {
        stores::table
            .filter(stores::id.eq(app.fixture.store_id))
            .select((stores::erased_at.is_not_null(), stores::privacy_secret.is_not_null()))
            .first(conn)
    });
    assert!(erased && !secret, "nothing can ask any more");
    let orders: i64 = app.within(|conn| orders::table.count().get_result(conn));
    assert_eq!(orders, 1, "the order stays");
    let body = serde_json::to_vec(&json!({ "shop_id": 1 })).unwrap();
    assert_eq!(app.shopify_raw("shop/redact", "9", &body, &sign(SHOP_SECRET, &body)).status, 401);
}
