use chrono::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};
use vouch_core::money::Currency;
use vouch_core::order::OrderState;
use vouch_core::order::amounts::{Basis, line_amounts};
use vouch_core::order::snapshot::{
    LineKind, OrderSnapshot, PaymentState, ReadProblem, ReportedRefund,
};
use vouch_core::order::state::StateChange;

use super::*;
use crate::fixtures::{any_json, times};
use crate::payload::MAX_LINES;

fn envelope() -> ShopifyHeaders {
    ShopifyHeaders {
        is_test: false,
        triggered_at: Utc.with_ymd_and_hms(2026, 3, 20, 8, 0, 0).unwrap(),
    }
}

fn set(amount: &str, currency: &str) -> Value {
    json!({
        "shop_money": {"amount": amount, "currency_code": currency},
        "presentment_money": {"amount": "999.99", "currency_code": "CAD"},
    })
}

/// An order in Shopify's format, without fields that Vouch ignores.
fn body() -> Value {
    json!({
        "id": 820982911946154508_i64,
        "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
        "name": "#1001",
        "created_at": "2026-03-01T09:00:00-05:00",
        "processed_at": "2026-03-01T09:00:00-05:00",
        "updated_at": "2026-03-01T09:00:05-05:00",
        "cancelled_at": null,
        "test": false,
        "currency": "USD",
        "presentment_currency": "CAD",
        "financial_status": "paid",
        "taxes_included": false,
        "email": "carla@example.com",
        "contact_email": "carla@example.com",
        "customer": {"id": 115310627314723954_i64, "email": "carla@example.com",
                     "first_name": "Carla", "last_name": "Customer"},
        "total_discounts": "3.23", "total_tax": "1.91", "total_price": "36.00",
        "discount_codes": [{"code": " jane10 ", "amount": "3.23", "type": "percentage"}],
        "discount_applications": [
            {"type": "manual", "title": "jane10", "value": "10.0", "value_type": "percentage"}
        ],
        "line_items": [{
            "id": 866550311766439020_i64, "title": "Tee", "name": "Tee - M", "sku": "TEE-M",
            "quantity": 2, "current_quantity": 2,
            "price": "12.00", "price_set": set("12.00", "USD"),
            "total_discount": "0.00", "total_discount_set": set("0.00", "USD"),
            "discount_allocations": [
                {"amount": "2.40", "amount_set": set("2.40", "USD"), "discount_application_index": 0}
            ],
            "tax_lines": [{"price": "1.30", "price_set": set("1.30", "USD"), "rate": 0.06}],
        }, {
            "id": 141249953214522974_i64, "title": "Cap", "sku": null,
            "quantity": 1, "current_quantity": 1, "price": "8.30", "total_discount": "0.00",
            "discount_allocations": [{"amount": "0.83", "discount_application_index": 0}],
            "tax_lines": [{"price": "0.45"}],
        }],
        "shipping_lines": [{
            "price": "5.00", "price_set": set("5.00", "USD"), "discounted_price": "5.00",
            "discount_allocations": [], "tax_lines": [{"price": "0.16"}],
        }],
        "refunds": [],
    })
}

fn refund_body() -> Value {
    json!({
        "id": 890088186047892319_i64,
        "order_id": 820982911946154508_i64,
        "created_at": "2026-03-05T10:00:00+01:00",
        "processed_at": "2026-03-05T10:00:00+01:00",
        "refund_line_items": [{
            "id": 1, "line_item_id": 866550311766439020_i64, "quantity": 1,
            "subtotal": 10.8, "total_tax": 0.65,
            "subtotal_set": set("10.80", "USD"), "total_tax_set": set("0.65", "USD"),
            "line_item": {"id": 866550311766439020_i64, "price": "12.00"},
        }],
        "refund_shipping_lines": [], "order_adjustments": [], "transactions": [],
        "total_duties_set": set("0.00", "USD"),
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    body
}

fn send(topic: &str, body: &Value) -> Result<StoreEvent, PayloadError> {
    parse(topic, body.to_string().as_bytes(), envelope())
}

fn order_of(body: &Value) -> OrderSnapshot {
    match send("orders/create", body) {
        Ok(StoreEvent::Order(report)) => *report,
        other => panic!("{other:?}"),
    }
}

fn refund_of(body: &Value) -> (ReportedRefund, Currency) {
    let (refund, currency) = refund_in(body);
    (refund, currency.expect("it names its currency"))
}

fn refund_in(body: &Value) -> (ReportedRefund, Option<Currency>) {
    match send("refunds/create", body) {
        Ok(StoreEvent::Refund { order_ref, refund, currency }) => {
            assert_eq!(order_ref, "820982911946154508");
            (refund, currency)
        }
        other => panic!("{other:?}"),
    }
}

fn refusal(topic: &str, body: &Value) -> PayloadError {
    send(topic, body).unwrap_err()
}

#[test]
fn an_order_is_read_in_the_stores_currency_exactly() {
    let order = order_of(&body());
    assert_eq!((order.name.as_str(), order.currency), ("#1001", Currency::USD));
    assert_eq!(order.placed_at.to_rfc3339(), "2026-03-01T14:00:00+00:00");
    assert_eq!(order.reported_at.to_rfc3339(), "2026-03-01T14:00:05+00:00");
    assert_eq!(order.payment, PaymentState::Paid);
    assert_eq!(order.customer_email.as_deref(), Some("carla@example.com"));
    assert_eq!(order.customer_name.as_deref(), Some("Carla Customer"));
    assert_eq!((order.total_minor, order.tax_minor), (3600, 191));
    assert_eq!((order.shipping_minor, order.shipping_tax_minor), (500, 16));
    let tee = &order.lines[0];
    assert_eq!((tee.title.as_str(), tee.sku.as_deref()), ("Tee - M", Some("TEE-M")));
    assert_eq!((tee.quantity, tee.remaining_quantity), (2, Some(2)));
    assert_eq!((tee.price_minor, tee.discount_minor, tee.tax_minor), (1200, 240, 130));
    assert_eq!((order.lines[1].sku.as_deref(), order.lines[1].price_minor), (None, 830));
    assert!(!order.is_test && order.cancelled_at.is_none() && order.refunds.is_empty());
}

#[test]
fn ids_above_two_to_the_53rd_keep_every_digit() {
    let order = order_of(&body());
    assert_eq!(order.order_ref, "820982911946154508");
    assert_eq!(order.customer_ref.as_deref(), Some("115310627314723954"));
    assert_eq!(order.lines[0].line_ref, "866550311766439020");
}

#[test]
fn codes_are_read_as_typed_although_the_application_is_manual() {
    let order = order_of(&body());
    assert_eq!((order.codes[0].code.as_str(), order.codes[0].discount_minor), (" jane10 ", 323));
    assert_eq!(order.codes[0].key(), "JANE10");
    // Old orders have no type and can lack an amount.
    let codes = json!([{"code": "TENOFF", "amount": "10.00"}, {"code": "X"}]);
    let order = order_of(&with(body(), "/discount_codes", codes));
    assert_eq!(order.codes.iter().map(|c| c.discount_minor).collect::<Vec<_>>(), [1000, 0]);
}

#[test]
fn a_test_order_says_so_in_the_body_or_in_the_header() {
    assert!(order_of(&with(body(), "/test", json!(true))).is_test);
    let by_header = ShopifyHeaders { is_test: true, ..envelope() };
    let event = parse("orders/create", body().to_string().as_bytes(), by_header).unwrap();
    assert!(matches!(event, StoreEvent::Order(order) if order.is_test));
}

#[test]
fn a_guests_order_and_missing_fields_are_read() {
    let order = order_of(&json!({
        "id": "42", "currency": "eur", "customer": null, "line_items": null, "refunds": null,
        "discount_codes": null, "shipping_lines": null, "financial_status": null,
        "email": "", "billing_address": {"name": "Gast"},
    }));
    assert_eq!((order.order_ref.as_str(), order.name.as_str()), ("42", "#42"));
    assert_eq!((order.currency, order.customer_email), (Currency::EUR, None));
    assert_eq!(order.customer_name.as_deref(), Some("Gast"));
    assert_eq!(order.reported_at, envelope().triggered_at);
    assert_eq!(order.payment, PaymentState::Pending);
}

#[test]
fn currencies_of_no_and_of_three_decimals_are_read() {
    let yen = json!([{"id": 1, "quantity": 1, "price": "1999", "price_set": set("1999.0", "JPY")}]);
    let order = json!({"id": 1, "currency": "JPY", "total_price": "1999", "line_items": yen});
    assert_eq!(order_of(&order).lines[0].price_minor, 1999);
    let dinar = json!([{"id": 1, "quantity": 1, "price": "1.505"}]);
    let order = json!({"id": 1, "currency": "KWD", "line_items": dinar});
    assert_eq!(order_of(&order).lines[0].price_minor, 1505);
}

#[test]
fn a_set_in_another_currency_than_the_orders_is_not_used() {
    let order = with(body(), "/line_items/0/price_set", set("7.77", "CAD"));
    assert_eq!(order_of(&order).lines[0].price_minor, 1200);
}

#[test]
fn prices_that_contain_tax_say_so_and_shipping_is_freed_of_it() {
    let order = order_of(&with(body(), "/taxes_included", json!(true)));
    assert!(order.lines.iter().all(|line| line.tax_included));
    assert_eq!((order.shipping_minor, order.shipping_tax_minor), (484, 16));
}

#[test]
fn discounts_that_stand_on_no_line_are_spread_over_all() {
    let order = json!({"id": 1, "currency": "USD", "total_discounts": "10.00", "line_items": [
        {"id": 1, "quantity": 1, "price": "20.00"}, {"id": 2, "quantity": 2, "price": "5.00"},
    ]});
    let lines = order_of(&order).lines;
    assert_eq!([lines[0].discount_minor, lines[1].discount_minor], [667, 333]);
    let discounts = |mut order: Value, codes: Value| -> Vec<i64> {
        order["discount_codes"] = codes;
        order_of(&order).lines.iter().map(|line| line.discount_minor).collect()
    };
    // The same, but only the code contains it.
    let mut silent = order.clone();
    silent["total_discounts"] = json!("0.00");
    let code = json!([{"code": "TENOFF", "amount": "10.00"}]);
    assert_eq!(discounts(silent.clone(), code), [667, 333]);
    assert_eq!(discounts(silent, json!([])), [0, 0]);
    // A code's discount on shipping isn't a discount on goods.
    let free_shipping = json!([{"code": "FREE", "amount": "10.00", "type": "shipping"}]);
    assert_eq!(discounts(order, free_shipping), [0, 0]);
}

#[test]
fn a_discount_on_shipping_leaves_the_goods_paid_in_full() {
    let mut free = with(body(), "/shipping_lines/0/discounted_price", json!("0.00"));
    free["total_discounts"] = json!("5.00");
    free["discount_codes"] = json!([]);
    for i in 0..2 {
        free["line_items"][i]["discount_allocations"] = json!([]);
    }
    let order = order_of(&free);
    assert_eq!((order.shipping_minor, order.lines[0].discount_minor), (0, 0));
    let mut allocated = body();
    allocated["shipping_lines"][0]["discount_allocations"] = json!([{"amount": "2.00"}]);
    assert_eq!(order_of(&allocated).shipping_minor, 300);
}

#[test]
fn refunds_within_an_order_are_read_once_each() {
    let order = order_of(&with(body(), "/refunds", json!([refund_body(), refund_body()])));
    assert_eq!(order.refunds.len(), 1);
    assert_eq!(order.refunds[0].refund_ref, "890088186047892319");
}

#[test]
fn a_refund_alone_is_read_with_its_currency() {
    let (refund, currency) = refund_of(&refund_body());
    assert_eq!(currency, Currency::USD);
    assert_eq!(refund.refunded_at.to_rfc3339(), "2026-03-05T09:00:00+00:00");
    let line = &refund.lines[0];
    assert_eq!(line.line_ref, "866550311766439020");
    assert_eq!((line.quantity, line.amount_minor, line.tax_minor), (1, Some(1080), 65));
    assert_eq!((refund.adjustment_minor, refund.shipping_minor), (0, 0));
}

#[test]
fn amounts_that_are_json_numbers_are_read_by_their_digits() {
    let mut body = refund_body();
    let line = body["refund_line_items"][0].as_object_mut().unwrap();
    line.remove("subtotal_set");
    line.remove("total_tax_set");
    for (digits, minor) in [("5.05", 505), ("0.1", 10), ("9007199254740.93", 900_719_925_474_093)] {
        let text = body.to_string().replace("10.8,", &format!("{digits},"));
        let event = parse("refunds/create", text.as_bytes(), envelope());
        let Ok(StoreEvent::Refund { refund, .. }) = event else { panic!("{event:?}") };
        assert_eq!(refund.lines[0].amount_minor, Some(minor));
    }
}

#[test]
fn amounts_that_went_through_a_float_are_rounded() {
    let mut body = refund_body();
    let line = body["refund_line_items"][0].as_object_mut().unwrap();
    line.remove("subtotal_set");
    let text = body.to_string().replace("10.8,", "89.99999999999999,");
    let event = parse("refunds/create", text.as_bytes(), envelope());
    let Ok(StoreEvent::Refund { refund, .. }) = event else { panic!("{event:?}") };
    assert_eq!(refund.lines[0].amount_minor, Some(9000));
}

/// A refund of one of two tees, in the format of an old version.
fn old_refund(transactions: Value) -> Value {
    json!({
        "id": 7, "order_id": 820982911946154508_i64, "created_at": "2026-03-05T10:00:00+01:00",
        "refund_line_items": [{"id": 1, "line_item_id": 866550311766439020_i64, "quantity": 1}],
        "transactions": transactions,
    })
}

/// The amounts left on the lines of [`body`] after a refund, without tax.
fn left_after(refund: &Value) -> Vec<i64> {
    let mut state = vouch_core::order::OrderState::from(order_of(&body()));
    let applied = state.apply(send("refunds/create", refund).unwrap(), times(30));
    assert_eq!(applied.change, StateChange::Facts);
    let basis = vouch_core::order::amounts::Basis { include_shipping: true, ..Default::default() };
    let amounts = vouch_core::order::amounts::line_amounts(&state, basis);
    amounts.iter().map(|line| line.net_minor()).collect()
}

#[test]
fn a_refund_of_a_quantity_is_worth_what_was_paid_for_it_or_given_back() {
    let sale = |amount: &str| json!([{"kind": "refund", "amount": amount, "currency": "USD", "status": "success"}]);
    // 2 × 12.00 - 2.40, and 1.30 tax.
    assert_eq!(left_after(&old_refund(json!([]))), [1080, 747, 500]);
    assert_eq!(left_after(&old_refund(sale("11.45"))), [1080, 747, 500]);
    // The merchant refunded only half of it.
    let part = left_after(&old_refund(sale("5.73")));
    assert!((1619..=1621).contains(&part[0]) && part[1..] == [747, 500], "{part:?}");
    // More was refunded: shipping with its tax, 5.16.
    assert_eq!(left_after(&old_refund(sale("16.61"))), [1080, 747, 0]);
    // Failed refunds and incoming payments have no effect.
    for (field, word) in [("status", "failure"), ("kind", "sale")] {
        let mut other = sale("1.00");
        other[0][field] = json!(word);
        assert_eq!(left_after(&old_refund(other)), [1080, 747, 500], "{word}");
    }
}

#[test]
fn a_refund_of_money_alone_is_spread() {
    let mut money = old_refund(json!([
        {"kind": "refund", "amount": "18.00", "currency": "USD", "status": "success"},
    ]));
    money["refund_line_items"] = json!([]);
    // Half of 36.00, which includes 1.91 tax. 29.07 was paid for the goods.
    let left = left_after(&money);
    assert_eq!(left.iter().sum::<i64>(), 2160 + 747 + 500 - (1800 - 96), "{left:?}");
}

#[test]
fn a_part_without_an_amount_is_paid_from_what_the_others_leave() {
    let mut mixed = old_refund(json!([
        {"kind": "refund", "amount": "16.45", "currency": "USD", "status": "success"},
    ]));
    let cap = json!({"id": 2, "line_item_id": 141249953214522974_i64, "quantity": 1,
                     "subtotal": 5.0, "total_tax": 0.0});
    mixed["refund_line_items"].as_array_mut().unwrap().push(cap);
    assert_eq!(left_after(&mixed), [1080, 247, 500]);
}

#[test]
fn a_refund_names_the_shops_currency_or_none() {
    let mut body = old_refund(json!([
        {"kind": "refund", "amount": "15.00", "currency": "CAD", "status": "success"},
    ]));
    assert_eq!(
        refund_in(&body).1,
        Some(Currency::from_code("CAD").unwrap()),
        "the money is needed"
    );
    body["refund_line_items"][0]["subtotal"] = json!(10.8);
    let (refund, currency) = refund_in(&body);
    assert_eq!((refund.lines[0].amount_minor, currency), (Some(108_000), None));
    assert_eq!(left_after(&body), [1080, 747, 500]);
}

#[test]
fn discounts_of_the_order_beyond_those_of_its_lines_are_spread() {
    let order = json!({"id": 1, "currency": "USD", "total_discounts": "12.00", "line_items": [
        {"id": 1, "quantity": 1, "price": "100.00", "total_discount": "2.00"},
        {"id": 2, "quantity": 2, "price": "1.00", "total_discount": "0.00"},
    ], "discount_codes": [{"code": "TENOFF", "amount": "10.00"}]});
    let discounts = |order: &Value| -> Vec<i64> {
        order_of(order).lines.iter().map(|line| line.discount_minor).collect()
    };
    assert_eq!(discounts(&order), [200 + 980, 20]);
    assert_eq!(
        discounts(&with(order.clone(), "/total_discounts", json!("2.00"))).iter().sum::<i64>(),
        1000
    );
    let no_code = with(order.clone(), "/discount_codes", json!([]));
    assert_eq!(discounts(&with(no_code, "/total_discounts", json!("2.00"))), [200, 0]);
    let free = with(order, "/total_discounts", json!("500.00"));
    assert_eq!(discounts(&free), [10_000, 200], "no more than was asked");
}

#[test]
fn goodwill_is_what_is_given_back_beyond_the_lines() {
    let goodwill = json!([{"kind": "refund_discrepancy", "amount": "-4.00", "tax_amount": "0.00"}]);
    let (refund, _) = refund_of(&with(refund_body(), "/order_adjustments", goodwill));
    assert_eq!((refund.adjustment_minor, refund.lines[0].amount_minor), (400, Some(1080)));
}

#[test]
fn what_the_merchant_keeps_back_is_taken_off_the_refunded_lines() {
    let fee = json!([{"kind": "refund_discrepancy", "amount": "2.00", "tax_amount": "0.00"}]);
    let (refund, _) = refund_of(&with(refund_body(), "/order_adjustments", fee));
    assert_eq!((refund.adjustment_minor, refund.lines[0].amount_minor), (0, Some(880)));
}

#[test]
fn money_of_a_refund_that_is_off_no_line_is_spread() {
    for id in [json!(null), json!("none"), json!({}), json!(99)] {
        let mut refund = refund_body();
        refund["refund_line_items"][0]["line_item_id"] = id.clone();
        let left = left_after(&refund);
        assert_eq!(left.iter().sum::<i64>(), 2160 + 747 + 500 - 1080, "{id}");
        assert!(left[0] > 1080 && left[1] < 747 && left[2] == 500, "{id}: {left:?}");
    }
}

#[test]
fn what_a_refund_says_beside_the_base_is_noted_where_it_cannot_be_read() {
    let tax = |value: Value| with(refund_body(), "/refund_line_items/0/total_tax_set", value);
    let mut plain = refund_body();
    plain["refund_line_items"][0]["total_tax_set"] = Value::Null;
    plain["refund_line_items"][0]["total_tax"] = json!("abc");
    let of_line = "refund_line_items[0].total_tax";
    let adjusted = |of: Value| with(refund_body(), "/order_adjustments", json!([of]));
    let goodwill = json!({"kind": "refund_discrepancy", "amount": "0.00", "tax_amount": "x"});
    let shipping = json!({"kind": "shipping_refund", "amount": "x", "tax_amount": "0.00"});
    let shipped = json!([{"subtotal_amount_set": "x", "tax_amount_set": []}]);
    for (refund, path, code) in [
        (tax(set("abc", "USD")), of_line, ReadProblem::UnreadableTax),
        (tax(json!("abc")), of_line, ReadProblem::UnreadableTax),
        (plain, of_line, ReadProblem::UnreadableTax),
        (adjusted(goodwill), "order_adjustments[0].tax_amount", ReadProblem::UnreadableTax),
        (adjusted(shipping), "order_adjustments[0].amount", ReadProblem::UnreadableShipping),
        (
            with(refund_body(), "/refund_shipping_lines", shipped),
            "refund_shipping_lines[0].subtotal_amount_set",
            ReadProblem::UnreadableShipping,
        ),
        (
            with(refund_body(), "/total_duties_set", json!("x")),
            "total_duties_set",
            ReadProblem::Unreadable,
        ),
    ] {
        let alone = refund_in(&refund).0;
        assert_eq!((alone.notes[0].path.as_str(), alone.notes[0].code), (path, code));
        assert_eq!(alone.lines[0].amount_minor, Some(1080), "{path}");
        let order = order_of(&with(body(), "/refunds", json!([refund])));
        let inner = format!("refunds[0].{path}");
        assert_eq!((order.notes[0].path.as_str(), order.notes[0].code), (inner.as_str(), code));
    }
    // If the parts are subtracted from a total, each one matters.
    let mut undivided = old_refund(json!([{"kind": "refund", "amount": "20.00"}]));
    undivided["refund_line_items"][0]["total_tax"] = json!("abc");
    assert_eq!(refusal("refunds/create", &undivided).path, of_line);
}

#[test]
fn a_code_for_free_shipping_takes_its_amount_off_the_shipping() {
    let line = json!({"id": 1, "quantity": 1, "price": "100.00", "total_discount": "0.00"});
    let order = json!({
        "id": 1, "currency": "USD", "total_discounts": "5.00", "line_items": [line],
        "discount_codes": [{"code": "FREESHIP", "amount": "5.00", "type": "shipping"}],
        "shipping_lines": [{"price": "5.00"}],
    });
    let paid = |order: &Value| {
        let order = order_of(order);
        (self::paid(&order)[0], order.shipping_minor)
    };
    assert_eq!(paid(&order), (10_000, 0));
    let shipping = |lines: Value| paid(&with(order.clone(), "/shipping_lines", lines));
    let several =
        json!([{"price": "5.00"}, {"price": "15.00"}, {"price": "9", "is_removed": true}]);
    assert_eq!(shipping(several), (10_000, 1500));
    // Nothing counts twice.
    assert_eq!(shipping(json!([{"price": "8.00", "discounted_price": "3.00"}])), (10_000, 300));
    let allocated = json!([{"price": "8.00", "discount_allocations": [{"amount": "2.00"}]}]);
    assert_eq!(shipping(allocated).1, 600, "allocations are all there is");
    assert_eq!(shipping(json!([])), (10_000, 0), "it's no discount of the goods either");
    let code = json!([{"code": "TENOFF", "amount": "5.00", "type": "fixed_amount"}]);
    assert_eq!(paid(&with(order, "/discount_codes", code)), (9500, 500));
}

#[test]
fn shipping_given_back_is_read_in_its_old_and_its_new_form() {
    let old = json!([{"kind": "shipping_refund", "amount": "-5.00", "tax_amount": "-0.16"}]);
    let (refund, _) = refund_of(&with(refund_body(), "/order_adjustments", old));
    assert_eq!((refund.shipping_minor, refund.shipping_tax_minor), (500, 16));
    assert_eq!(refund.adjustment_minor, 0);
    let new = json!([{"id": 1, "subtotal_amount_set": set("5.00", "USD"),
                      "tax_amount_set": set("0.16", "USD")}]);
    let (refund, _) = refund_of(&with(refund_body(), "/refund_shipping_lines", new));
    assert_eq!((refund.shipping_minor, refund.shipping_tax_minor), (500, 16));
}

#[test]
fn the_other_messages_are_understood() {
    let edited = json!({"order_edit": {"id": 1, "order_id": 820982911946154508_i64}});
    let event = send("orders/edited", &edited).unwrap();
    assert!(
        matches!(event, StoreEvent::Ignored { order_ref, .. } if order_ref == "820982911946154508")
    );
    assert_eq!(
        send("orders/delete", &json!({"id": 820982911946154508_i64})).unwrap(),
        StoreEvent::Deleted { order_ref: "820982911946154508".into(), at: envelope().triggered_at }
    );
    assert_eq!(send("app/uninstalled", &json!({"id": 1})).unwrap(), StoreEvent::Uninstalled);
    let nothing = json!({"id": 1, "order_id": 2, "refund_line_items": []});
    assert!(matches!(send("refunds/create", &nothing), Ok(StoreEvent::Ignored { .. })));
    for topic in ["orders/updated", "ORDERS/PAID", "orders/cancelled"] {
        assert!(matches!(send(topic, &body()), Ok(StoreEvent::Order(_))), "{topic}");
    }
    let cancelled = with(body(), "/cancelled_at", json!("2026-03-02T00:00:00Z"));
    assert!(order_of(&cancelled).cancelled_at.is_some());
}

#[test]
fn what_cannot_be_understood_says_where_and_why() {
    let price = refusal("orders/create", &with(body(), "/line_items/1/price", json!("8,30")));
    assert_eq!(price.path, "line_items[1].price");
    assert_eq!(price.problem, PayloadProblem::NotAnAmount { value: "8,30".to_owned() });
    for (pointer, value, path) in [
        ("/line_items/0/quantity", json!("two"), "line_items[0].quantity"),
        ("/line_items/0/quantity", json!(-1), "line_items[0].quantity"),
        ("/line_items/1/price", json!("-1.00"), "line_items[1].price"),
        ("/line_items/1/price", json!(null), "line_items[1].price"),
        ("/line_items/1/price", json!({}), "line_items[1].price"),
        (
            "/line_items/0/discount_allocations/0/amount_set/shop_money/amount",
            json!("x"),
            "line_items[0].discount_allocations[0].amount",
        ),
        ("/currency", json!("DOLLAR"), "currency"),
        ("/id", json!(1.5), "id"),
        ("/id", json!(-7), "id"),
        ("/id", json!(null), "id"),
        ("/taxes_included", json!("perhaps"), "taxes_included"),
        ("/line_items", json!("none"), "line_items"),
        ("/line_items", json!({"id": 1}), "line_items"),
        ("/line_items/0", json!({"id": 1}), "line_items[0]"),
    ] {
        assert_eq!(refusal("orders/create", &with(body(), pointer, value)).path, path);
    }
    // Without allocations, only the totals have discounts.
    for discount in [json!("9".repeat(30)), json!("x"), json!({}), json!("-1.00")] {
        let line = json!({"id": 1, "quantity": 1, "price": "10.00", "total_discount": discount});
        let sent = json!({"id": 1, "currency": "USD", "line_items": [line]});
        assert_eq!(refusal("orders/create", &sent).path, "line_items[0].total_discount");
        let line = json!({"id": 1, "quantity": 1, "price": "10.00"});
        let sent = json!({"id": 1, "currency": "USD", "line_items": [line],
                          "total_discounts": discount});
        assert_eq!(refusal("orders/create", &sent).path, "total_discounts");
    }
    let line =
        with(refund_body(), "/refund_line_items/0/subtotal_set/shop_money/amount", json!("x"));
    let inner = with(body(), "/refunds", json!([line]));
    assert_eq!(refusal("refunds/create", &line).path, "refund_line_items[0].subtotal");
    assert_eq!(refusal("orders/create", &inner).path, "refunds[0].refund_line_items[0].subtotal");
    let orphan = json!({"id": 1, "refund_line_items": []});
    assert_eq!(refusal("refunds/create", &orphan).path, "order_id");
    assert_eq!(refusal("carts/create", &body()).path, "");
    for broken in ["", "{", "[]", "null", "{}", "{\"id\":1} x", "\u{feff}{}"] {
        assert!(parse("orders/create", broken.as_bytes(), envelope()).is_err(), "{broken}");
    }
    assert!(parse("orders/create", b"{\"id\": 1, \"currency\": \"\xff\"}", envelope()).is_err());
}

/// The paid amount of each line.
fn paid(report: &OrderSnapshot) -> Vec<i64> {
    let state = OrderState::from(report.clone());
    line_amounts(&state, Basis::default()).iter().map(|line| line.gross_minor).collect()
}

#[test]
fn fields_outside_of_the_base_are_read_tolerantly_or_passed_over_with_a_note() {
    let plain = order_of(&body());
    for (pointer, value, notes) in [
        ("/line_items/0/sku", json!(4711), vec![]),
        ("/line_items/0/title", json!(["a"]), vec!["line_items[0].title"]),
        ("/line_items/0/tax_lines/0/price_set/shop_money/amount", json!("16.486"), vec![]),
        (
            "/line_items/0/tax_lines/0/price_set/shop_money/amount",
            json!("x"),
            vec!["line_items[0].tax_lines[0].price"],
        ),
        ("/line_items/0/tax_lines", json!({"0": {"price": "-1.0E-6"}}), vec![]),
        (
            "/line_items/0/total_discount_set/shop_money/amount",
            json!("x"),
            vec!["line_items[0].total_discount"],
        ),
        ("/line_items/1/total_discount", json!("-1.00"), vec!["line_items[1].total_discount"]),
        ("/line_items/1/total_discount", json!([]), vec!["line_items[1].total_discount"]),
        ("/total_discounts", json!("9".repeat(30)), vec!["total_discounts"]),
        ("/total_discounts", json!("-3.23"), vec!["total_discounts"]),
        ("/total_discounts", json!({"a": 1}), vec!["total_discounts"]),
        ("/line_items/1/id", json!(null), vec![]),
        ("/line_items/1/quantity", json!("1.0"), vec![]),
        ("/created_at", json!("yesterday"), vec!["created_at"]),
        ("/created_at", json!("2026-03-01 14:00:00 +0000"), vec![]),
        ("/total_tax", json!("-3.00"), vec![]),
        ("/total_price", json!("9".repeat(30)), vec!["total_price"]),
        ("/discount_codes/0/amount", json!("3.2345"), vec![]),
        ("/discount_codes/0/amount", json!("much"), vec!["discount_codes[0].amount"]),
        ("/customer", json!([]), vec!["customer"]),
        ("/customer/id", json!("guest"), vec!["customer.id"]),
        ("/shipping_lines", json!(""), vec![]),
        (
            "/shipping_lines/0/price_set/shop_money/amount",
            json!("x"),
            vec!["shipping_lines[0].price"],
        ),
        ("/test", json!("no"), vec![]),
        ("/name", json!(1001), vec![]),
    ] {
        let order = order_of(&with(body(), pointer, value.clone()));
        let found: Vec<&str> = order.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(found, notes, "{pointer} {value}");
        assert_eq!(paid(&order), paid(&plain), "{pointer} {value}");
        assert_eq!(order.codes[0].code, plain.codes[0].code, "{pointer} {value}");
    }
}

#[test]
fn lists_that_are_objects_are_lists() {
    let mut php = body();
    let lines = php["line_items"].take();
    php["line_items"] = json!({"1": lines[0], "0": lines[1]});
    let (order, plain) = (order_of(&php), order_of(&body()));
    let mut refs: Vec<&str> = order.lines.iter().map(|line| line.line_ref.as_str()).collect();
    refs.sort_unstable();
    assert_eq!(refs, ["141249953214522974", "866550311766439020"]);
    assert_eq!(paid(&order).iter().sum::<i64>(), paid(&plain).iter().sum::<i64>());
}

#[test]
fn amounts_with_more_decimals_are_rounded_half_to_even() {
    let price =
        |value: Value| order_of(&with(body(), "/line_items/1/price", value)).lines[1].price_minor;
    assert_eq!(price(json!("8.305")), 830);
    assert_eq!(price(json!("8.315")), 832);
    assert_eq!(price(json!(8.299_999_999_999_999)), 830);
    assert_eq!(price(json!("8.3e0")), 830);
    let mut refund = refund_body();
    refund["refund_line_items"][0]["subtotal_set"] = Value::Null;
    refund["refund_line_items"][0]["subtotal"] = json!(89.999_999_999_999_99);
    refund["total_duties_set"] = set("0.00", "USD");
    assert_eq!(refund_of(&refund).0.lines[0].amount_minor, Some(9000));
}

#[test]
fn a_currency_that_is_in_no_list_keeps_the_order() {
    for (code, decimals, noted) in [("JEP", 2, false), ("BYR", 0, false), ("QQQ", 2, true)] {
        let mut sent = body();
        sent["currency"] = json!(code);
        for pointer in ["/line_items/0/price_set", "/line_items/0/total_discount_set"] {
            *sent.pointer_mut(pointer).unwrap() = set("12.00", code);
        }
        let order = order_of(&sent);
        assert_eq!((order.currency.code(), order.currency.exponent()), (code, decimals));
        assert_eq!(order.notes.iter().any(|note| note.code == ReadProblem::UnknownCurrency), noted);
    }
    let mut silent = body();
    silent["currency"] = Value::Null;
    assert_eq!(order_of(&silent).currency, Currency::USD, "its prices say so");
}

#[test]
fn gift_cards_and_tips_are_told_from_goods() {
    let kind = |change: Value, tips: Value| {
        let mut sent = body();
        let line = sent["line_items"][1].as_object_mut().unwrap();
        line.extend(change.as_object().unwrap().clone());
        sent["total_tip_received"] = tips;
        order_of(&sent).lines[1].kind
    };
    let none = json!("0.00");
    assert_eq!(kind(json!({}), none.clone()), LineKind::Goods);
    assert_eq!(kind(json!({"gift_card": true, "sku": "GC"}), none.clone()), LineKind::GiftCard);
    assert_eq!(kind(json!({"gift_card": "true"}), none.clone()), LineKind::GiftCard);
    let marked =
        json!({"title": "Trinkgeld", "tip": {"payment_method": null, "payment_gateway": null}});
    assert_eq!(kind(marked, none.clone()), LineKind::Tip);
    let bare = |title: &str| json!({"title": title, "sku": "", "requires_shipping": false});
    assert_eq!(kind(bare("Tip"), none.clone()), LineKind::Tip);
    assert_eq!(kind(bare("Pourboire"), json!("8.30")), LineKind::Tip);
    assert_eq!(kind(bare("Engraving"), json!("5.00")), LineKind::Goods);
    let product = json!({"title": "Tip", "product_id": 5, "requires_shipping": false});
    assert_eq!(kind(product, none.clone()), LineKind::Goods, "the tip of a billiard cue");
    let shipped = json!({"title": "Tip", "requires_shipping": true});
    assert_eq!(kind(shipped, none), LineKind::Goods);
}

#[test]
fn a_code_that_only_the_applications_name_counts_once() {
    let mut sent = body();
    sent["discount_applications"] = json!([
        {"type": "discount_code", "code": "Jane10", "target_type": "line_item"},
        {"type": "manual", "title": "MANUAL", "code": "MANUAL"},
        {"type": "automatic", "title": "SPRING"},
    ]);
    let codes = |body: &Value| -> Vec<(String, i64)> {
        order_of(body).codes.into_iter().map(|code| (code.code, code.discount_minor)).collect()
    };
    assert_eq!(codes(&sent), [(" jane10 ".to_owned(), 323)], "named in both");
    sent["discount_codes"] = json!([]);
    assert_eq!(codes(&sent), [("Jane10".to_owned(), 323)], "what the lines' allocations come to");
    sent["discount_codes"] = Value::Null;
    sent["discount_applications"][0]["type"] = json!("manual");
    assert_eq!(codes(&sent), []);
}

#[test]
fn counts_and_lengths_are_limited() {
    let line = json!({"id": 1, "quantity": 1, "price": "1.00"});
    let many = json!({"id": 1, "currency": "USD", "line_items": vec![line; MAX_LINES + 1]});
    assert_eq!(refusal("orders/create", &many).path, "line_items");
    let long = order_of(&with(body(), "/name", json!(format!("a\0{}", "b".repeat(5000)))));
    assert_eq!(long.name.chars().count(), 500);
    assert!(!long.name.contains('\0'), "PostgreSQL cannot keep U+0000");
}

/// Every value's path in a document, as a JSON pointer.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{i}"), all);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointers(item, &format!("{at}/{key}"), all);
            }
        }
        _ => {}
    }
}

const TOPICS: [&str; 5] =
    ["orders/create", "orders/edited", "orders/delete", "refunds/create", "app/uninstalled"];

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, topic in prop::sample::select(TOPICS.to_vec())) {
        let _ = parse(topic, &body, envelope());
    }

    #[test]
    fn no_change_of_one_field_makes_it_panic(
        place: prop::sample::Index,
        value in any_json(),
        of_refund: bool,
    ) {
        let body = with(body(), "/refunds", json!([refund_body()]));
        let (topic, mut body) =
            if of_refund { ("refunds/create", refund_body()) } else { ("orders/create", body) };
        let mut all = Vec::new();
        pointers(&body, "", &mut all);
        *body.pointer_mut(place.get::<String>(&all)).unwrap() = value;
        match send(topic, &body) {
            Ok(StoreEvent::Order(order)) => {
                let kept = serde_json::to_value(&order).unwrap();
                let read = OrderSnapshot { notes: Vec::new(), ..*order };
                prop_assert_eq!(serde_json::from_value::<OrderSnapshot>(kept).unwrap(), read);
            }
            Ok(_) => {}
            Err(error) => prop_assert!(!error.to_string().contains('\0')),
        }
    }

    /// Changes outside of the base don't reject an order or change its amounts.
    #[test]
    fn no_change_outside_of_the_base_keeps_an_order_out(
        place: prop::sample::Index,
        value in any_json(),
        removed: bool,
    ) {
        let mut all = Vec::new();
        pointers(&body(), "", &mut all);
        all.retain(|pointer| is_outside_of_the_base(pointer));
        let place = place.get::<String>(&all);
        let mut sent = body();
        if removed {
            let (parent, name) = place.rsplit_once('/').unwrap();
            if let Some(members) = sent.pointer_mut(parent).unwrap().as_object_mut() {
                members.remove(name);
            }
        } else {
            *sent.pointer_mut(place).unwrap() = value;
        }
        match send("orders/create", &sent) {
            Ok(StoreEvent::Order(order)) => prop_assert_eq!(paid(&order), paid(&order_of(&body()))),
            other => prop_assert!(false, "{place}: {other:?}"),
        }
    }
}

/// Fields that aren't in the base of commission and don't decide which amounts are.
fn is_outside_of_the_base(pointer: &str) -> bool {
    let mut names =
        pointer.split('/').filter(|part| !part.is_empty() && part.parse::<u8>().is_err());
    match (names.next(), names.next()) {
        (None, _) | (Some("id" | "currency" | "taxes_included"), _) => false,
        (Some("line_items"), field) => {
            let is_total = matches!(field, Some("total_discount" | "total_discount_set"));
            is_total || matches!(field, Some("id" | "title" | "name" | "sku" | "tax_lines"))
        }
        // An invalid list of refunds isn't skipped, so it's part of the base.
        (Some("refunds"), _) => false,
        _ => true,
    }
}
