//! Orders that are read say the same as their webhooks.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;
use vouch_platforms::{Client, OrderMessage, TimeRange};

use super::client;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::Shop;

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn read_all(shop: &MockStore<Shop>) -> Vec<OrderMessage> {
    let period = TimeRange { from: noon() - Duration::days(1), until: noon() + Duration::days(30) };
    let mut client = client(shop, None);
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let batch = client.orders(&period, cursor.as_deref()).unwrap();
        all.extend(batch.rows);
        cursor = batch.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// Orders of every shape that the harness knows.
fn samples() -> Vec<ShopifyOrder> {
    let later = noon() + Duration::hours(5);
    let shipping = json!([{
        "price_set": { "shop_money": { "amount": "9.00", "currency_code": "USD" } },
        "discounted_price_set": { "shop_money": { "amount": "9.00", "currency_code": "USD" } },
        "discount_allocations": [],
        "tax_lines": [{ "price_set": { "shop_money": { "amount": "0.90", "currency_code": "USD" } } }],
    }]);
    vec![
        ShopifyOrder::new(1_001, noon()),
        ShopifyOrder::new(1_002, noon())
            .line("CUP", 3, "12.50")
            .code("Maya10", "10.00")
            .code("JONAS", "5.05")
            .with("total_discounts", json!("15.05")),
        ShopifyOrder::new(1_003, noon()).draft_code("MAYA10", "7.00"),
        ShopifyOrder::new(1_004, noon()).cancelled_at(later),
        ShopifyOrder::new(1_005, noon())
            .line("CUP", 2, "12.50")
            .refunded(77_001, 1, 1, "12.50", later)
            .refunded(77_002, 0, 1, "40.00", later + Duration::hours(1)),
        ShopifyOrder::new(1_006, noon())
            .with("customer", json!(null))
            .with("test", json!(true))
            .with("shipping_lines", shipping)
            .with("total_tax", json!("0.90")),
        ShopifyOrder::new(1_007, noon()).currency("JPY").without_lines().line("A", 2, "1999"),
    ]
}

#[test]
fn an_order_that_is_read_is_the_order_of_its_webhook() {
    let shop = MockStore::shopify();
    for order in samples() {
        shop.store().put_order(&order);
    }
    shop.store().page = 2;
    let read = read_all(&shop);
    assert_eq!(read.len(), 7);
    let mut last = noon();
    for message in read {
        let order = samples()
            .into_iter()
            .find(|order| order.0["id"].as_i64() == message.order_ref.parse().ok())
            .unwrap();
        let said = serde_json::to_vec(&order.0).unwrap();
        let webhook = parse_message(Platform::Shopify, "orders/updated", &said, false, noon());
        let read = parse_message(Platform::Shopify, message.topic, &message.body, false, noon());
        assert_eq!(read.unwrap(), webhook.unwrap(), "order {}", message.order_ref);
        assert!(message.changed_at >= last, "the longest unchanged first");
        last = message.changed_at;
    }
}

#[test]
fn an_order_of_many_lines_is_read_whole() {
    let shop = MockStore::shopify();
    let order =
        (0..7).fold(ShopifyOrder::new(2_001, noon()), |order, _| order.line("CUP", 1, "1.00"));
    shop.store().put_order(&order);
    shop.store().page = 3;
    let read = read_all(&shop).remove(0);
    let read = parse_message(Platform::Shopify, read.topic, &read.body, false, noon()).unwrap();
    let vouch_core::order::snapshot::StoreEvent::Order(report) = read else { panic!("no order") };
    assert_eq!(report.lines.len(), 8);
    assert_eq!(shop.count("MoreLines"), 2);
}

#[test]
fn only_the_period_is_read() {
    let shop = MockStore::shopify();
    shop.store().put_order(&ShopifyOrder::new(1, noon()));
    shop.store().put_order(&ShopifyOrder::new(2, noon() + Duration::days(2)));
    let period = TimeRange { from: noon() + Duration::days(1), until: noon() + Duration::days(2) };
    let batch = client(&shop, None).orders(&period, None).unwrap();
    let refs: Vec<&str> = batch.rows.iter().map(|row| row.order_ref.as_str()).collect();
    assert_eq!(refs, ["2"]);
}
