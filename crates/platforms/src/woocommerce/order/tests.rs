use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use vouch_core::money::Currency;
use vouch_core::order::amounts::{Basis, line_amounts};
use vouch_core::order::snapshot::{LineKind, OrderSnapshot, PaymentState, ReadProblem};
use vouch_core::order::state::{OrderState, StateChange};

use super::*;
use crate::fixtures::{any_json, times};

fn received_at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 20, 8, 0, 0).unwrap()
}

/// An order in the format of WooCommerce 10.9, without fields that Vouch ignores.
fn body() -> Value {
    json!({
        "id": 12, "parent_id": 0, "number": "12", "status": "processing", "currency": "USD",
        "prices_include_tax": false,
        "date_created": "2026-03-01T10:00:00", "date_modified": "2026-03-01T10:00:05",
        "date_created_gmt": "2026-03-01T09:00:00", "date_modified_gmt": "2026-03-01T09:00:05",
        "date_paid_gmt": "2026-03-01T09:00:04",
        "discount_total": "8.00", "discount_tax": "0.00", "shipping_total": "5.00",
        "shipping_tax": "1.00", "total": "92.40", "total_tax": "15.40", "customer_id": 0,
        "billing": {"first_name": "Carla", "last_name": "Customer", "company": "",
                    "email": "carla@example.com"},
        "line_items": [{
            "id": 1, "name": "Mug", "quantity": 2, "subtotal": "80.00", "subtotal_tax": "16.00",
            "total": "72.00", "total_tax": "14.40", "sku": "MUG", "price": 36,
        }],
        "shipping_lines": [{"id": 2, "total": "5.00", "total_tax": "1.00"}],
        "fee_lines": [],
        "coupon_lines": [{
            "id": 3, "code": "jane10", "discount": "8", "discount_tax": "1.6",
            "discount_type": "percent", "nominal_amount": 10, "free_shipping": false,
        }],
        "refunds": [],
    })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn send(topic: &str, body: &Value) -> Result<StoreEvent, PayloadError> {
    parse(topic, body.to_string().as_bytes(), received_at())
}

fn order_of(body: &Value) -> OrderSnapshot {
    match send("order.updated", body) {
        Ok(StoreEvent::Order(report)) => *report,
        other => panic!("{other:?}"),
    }
}

/// The amount of each line that's left for commission.
fn net(report: &OrderSnapshot, basis: Basis) -> Vec<i64> {
    let state = OrderState::from(report.clone());
    line_amounts(&state, basis).iter().map(|line| line.net_minor()).collect()
}

#[test]
fn an_order_is_read_in_every_part() {
    let order = order_of(&body());
    assert_eq!((order.order_ref.as_str(), order.name.as_str()), ("12", "#12"));
    assert_eq!(order.currency, Currency::USD);
    assert_eq!(order.placed_at.to_rfc3339(), "2026-03-01T09:00:00+00:00");
    assert_eq!(order.reported_at.to_rfc3339(), "2026-03-01T09:00:05+00:00");
    assert_eq!(order.payment, PaymentState::Paid);
    assert_eq!(order.customer_email.as_deref(), Some("carla@example.com"));
    assert_eq!(order.customer_name.as_deref(), Some("Carla Customer"));
    assert_eq!(order.customer_ref, None, "a guest");
    assert_eq!((order.codes[0].code.as_str(), order.codes[0].discount_minor), ("jane10", 800));
    assert_eq!(order.codes[0].key(), "JANE10");
    let line = &order.lines[0];
    assert_eq!((line.quantity, line.price_minor, line.discount_minor), (2, 4000, 800));
    assert_eq!(
        (line.sku.as_deref(), line.tax_minor, line.tax_included),
        (Some("MUG"), 1440, false)
    );
    assert_eq!((order.shipping_minor, order.shipping_tax_minor), (500, 100));
    assert_eq!((order.tax_minor, order.total_minor), (1540, 9240));
    assert!(order.refunds.is_empty() && order.cancelled_at.is_none());
}

#[test]
fn created_updated_restored_and_read_orders_are_the_same_report() {
    let report = Box::new(order_of(&body()));
    for topic in ["order.created", "ORDER.UPDATED", READ] {
        assert_eq!(send(topic, &body()), Ok(StoreEvent::Order(report.clone())));
    }
    assert_eq!(send("order.restored", &body()), Ok(StoreEvent::Restored(report)));
}

#[test]
fn every_status_has_its_meaning() {
    let payment = |status: &str, paid: bool, refunds: Value| {
        let mut body = with(with(body(), "status", json!(status)), "refunds", refunds);
        if !paid {
            body["date_paid_gmt"] = Value::Null;
        }
        let order = order_of(&body);
        (order.payment, order.cancelled_at.is_some())
    };
    let refund = json!([{"id": 13, "total": "-36.00"}]);
    let cases = [
        ("pending", false, json!([]), PaymentState::Pending, false),
        ("on-hold", false, json!([]), PaymentState::Pending, false),
        ("processing", true, json!([]), PaymentState::Paid, false),
        ("processing", true, refund, PaymentState::PartiallyRefunded, false),
        // Paid on delivery.
        ("processing", false, json!([]), PaymentState::Pending, false),
        ("completed", false, json!([]), PaymentState::Paid, false),
        ("refunded", true, json!([]), PaymentState::Refunded, false),
        ("failed", false, json!([]), PaymentState::Voided, false),
        ("cancelled", true, json!([]), PaymentState::Paid, true),
        ("cancelled", false, json!([]), PaymentState::Pending, true),
        ("shipped", true, json!([]), PaymentState::Paid, false),
    ];
    for (status, paid, refunds, state, cancelled) in cases {
        assert_eq!(payment(status, paid, refunds), (state, cancelled), "{status}");
    }
    for status in ["checkout-draft", "auto-draft"] {
        let noted = send("order.updated", &with(body(), "status", json!(status)));
        assert!(
            matches!(noted, Ok(StoreEvent::Ignored { ref order_ref, .. }) if order_ref == "12")
        );
    }
    let reported_at = Some(order_of(&body()).reported_at);
    let trashed = StoreEvent::Trashed { order_ref: "12".into(), reported_at };
    assert_eq!(send("order.updated", &with(body(), "status", json!("trash"))), Ok(trashed));
    let deleted = StoreEvent::Trashed { order_ref: "14".into(), reported_at: None };
    assert_eq!(send("order.deleted", &json!({ "id": 14 })), Ok(deleted));
}

#[test]
fn a_refund_is_spread_over_the_lines_with_its_tax_and_what_exceeds_them_is_shipping() {
    let mut body = body();
    body["line_items"].as_array_mut().unwrap().push(json!({
        "id": 2, "name": "Pot", "quantity": 1, "subtotal": "36.00", "total": "36.00",
        "total_tax": "7.20", "sku": "",
    }));
    // The tax is negative, like every amount of a refund. Older versions don't send it.
    body["refunds"] = json!([{"id": 20, "reason": "", "total": "-64.80", "total_tax": "-10.80"}]);
    let order = order_of(&body);
    assert_eq!(order.payment, PaymentState::PartiallyRefunded);
    assert_eq!(net(&order, Basis::default()), [3600, 1800]);
    let with_tax = Basis { include_tax: true, include_shipping: false, negative_fees_lower: false };
    assert_eq!(net(&order, with_tax), [4320, 2160]);

    body["refunds"] = json!([
        {"id": 20, "total": "-64.80", "total_tax": "-10.80"},
        {"id": 21, "total": "-70.80", "total_tax": "-11.80"},
        {"id": 21, "total": "-70.80", "total_tax": "-11.80"},
    ]);
    let order = order_of(&body);
    assert_eq!(net(&order, Basis::default()), [0, 0]);
    let with_shipping = Basis { include_shipping: true, ..Basis::default() };
    assert_eq!(net(&order, with_shipping), [0, 0, 0]);
    assert_eq!(order.refunds.len(), 2, "the same refund counts once");
}

#[test]
fn a_date_of_payment_in_either_zone_is_one() {
    for (gmt, local, state) in [
        (json!("2026-03-01T09:00:04"), json!(null), PaymentState::Paid),
        (json!(null), json!("2026-03-01T10:00:04"), PaymentState::Paid),
        (json!(""), json!("2026-03-01 10:00:04"), PaymentState::Paid),
        (json!(null), json!(""), PaymentState::Pending),
        (json!("0000-00-00T00:00:00"), json!(false), PaymentState::Pending),
    ] {
        let sent = with(with(body(), "date_paid_gmt", gmt), "date_paid", local);
        assert_eq!(order_of(&sent).payment, state, "{sent}");
    }
}

#[test]
fn a_refund_without_its_tax_holds_as_much_of_it_as_the_order() {
    // 92.40 includes 15.40 tax: 72.00 for the mugs and 5.00 for shipping.
    let order = order_of(&with(body(), "refunds", json!([{"id": 20, "total": "-46.20"}])));
    assert_eq!(net(&order, Basis::default()), [7200 - 3850]);
    let known = json!([{"id": 20, "total": "-46.20", "total_tax": "-7.70"}]);
    assert_eq!(net(&order_of(&with(body(), "refunds", known)), Basis::default()), [3350]);
    let empty = json!([{"id": 20, "total": "-46.20", "total_tax": ""}]);
    assert_eq!(net(&order_of(&with(body(), "refunds", empty)), Basis::default()), [3350]);
    for tax in [json!("abc"), json!({}), json!(["7.70"])] {
        let unreadable = json!([{"id": 20, "total": "-46.20", "total_tax": tax}]);
        let order = order_of(&with(body(), "refunds", unreadable));
        assert_eq!(net(&order, Basis::default()), [3350], "{tax}");
        assert_eq!(order.notes[0].path, "refunds[0].total_tax");
    }
}

#[test]
fn a_tax_of_refunded_lines_that_cannot_be_read_is_noted() {
    for tax in [json!("abc"), json!({"net": 1})] {
        let mut mug = part_of(json!("1"), -1, "-36.00", "-7.20");
        mug["total_tax"] = tax;
        let refund = json!({"line_items": [mug]});
        assert_eq!(left_after_reading("43.20", refund.clone()), [3600, 3600, 500]);
        let read = json!({
            "order_id": "12", "currency": "USD", "read_at": "2026-03-21T08:00:00Z",
            "refunds": [{"id": 20, "amount": "43.20", "line_items": refund["line_items"]}],
        });
        let Ok(StoreEvent::RefundLines { refunds, .. }) = send(REFUNDS, &read) else { panic!() };
        let note = &refunds[0].notes[0];
        assert_eq!(note.code, ReadProblem::UnreadableTax);
        assert_eq!(note.path, "refunds[0].line_items[0].total_tax");
    }
}

/// The order of [`body`] plus a pot of 36.00. Returns the amounts left on the lines and shipping
/// after a refund of `amount` was read.
fn left_after_reading(amount: &str, refund: Value) -> Vec<i64> {
    let mut order = body();
    order["line_items"].as_array_mut().unwrap().push(json!({
        "id": 2, "name": "Pot", "quantity": 1, "subtotal": "36.00", "total": "36.00",
        "total_tax": "7.20", "sku": "",
    }));
    (order["total"], order["total_tax"]) = (json!("135.60"), json!("22.60"));
    order["refunds"] = json!([{"id": 20, "reason": "", "total": format!("-{amount}")}]);
    let mut state = OrderState::from(order_of(&order));
    assert!(state.lacks_refund_lines());
    let mut refund = refund;
    refund["id"] = json!(20);
    refund["amount"] = json!(amount);
    let read = json!({
        "order_id": "12", "currency": "USD", "read_at": "2026-03-21T08:00:00Z", "refunds": [refund],
    });
    let applied = state.apply(send(REFUNDS, &read).unwrap(), times(30));
    assert_eq!(applied.change, StateChange::Facts);
    assert!(!state.lacks_refund_lines());
    let basis = Basis { include_shipping: true, ..Basis::default() };
    line_amounts(&state, basis).iter().map(|line| line.net_minor()).collect()
}

fn part_of(line: Value, quantity: i64, total: &str, tax: &str) -> Value {
    json!({
        "id": 90, "quantity": quantity, "total": total, "total_tax": tax,
        "meta_data": [{"id": 1, "key": "_reduced_stock", "value": "1"},
                      {"id": 2, "key": "_refunded_item_id", "value": line}],
    })
}

#[test]
fn the_lines_of_a_refund_say_what_it_was_for() {
    let mug = part_of(json!("1"), -1, "-36.00", "-7.20");
    assert_eq!(left_after_reading("43.20", json!({"line_items": [mug]})), [3600, 3600, 500]);
    let pot = part_of(json!(2), -1, "-36.00", "-7.20");
    assert_eq!(left_after_reading("43.20", json!({"line_items": [pot]})), [7200, 0, 500]);
    let shipping = part_of(json!("3"), 0, "-5.00", "-1.00");
    assert_eq!(left_after_reading("6.00", json!({"shipping_lines": [shipping]})), [7200, 3600, 0]);
    // A fee without a line ID isn't a price of goods.
    let fee = json!({"total": "-5.00", "total_tax": "-1.00"});
    assert_eq!(left_after_reading("6.00", json!({"fee_lines": [fee]})), [7200, 3600, 500]);
    // A refunded discount that was booked as a fee goes to the store.
    let pot = part_of(json!(2), -1, "-36.00", "-7.20");
    let discount = part_of(json!("4"), 0, "5.00", "1.00");
    let parts = json!({"line_items": [pot], "fee_lines": [discount]});
    assert_eq!(left_after_reading("37.20", parts), [7200, 0, 500]);
    // An excess over the parts counts for the order as a whole, including its tax.
    let mug = part_of(json!("1"), -1, "-36.00", "-7.20");
    let more = left_after_reading("55.20", json!({"line_items": [mug]}));
    assert_eq!(more.iter().sum::<i64>(), 3600 + 3600 + 500 - 1000, "{more:?}");
    // Less was refunded than the parts: the merchant retained some.
    let mug = part_of(json!("1"), -1, "-36.00", "-7.20");
    assert_eq!(left_after_reading("21.60", json!({"line_items": [mug]})), [5400, 3600, 500]);
    // A refund with only a total remains spread over the order.
    assert_eq!(left_after_reading("64.80", json!({})), [3600, 1800, 500]);
    // A part without a line ID counts for the whole order.
    let stray = json!({"quantity": -1, "total": "-54.00", "total_tax": "-10.80"});
    assert_eq!(left_after_reading("64.80", json!({"line_items": [stray]})), [3600, 1800, 500]);
    let unknown = part_of(json!("99"), -1, "-54.00", "-10.80");
    assert_eq!(left_after_reading("64.80", json!({"line_items": [unknown]})), [3600, 1800, 500]);
}

#[test]
fn what_was_paid_for_a_line_comes_out_to_the_cent() {
    let line = |quantity: Value, subtotal: &str, total: &str| {
        let mut body = body();
        let line = &mut body["line_items"][0];
        line["quantity"] = quantity;
        line["subtotal"] = json!(subtotal);
        line["total"] = json!(total);
        let order = order_of(&body);
        (order.lines[0].quantity, net(&order, Basis::default())[0])
    };
    assert_eq!(line(json!(3), "10.00", "9.99"), (3, 999));
    assert_eq!(line(json!(7), "100.00", "100.00"), (7, 10_000));
    assert_eq!(line(json!(1), "10", "10"), (1, 1000));
    assert_eq!(line(json!(2), "0.00", "0.00"), (2, 0));
    assert_eq!(line(json!(0.75), "7.50", "7.50"), (1, 750), "sold by weight");
    assert_eq!(line(json!("2.0"), "7.50", "7.50"), (2, 750));
    assert_eq!(line(json!(1), "10.005", "10.005"), (1, 1000), "more decimals than the currency");
    assert_eq!(line(json!("two"), "10.00", "10.00"), (1, 1000), "the line is exact without it");
    assert_eq!(line(json!(1), "5.00", "8.00"), (1, 800), "raised by hand");
}

#[test]
fn currencies_without_decimals_and_with_three_are_read() {
    let total = |currency: &str, total: &str| {
        let body = with(with(body(), "currency", json!(currency)), "total", json!(total));
        order_of(&body).total_minor
    };
    assert_eq!(total("JPY", "1200.00"), 1200);
    assert_eq!(total("JPY", "1200"), 1200);
    assert_eq!(total("JPY", "1199.50"), 1200);
    assert_eq!(total("KWD", "12.345"), 12_345);
    assert_eq!(total("USD", "3.333333"), 333);
}

#[test]
fn fees_below_zero_are_taken_off_what_was_paid() {
    let fees = json!([{"id": 9, "total": "-7.20"}, {"id": 10, "total": "3.00"}]);
    let order = order_of(&with(body(), "fee_lines", fees));
    let lowers = Basis { negative_fees_lower: true, ..Basis::default() };
    assert_eq!(order.negative_fees_minor, 720);
    assert_eq!(net(&order, Basis::default()), [7200, 300], "a gift card pays");
    assert_eq!(net(&order, lowers), [6480, 300], "a discount lowers");
    assert_eq!(order.lines[1].kind, LineKind::Fee);
    let order = order_of(&with(body(), "fee_lines", json!([{"id": 9, "total": "-99.00"}])));
    assert_eq!(net(&order, lowers), [0]);
    let below = json!([
        {"id": 1, "quantity": 1, "subtotal": "80.00", "total": "72.00"},
        {"id": 2, "quantity": 1, "subtotal": "0", "total": "-7.20"},
    ]);
    assert_eq!(net(&order_of(&with(body(), "line_items", below)), Basis::default())[0], 6480);
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let refusal = |body: &Value| send("order.created", body).unwrap_err();
    let cases = [
        (with(body(), "currency", json!("DOLLAR")), "currency"),
        (with(body(), "currency", json!("")), "currency"),
        (with(body(), "id", json!("x")), "id"),
        (
            with(body(), "line_items", json!([{"id": 1, "quantity": 1, "total": "abc"}])),
            "line_items[0].total",
        ),
        (
            with(body(), "line_items", json!([{"id": 1, "quantity": 1, "subtotal": "5.00"}])),
            "line_items[0].total",
        ),
        (
            with(body(), "line_items", json!([{"id": 1, "quantity": 1, "subtotal": "abc"}])),
            "line_items[0].total",
        ),
        (with(body(), "line_items", json!("abc")), "line_items"),
        (with(body(), "fee_lines", json!([{"id": 1, "total": "abc"}])), "fee_lines[0].total"),
        (with(body(), "refunds", json!([{"id": 1, "total": "all"}])), "refunds[0].total"),
    ];
    for (body, path) in cases {
        assert_eq!(refusal(&body).path, path);
    }
    assert!(parse("product.created", b"{}", received_at()).is_err());
    assert!(parse("order.created", b"{\"id\": 12, \"line_it", received_at()).is_err(), "cut off");
}

#[test]
fn what_is_not_an_order_is_set_aside() {
    for topic in ["order.created", "order.updated", "order.restored", "order.deleted", READ] {
        for body in [
            r#"{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}"#,
            r#"{"code":"rest_no_route","message":"No route was found","data":null}"#,
            "{}",
            "[]",
            "null",
            "\"\"",
            "",
            " \n",
            "webhook_id=1",
            "<!DOCTYPE html><html><body>There has been a critical error</body></html>",
        ] {
            match parse(topic, body.as_bytes(), received_at()) {
                Ok(StoreEvent::Ignored { reason, .. }) => {
                    assert_eq!(reason, IgnoredReason::NotAnOrder, "{body}");
                }
                other => panic!("{topic} {body}: {other:?}"),
            }
        }
    }
}

#[test]
fn fields_outside_of_the_base_are_read_tolerantly_or_passed_over_with_a_note() {
    let line = |field: &str, value: Value| {
        let mut body = body();
        body["line_items"][0][field] = value;
        body
    };
    let cases = [
        (line("sku", json!(4711)), vec![]),
        (line("name", json!({"rendered": "Mug"})), vec!["line_items[0].name"]),
        (line("quantity", json!("2")), vec![]),
        (line("id", json!("")), vec![]),
        (line("total", json!(72)), vec![]),
        (line("total", json!("7.2e1")), vec![]),
        (line("subtotal", json!("abc")), vec!["line_items[0].subtotal"]),
        (line("subtotal", json!({"a": 1})), vec!["line_items[0].subtotal"]),
        (line("subtotal", json!("-3.00")), vec![]),
        (line("total_tax", json!("14.4444")), vec![]),
        (line("total_tax", json!("-1.0E-6")), vec![]),
        (line("total_tax", json!("abc")), vec!["line_items[0].total_tax"]),
        (line("meta_data", json!("")), vec![]),
        (with(body(), "number", json!(1012)), vec![]),
        (with(body(), "billing", json!([])), vec!["billing"]),
        (with(body(), "billing", json!("")), vec!["billing"]),
        (with(body(), "customer_id", json!("guest")), vec!["customer_id"]),
        (with(body(), "total_tax", json!("-3.20")), vec![]),
        (with(body(), "total", json!("dear")), vec!["total"]),
        (with(body(), "shipping_total", json!("")), vec![]),
        (with(body(), "shipping_total", json!("free")), vec!["shipping_total"]),
        (with(body(), "date_created_gmt", json!("2026-03-01 09:00:00")), vec![]),
        (with(body(), "date_created_gmt", json!("2026-03-01T10:00:00+01:00")), vec![]),
        (with(body(), "date_modified_gmt", json!("yesterday")), vec!["date_modified_gmt"]),
        (with(body(), "refunds", json!({})), vec![]),
        (with(body(), "fee_lines", json!("")), vec![]),
        (with(body(), "fee_lines", json!({"7": {"id": 7, "total": "0"}})), vec![]),
        (
            with(body(), "coupon_lines", json!({"3": {"code": "jane10", "discount": "8.1234"}})),
            vec![],
        ),
        (
            with(body(), "coupon_lines", json!([{"code": "jane10", "discount": "1,5"}])),
            vec!["coupon_lines[0].discount"],
        ),
    ];
    for (body, notes) in cases {
        let order = order_of(&body);
        let found: Vec<&str> = order.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(found, notes, "{body}");
        assert_eq!(net(&order, Basis::default())[0], 7200, "{body}");
        assert_eq!(order.codes[0].key(), "JANE10", "{body}");
        assert_eq!(order.placed_at.to_rfc3339(), "2026-03-01T09:00:00+00:00", "{body}");
    }
    let mut php = body();
    php["line_items"] = json!({"15": php["line_items"][0]});
    assert_eq!(order_of(&php).lines, order_of(&body()).lines);
}

#[test]
fn names_are_read_without_entities() {
    let mut body = body();
    body["line_items"][0]["name"] = json!("Mug &amp; spoon");
    body["billing"]["last_name"] = json!("O&#039;Hara");
    let order = order_of(&body);
    assert_eq!(order.lines[0].title, "Mug & spoon");
    assert_eq!(order.customer_name.as_deref(), Some("Carla O'Hara"));
}

#[test]
fn currencies_of_woocommerce_and_unknown_ones_keep_the_order() {
    for (code, minor, noted) in
        [("IRT", 72, false), ("GGP", 7200, false), ("imp", 7200, false), ("QQQ", 7200, true)]
    {
        let order = order_of(&with(body(), "currency", json!(code)));
        assert_eq!(order.currency.code(), code.to_uppercase());
        assert_eq!(net(&order, Basis::default()), [minor], "{code}");
        let is_noted = order.notes.iter().any(|note| note.code == ReadProblem::UnknownCurrency);
        assert_eq!(is_noted, noted, "{code}");
    }
}

#[test]
fn lines_that_sell_gift_cards_are_known_by_what_extensions_keep() {
    let mut body = body();
    assert_eq!(order_of(&body).lines[0].kind, LineKind::Goods);
    for key in ["wc_gc_giftcard_to_multiple", "pw_gift_card_to", "_ywgc_amount"] {
        body["line_items"][0]["meta_data"] = json!([{"id": 1, "key": key, "value": "x"}]);
        assert_eq!(order_of(&body).lines[0].kind, LineKind::GiftCard, "{key}");
    }
}

/// Fields that aren't in the base of commission and don't decide which amounts are.
const OUTSIDE_OF_THE_BASE: [&str; 22] = [
    "/number",
    "/date_created_gmt",
    "/date_modified_gmt",
    "/date_paid_gmt",
    "/date_paid",
    "/discount_total",
    "/shipping_total",
    "/shipping_tax",
    "/total",
    "/total_tax",
    "/customer_id",
    "/billing",
    "/billing/email",
    "/billing/first_name",
    "/line_items/0/id",
    "/line_items/0/name",
    "/line_items/0/sku",
    "/line_items/0/quantity",
    "/line_items/0/subtotal",
    "/line_items/0/total_tax",
    "/coupon_lines",
    "/coupon_lines/0/discount",
];

proptest! {
    #[test]
    fn no_change_outside_of_the_base_keeps_an_order_out(
        pointer in prop::sample::select(OUTSIDE_OF_THE_BASE.to_vec()),
        value in prop::option::of(any_json()),
    ) {
        let mut sent = body();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = sent.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        match send("order.updated", &sent) {
            Ok(StoreEvent::Order(order)) => prop_assert_eq!(net(&order, Basis::default()), [7200]),
            other => prop_assert!(false, "{pointer}: {other:?}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        let _ = parse("order.updated", &body, received_at());
    }
}

#[test]
fn a_bare_order_is_an_order_too() {
    let order = order_of(&json!({"id": 9, "status": "pending", "currency": "EUR"}));
    assert_eq!((order.name.as_str(), order.reported_at), ("#9", received_at()));
    assert_eq!((order.total_minor, order.lines.len()), (0, 0));
}
