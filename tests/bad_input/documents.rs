//! JSON: webhooks of every platform and bodies of the API, each member in turn.

use chrono::{TimeZone, Utc};
use serde_json::{Value, json};
use vouch_platforms::bigcommerce::{SECRET_HEADER, header_secret};

use super::*;
use crate::harness::SHOP_SECRET;
use crate::harness::bigcommerce::{message, sign as sign_bigcommerce};
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::stores::bigcommerce::CLIENT_SECRET;
use crate::harness::woocommerce::{WOO_SECRET, WooOrder};

pub(super) fn leaves() -> Vec<Value> {
    let mut nested = json!(1);
    for _ in 0..200 {
        nested = json!([nested]);
    }
    let texts = [
        "",
        "\0",
        "a\0b",
        "\u{1}",
        "\u{85}",
        "\u{202e}",
        "-1",
        "1e309",
        "NaN",
        "9223372036854775808",
        "-262143-01-01T00:00:00Z",
        "0000-00-00T00:00:00",
        "0000-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "99999999999999999999.99",
        "0.000000000000000000001",
        "https://evil.example",
    ];
    let numbers = [
        json!(-1),
        json!(0),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-8_640_000_000_000_000_i64),
    ];
    let others = [
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!({"\0": "\0"}),
        nested,
    ];
    texts
        .iter()
        .map(|text| json!(text))
        .chain(numbers)
        .chain(others)
        .chain([json!("x".repeat(70_000))])
        .collect()
}

/// Every place in a document, as a JSON pointer.
pub(super) fn places(document: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                places(member, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate().take(1) {
                places(element, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

/// The document with each of its places in turn set to each of the leaves.
fn altered(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let mut altered = Vec::new();
    for place in all {
        for leaf in leaves() {
            let mut copy = document.clone();
            *copy.pointer_mut(&place).unwrap() = leaf;
            altered.push((place.clone(), copy));
        }
    }
    altered
}

/// A short name of a document, for messages.
pub(super) fn about(place: &str, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    format!("{place} of {}", text.chars().take(80).collect::<String>())
}

pub(super) fn order_of_the_api() -> Value {
    json!({
        "id": "A-1", "name": "A-1", "currency": "USD", "total": "90.00", "test": false,
        "placed_at": "2026-06-01T12:00:00Z", "updated_at": "2026-06-01T12:00:00Z",
        "cancelled_at": null, "payment": "paid", "tax": "0", "shipping": "0", "shipping_tax": "0",
        "customer": { "id": "7", "email": "sia@customers.example", "name": "Sia" },
        "codes": [{ "code": "ada10", "discount": "10.00" }],
        "lines": [{ "id": "1", "sku": "S", "title": "T", "quantity": 1, "price": "100.00", "discount": "10.00", "tax": "0" }],
        "refunds": [{ "id": "r", "refunded_at": "2026-06-02T12:00:00Z", "total": "1.00",
            "lines": [{ "line_id": "1", "quantity": 1, "amount": "1.00", "tax": "0" }] }]
    })
}

#[test]
fn no_body_of_the_api_is_too_much() {
    let app = TestApp::start();
    let key = format!("Bearer {}", crate::api::new_key(&app));
    let faults = Mutex::new(Vec::new());
    let prober = Prober::new(&app, &app.anonymous(), &faults);
    let trigger =
        json!({ "affiliate": "ben@affiliates.example", "type": "coupon_code", "value": "ben10" });
    let mut work = Vec::new();
    for (path, body) in [("/api/v1/orders", order_of_the_api()), ("/api/v1/triggers", trigger)] {
        work.extend(
            altered(&body).into_iter().map(|(place, body)| (path, place, body.to_string())),
        );
        for raw in [
            "",
            "{",
            "\u{feff}{}",
            "[]",
            "\"\\ud800\"",
            "{\"id\":\"\\ud800\"}",
            "nul",
            "{\"id\":1e999}",
        ] {
            work.push((path, "raw".to_owned(), raw.to_owned()));
        }
    }
    side_by_side(work, |(path, place, body)| {
        let headers =
            [("authorization", key.as_bytes()), ("content-type", "application/json".as_bytes())];
        // A key may send so many a second.
        while prober.send(path, &about(&place, body.as_bytes()), &headers, body.as_bytes()) == 429 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    assert_none(faults);
}

/// A store of every platform.
pub(super) struct Stores {
    shopify: String,
    woocommerce: String,
    bigcommerce: String,
}

impl Stores {
    pub(super) fn connect(app: &TestApp) -> Self {
        Self {
            shopify: app.fixture.store_key.clone(),
            woocommerce: app.connect_woocommerce("another.acme.example").store_key,
            bigcommerce: crate::bigcommerce::connect(app, "http://127.0.0.1:7").store_key,
        }
    }

    /// Where a store of that platform sends this body, and the headers with which it does.
    pub(super) fn signed(
        &self,
        platform: &str,
        topic: &str,
        body: &[u8],
    ) -> (String, Vec<(&'static str, String)>) {
        let id = format!("{:032x}", rand::random::<u128>());
        let time = vouch::kit::clock::now().timestamp().to_string();
        let (store, headers) = match platform {
            "shopify" => (
                &self.shopify,
                vec![
                    ("x-shopify-topic", topic.to_owned()),
                    ("x-shopify-webhook-id", id),
                    ("x-shopify-hmac-sha256", sign(SHOP_SECRET, body)),
                ],
            ),
            "woocommerce" => (
                &self.woocommerce,
                vec![
                    ("x-wc-webhook-topic", topic.to_owned()),
                    ("x-wc-webhook-delivery-id", id),
                    ("x-wc-webhook-signature", sign(WOO_SECRET, body)),
                ],
            ),
            _ => (
                &self.bigcommerce,
                vec![
                    ("webhook-signature", sign_bigcommerce(CLIENT_SECRET, &id, &time, body)),
                    ("webhook-id", id),
                    ("webhook-timestamp", time),
                    (SECRET_HEADER, header_secret(CLIENT_SECRET.as_bytes(), &self.bigcommerce)),
                ],
            ),
        };
        (format!("/hooks/{platform}/{store}"), headers)
    }
}

/// What a store signed is answered with 200, or it would send it again for good.
#[test]
fn every_signed_webhook_is_kept() {
    let app = TestApp::start();
    let faults = Mutex::new(Vec::new());
    let prober = Prober::new(&app, &app.anonymous(), &faults);
    let at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let stores = Stores::connect(&app);
    let shopify_order = ShopifyOrder::new(4711, at).code("ADA10", "10.00").0;
    let woo_order = WooOrder::new(4711, at).0;
    let mut work: Vec<(&str, &str, String, Vec<u8>)> = Vec::new();
    for (platform, topic, body) in [
        ("shopify", "orders/create", &shopify_order),
        ("woocommerce", "order.updated", &woo_order),
        ("bigcommerce", "", &message("store/order/updated", 7)),
    ] {
        for (place, body) in altered(body) {
            work.push((platform, topic, place, body.to_string().into_bytes()));
        }
        for raw in
            [&b""[..], b"\0", b"\xff\xfe", b"{\"id\":\"\\u0000\"}", b"{\"scope\":\"\\u0000\"}"]
        {
            work.push((platform, topic, "raw".to_owned(), raw.to_vec()));
        }
    }
    for topic in ["refunds/create", "orders/delete", "app/uninstalled\u{e9}", "", "nonsense"] {
        work.push((
            "shopify",
            topic,
            String::new(),
            b"{\"id\":\"\\u0000\",\"order_id\":\"\\u0000\"}".to_vec(),
        ));
    }
    let sent = work.len();
    side_by_side(work, |(platform, topic, place, body)| {
        let (path, headers) = stores.signed(platform, topic, &body);
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let status = prober.send(&path, &about(&place, &body), &headers, &body);
        // A message that only names an order is small.
        let is_too_large = platform == "bigcommerce" && status == 413;
        if status != 200 && status < 500 && !is_too_large {
            prober.fault(format!("{path} {}: {status}", about(&place, &body)));
        }
    });
    assert_none(faults);
    assert_eq!(
        app.deliveries_with_our_fault(),
        0,
        "of {sent} messages so many met a fault of ours"
    );
}
