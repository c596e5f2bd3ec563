//! What a WooCommerce store sends.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::stores::Store;
use vouch::kit::db::schema::{conversions, deliveries, order_codes, orders};

use crate::harness::shopify::sign;
use crate::harness::woocommerce::{WOO_SECRET, WooOrder};
use crate::harness::{SHOP_SECRET, TestApp};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn order(id: u64) -> WooOrder {
    WooOrder::new(id, noon()).code("ADA10", 10)
}

fn start() -> (TestApp, Store) {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    (app, store)
}

/// (topic, outcome, reason) of every delivery.
fn kept(app: &TestApp) -> Vec<(String, String, Value)> {
    app.within(|conn| {
        let rows: Vec<(String, String, Option<Value>)> = deliveries::table
            .order(deliveries::id)
            .select((deliveries::topic, deliveries::outcome, deliveries::reason))
            .load(conn)?;
        Ok(rows.into_iter().map(|(t, o, reason)| (t, o, reason.unwrap_or_default())).collect())
    })
}

fn commissions(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

#[test]
fn an_order_with_a_code_in_lower_case_credits_its_affiliate_once() {
    let (app, store) = start();
    let body = order(12).0;
    for topic in ["order.created", "order.updated", "order.updated"] {
        assert_eq!(app.woocommerce(&store, topic, &body).status, 200);
    }
    assert_eq!(commissions(&app), [900]);
    let (code, key): (String, String) = app.within(|conn| {
        order_codes::table.select((order_codes::code, order_codes::code_key)).first(conn)
    });
    assert_eq!((code.as_str(), key.as_str()), ("ada10", "ADA10"));
}

#[test]
fn the_ping_is_answered_200_and_nothing_else_comes_in_unsigned() {
    let (app, store) = start();
    let path = format!("/hooks/woocommerce/{}", store.store_key);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let send = |headers: &[(&str, &str)], body: &[u8]| app.anonymous().send(&path, headers, body);
    assert_eq!(send(&form, b"webhook_id=1").status, 200);
    let topic = ("x-wc-webhook-topic", "order.created");
    let body = serde_json::to_vec(&order(1).0).unwrap();
    for unsigned in [&b"webhook_id=1&order=2"[..], b"webhook_id=", b"", b"{}", &body] {
        assert_eq!(send(&[form[0], topic], unsigned).status, 401);
    }
    assert!(kept(&app).is_empty());
    let elsewhere = path.replace("woocommerce", "shopify");
    assert_eq!(app.anonymous().send(&elsewhere, &form, b"webhook_id=1").status, 401);
    let other = format!("/hooks/woocommerce/{}", app.fixture.store_key);
    // It says nothing, so that it is answered alike whether there is such a store.
    assert_eq!(app.anonymous().send(&other, &form, b"webhook_id=1").status, 200, "a Shopify store");
    assert_eq!(app.anonymous().send(&other, &form, b"{}").status, 401, "a Shopify store");
}

#[test]
fn only_the_stores_own_secret_signs_and_only_the_raw_bytes() {
    let (app, store) = start();
    let body = serde_json::to_vec(&order(1).0).unwrap();
    let signature = sign(WOO_SECRET, &body);
    let send = |body: &[u8], signature: &str| {
        app.woocommerce_raw(&store, "order.created", "d", body, signature).status
    };
    assert_eq!(send(&body, &sign(SHOP_SECRET, &body)), 401);
    assert_eq!(send(&[&body[..], b" "].concat(), &signature), 401);
    assert_eq!(send(&body, "no base64!"), 401);
    assert_eq!(send(&body, &signature), 200);
    assert_eq!(commissions(&app), [900]);
}

#[test]
fn orders_of_one_second_share_a_delivery_id_and_none_is_lost() {
    let (app, store) = start();
    for id in 1..=5 {
        let body = serde_json::to_vec(&order(id).0).unwrap();
        let signature = sign(WOO_SECRET, &body);
        for _ in 0..2 {
            let sent = app.woocommerce_raw(&store, "order.created", "same", &body, &signature);
            assert_eq!(sent.status, 200);
        }
    }
    assert_eq!(commissions(&app), [900; 5]);
    assert_eq!(kept(&app).len(), 5);
}

#[test]
fn an_update_may_come_before_its_creation_and_refunds_and_cancellations_take_commission_back() {
    let (app, store) = start();
    let (pending, paid) = (
        order(12).with("status", json!("pending")).with("date_paid_gmt", Value::Null),
        order(12).at(noon() + Duration::seconds(30)),
    );
    assert_eq!(app.woocommerce(&store, "order.updated", &paid.0).status, 200);
    assert_eq!(app.woocommerce(&store, "order.created", &pending.0).status, 200);
    assert_eq!(commissions(&app), [900]);
    let payment: Option<String> =
        app.within(|conn| orders::table.select(orders::payment).first(conn));
    assert_eq!(payment.as_deref(), Some("paid"), "the older message came late");

    let refunds = json!([{"id": 13, "reason": "chipped", "total": "-45.00", "total_tax": "0.00"}]);
    let refunded = paid.clone().with("refunds", refunds).at(noon() + Duration::minutes(5));
    assert_eq!(app.woocommerce(&store, "order.updated", &refunded.0).status, 200);
    assert_eq!(commissions(&app), [450]);
    let cancelled = refunded.with("status", json!("cancelled")).at(noon() + Duration::minutes(6));
    assert_eq!(app.woocommerce(&store, "order.updated", &cancelled.0).status, 200);
    assert_eq!(commissions(&app), [0]);
    assert_eq!(app.woocommerce(&store, "order.updated", &paid.0).status, 200);
    assert_eq!(commissions(&app), [0], "an old message brings nothing back");
}

#[test]
fn an_order_in_the_bin_earns_nothing_until_it_is_restored() {
    let (app, store) = start();
    let now = vouch::kit::clock::now();
    let placed = WooOrder::new(14, now - Duration::days(1)).code("ADA10", 10);
    assert_eq!(app.woocommerce(&store, "order.created", &placed.0).status, 200);
    for _ in 0..2 {
        assert_eq!(app.woocommerce(&store, "order.deleted", &json!({ "id": 14 })).status, 200);
        assert_eq!(commissions(&app), [0]);
    }
    assert_eq!(app.woocommerce(&store, "order.updated", &placed.0).status, 200);
    assert_eq!(commissions(&app), [0]);
    let restored = placed.at(now + Duration::minutes(1));
    assert_eq!(app.woocommerce(&store, "order.restored", &restored.0).status, 200);
    assert_eq!(commissions(&app), [900]);
}

#[test]
fn what_cannot_be_understood_is_kept_with_its_reason() {
    let (app, store) = start();
    assert_eq!(app.woocommerce(&store, "coupon.created", &json!({ "id": 5 })).status, 200);
    let mut odd = order(1);
    odd.0["line_items"][0]["total"] = json!("dear");
    assert_eq!(app.woocommerce(&store, "order.created", &odd.0).status, 200);
    let draft = order(2).with("status", json!("checkout-draft"));
    assert_eq!(app.woocommerce(&store, "order.updated", &draft.0).status, 200);
    let kept = kept(&app);
    let outcomes: Vec<&str> = kept.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(outcomes, ["failed", "failed", "ignored"]);
    let codes: Vec<&Value> = kept.iter().map(|row| &row.2["code"]).collect();
    assert_eq!(codes, ["unparseable", "unparseable", "not_placed"]);
    assert_eq!(kept[1].2["path"], "line_items[0].total");
    assert!(commissions(&app).is_empty());
}

#[test]
fn recorded_messages_are_all_understood() {
    // Beside the repository, where its writers keep what WooCommerce really sent.
    let mut above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = above.find_map(|folder| {
        Some(folder.join("shared/payloads/woocommerce")).filter(|folder| folder.is_dir())
    });
    let Some(folder) = folder else {
        eprintln!("skipped: there is no folder shared/payloads/woocommerce beside the repository");
        return;
    };
    let (app, store) = start();
    let recorded_secret = std::fs::read_to_string(folder.join("SECRET")).unwrap();
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut outcomes = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "body")) {
        let body = std::fs::read(path).unwrap();
        let headers = std::fs::read_to_string(path.with_extension("headers.json")).unwrap();
        let headers: Value = serde_json::from_str(&headers).unwrap();
        let header = |name: &str| {
            let all = headers["headers"].as_array().unwrap();
            let found = all.iter().find(|pair| pair[0].as_str() == Some(name));
            found.map_or(String::new(), |pair| pair[1].as_str().unwrap().to_owned())
        };
        let signature = header("X-WC-Webhook-Signature");
        if signature.is_empty() {
            let sent = app.woocommerce_raw(&store, "", "", &body, "");
            assert_eq!(sent.status, 200, "the ping");
            continue;
        }
        assert_eq!(signature, sign(recorded_secret.trim(), &body), "as WooCommerce signs");
        let (topic, id) = (header("X-WC-Webhook-Topic"), header("X-WC-Webhook-Delivery-ID"));
        let sent = app.woocommerce_raw(&store, &topic, &id, &body, &sign(WOO_SECRET, &body));
        assert_eq!(sent.status, 200, "{}", path.display());
        outcomes.push(kept(&app).pop().unwrap().1);
    }
    assert_eq!(outcomes, ["processed"; 5]);
    let (code, discount): (String, i64) = app.within(|conn| {
        order_codes::table.select((order_codes::code, order_codes::discount_minor)).first(conn)
    });
    assert_eq!((code.as_str(), discount), ("jane10", 800));
}
