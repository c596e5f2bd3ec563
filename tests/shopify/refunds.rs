//! Refunds as Shopify's versions tell them.

use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::merchants;
use vouch::kit::db::schema::deliveries;
use vouch_core::attribution::CalculationLogic;

use crate::attribution::{earned, hours, noon, order, send};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, then};

/// Two of one thing for 100.00, of which the code takes 10.00 off.
fn two() -> ShopifyOrder {
    order(1).without_lines().line("MUG", 2, "50.00").code("ADA10", "10.00")
}

fn ada(app: &TestApp, order: &ShopifyOrder) -> i64 {
    earned(app, order).iter().map(|(_, minor)| minor).sum()
}

/// `refunds/create` without anything but the ids and a time.
fn bare(order: &ShopifyOrder, id: u64) -> Value {
    let at = (noon() + hours(1)).to_rfc3339();
    json!({
        "id": id, "order_id": order.0["id"], "created_at": at, "processed_at": at,
        "order_adjustments": [], "refund_line_items": [], "transactions": [],
    })
}

fn with_line(mut refund: Value, order: &ShopifyOrder, line: usize, more: Value) -> Value {
    let mut item =
        json!({ "id": 1, "line_item_id": order.0["line_items"][line]["id"], "quantity": 1 });
    for (field, value) in more.as_object().unwrap() {
        item[field] = value.clone();
    }
    refund["refund_line_items"].as_array_mut().unwrap().push(item);
    refund
}

fn with_money(mut refund: Value, amount: &str) -> Value {
    refund["transactions"] = json!([
        { "kind": "refund", "amount": amount, "currency": "USD", "status": "success" },
    ]);
    refund
}

fn tell(app: &TestApp, refund: &Value) {
    assert_eq!(app.shopify("refunds/create", refund).status, 200);
    let failed: i64 = app.within(|conn| {
        deliveries::table.filter(deliveries::outcome.eq("failed")).count().get_result(conn)
    });
    assert_eq!(failed, 0, "{refund}");
}

#[test]
fn a_refund_without_a_subtotal_counts_by_quantity_and_by_what_was_paid_back() {
    let cases: [(&str, fn(Value) -> Value, i64); 4] = [
        (
            "quantity and money",
            |refund| with_money(with_line(refund, &two(), 0, json!({})), "45.00"),
            450,
        ),
        ("quantity", |refund| with_line(refund, &two(), 0, json!({})), 450),
        ("money", |refund| with_money(refund, "45.00"), 450),
        (
            "less than the price",
            |refund| with_money(with_line(refund, &two(), 0, json!({})), "20.00"),
            700,
        ),
    ];
    for (name, refund, left) in cases {
        for comes_first in [false, true] {
            let app = TestApp::start();
            let refund = refund(bare(&two(), 7));
            if comes_first {
                tell(&app, &refund);
            }
            send(&app, &two());
            if !comes_first {
                tell(&app, &refund);
            }
            assert_eq!(ada(&app, &two()), left, "{name}, first: {comes_first}");
        }
    }
}

#[test]
fn a_refund_that_names_no_currency_is_in_its_orders() {
    let app = TestApp::start();
    let subtotal = json!({ "subtotal": 45.0, "total_tax": 0.0 });
    let refund = with_line(bare(&two(), 7), &two(), 0, subtotal);
    // Before its order, and again after it.
    tell(&app, &refund);
    send(&app, &two());
    assert_eq!(ada(&app, &two()), 450);
    tell(&app, &refund);
    assert_eq!(ada(&app, &two()), 450);
    let yen = order(2).currency("JPY").without_lines().line("MUG", 2, "5000").code("ADA10", "0");
    send(&app, &yen);
    let refund = with_line(bare(&yen, 8), &yen, 0, json!({ "subtotal": 4999.999, "total_tax": 0 }));
    tell(&app, &refund);
    assert_eq!(ada(&app, &yen), 500);
}

#[test]
fn old_orders_are_discounted_by_their_lines_and_by_their_totals() {
    let app = TestApp::start();
    let mut old = order(1).with("total_discounts", json!("12.00"));
    old.0["line_items"][0]["total_discount"] = json!("2.00");
    old.0["discount_codes"] = json!([{ "code": "ADA10", "amount": "10.00" }]);
    send(&app, &old);
    assert_eq!(ada(&app, &old), 880);
}

#[test]
fn an_edit_and_money_back_on_one_line_are_both_taken_and_once() {
    let app = TestApp::start();
    let sold = order(1).without_lines().line("MUG", 3, "10.00").code("ADA10", "0.00");
    send(&app, &sold);
    assert_eq!(ada(&app, &sold), 300);
    let mut edited = sold.clone().updated_at(noon() + hours(1));
    edited.0["line_items"][0]["current_quantity"] = json!(2);
    assert_eq!(app.shopify("orders/updated", &edited.0).status, 200);
    assert_eq!(ada(&app, &sold), 200);
    let money = edited.clone().refunded(7, 0, 0, "5.00", noon() + hours(2));
    assert_eq!(app.shopify("orders/updated", &money.0).status, 200);
    assert_eq!(ada(&app, &sold), 150);
    // The item that was taken off is refunded as such.
    let item = money.refunded(8, 0, 1, "10.00", noon() + hours(3));
    assert_eq!(app.shopify("orders/updated", &item.0).status, 200);
    assert_eq!(ada(&app, &sold), 150);
}

#[test]
fn goodwill_reaches_shipping_where_shipping_counts() {
    let app = TestApp::start();
    app.within(|conn| {
        let rules = CalculationLogic { include_shipping: true, ..CalculationLogic::default() };
        merchants::change_rules(conn, &app.actor_at(then()), rules)
    });
    let sold = order(1).without_lines().line("MUG", 1, "10.00").code("ADA10", "0.00").with(
        "shipping_lines",
        json!([{ "price": "20.00", "discounted_price": "20.00", "tax_lines": [] }]),
    );
    send(&app, &sold);
    assert_eq!(ada(&app, &sold), 300);
    let mut refund = bare(&sold, 7);
    refund["order_adjustments"] =
        json!([{ "kind": "refund_discrepancy", "amount": "-25.00", "tax_amount": "0.00" }]);
    tell(&app, &with_money(refund, "25.00"));
    assert_eq!(ada(&app, &sold), 50);
}
