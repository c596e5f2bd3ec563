//! Documents in the shape of BigCommerce's own examples (its OpenAPI), with amounts that add up.

use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use vouch_core::money::Currency;
use vouch_core::order::OrderState;
use vouch_core::order::amounts::{Basis, line_amounts};
use vouch_core::order::snapshot::{LineKind, OrderSnapshot, PaymentState};

use super::*;
use crate::fixtures::any_json;

/// Two towels at 55.99 and a jar, 10% tax added, and a code for 10% off.
fn document() -> Value {
    json!({
        "order": {
            "id": 218,
            "customer_id": 11,
            "date_created": "Tue, 05 Mar 2019 21:40:11 +0000",
            "date_modified": "Mon, 11 Mar 2019 15:17:25 +0000",
            "date_shipped": "",
            "status_id": 11,
            "payment_status": "captured",
            "payment_method": "Credit Card",
            "currency_code": "EUR",
            "default_currency_code": "USD",
            "store_default_currency_code": "GBP",
            "is_tax_inclusive_pricing": false,
            "shipping_cost_ex_tax": "11.0900",
            "shipping_cost_tax": "0.9100",
            "total_tax": "11.8864",
            "total_inc_tax": "132.6496",
            "refunded_amount": "0.0000",
            "discount_amount": "0.0000",
            "coupon_discount": "12.1980",
            "billing_address": {
                "first_name": "Jane", "last_name": "Doe", "email": "janedoe@example.com",
            },
        },
        "products": [
            product(65, "S-ORAN", 2, "55.9900", "11.1980"),
            product(66, "", 1, "10.0000", "1.0000"),
        ],
        "coupons": [
            { "id": 3, "coupon_id": 1, "order_id": 218, "code": "Ada10", "amount": 10, "type": 1, "discount": 12.198 },
            { "id": 4, "coupon_id": 2, "order_id": 218, "code": null, "amount": 0, "type": 5, "discount": 0 },
        ],
        "refunds": [],
    })
}

fn product(id: u64, sku: &str, quantity: u32, price: &str, discount: &str) -> Value {
    let price: f64 = price.parse().unwrap();
    let total = price * f64::from(quantity);
    let tax = (total - discount.parse::<f64>().unwrap()) * 0.1;
    json!({
        "id": id, "order_id": 218, "name": "Fog Linen Towel", "sku": sku, "quantity": quantity,
        "quantity_refunded": 0,
        "price_ex_tax": format!("{price:.4}"), "price_inc_tax": format!("{:.4}", price * 1.1),
        "total_ex_tax": format!("{total:.4}"), "total_inc_tax": format!("{:.4}", total * 1.1),
        "total_tax": format!("{tax:.4}"),
        "applied_discounts": [
            { "id": "coupon", "amount": discount, "name": "Ada", "code": "ADA10", "target": "order" },
        ],
    })
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

fn read_at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2019, 4, 1, 0, 0, 0).unwrap()
}

fn event(body: &Value) -> Result<StoreEvent, PayloadError> {
    parse(READ, &serde_json::to_vec(body).unwrap(), read_at())
}

fn report(body: &Value) -> OrderSnapshot {
    match event(body).unwrap() {
        StoreEvent::Order(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// The paid amount and the refunded amount of each line.
fn amounts(report: OrderSnapshot) -> Vec<(i64, i64)> {
    let state = OrderState::from(report);
    let amounts = line_amounts(&state, Basis::default());
    amounts.iter().map(|line| (line.gross_minor, line.refunded_minor)).collect()
}

#[test]
fn a_document_is_read_in_the_currency_that_was_paid_in() {
    let report = report(&document());
    assert_eq!((report.order_ref.as_str(), report.name.as_str()), ("218", "#218"));
    assert_eq!(report.currency, Currency::USD);
    assert_eq!(report.placed_at, Utc.with_ymd_and_hms(2019, 3, 5, 21, 40, 11).unwrap());
    assert_eq!(report.reported_at, Utc.with_ymd_and_hms(2019, 3, 11, 15, 17, 25).unwrap());
    assert_eq!(report.payment, PaymentState::Paid);
    assert_eq!(report.customer_email.as_deref(), Some("janedoe@example.com"));
    assert_eq!(report.customer_name.as_deref(), Some("Jane Doe"));
    assert_eq!(report.customer_ref.as_deref(), Some("11"));
    let codes: Vec<_> = report.codes.iter().map(|c| (c.code.as_str(), c.discount_minor)).collect();
    assert_eq!(codes, [("Ada10", 1220)], "the list and the lines name one code");
    assert_eq!((report.shipping_minor, report.shipping_tax_minor), (1109, 91));
    assert_eq!((report.tax_minor, report.total_minor), (1189, 13265));
    assert_eq!(report.lines[0].sku.as_deref(), Some("S-ORAN"));
    assert_eq!(report.lines[1].sku, None);
    assert!(!report.is_test);
    // 111.98 - 11.198 and 10 - 1. Each line is rounded once.
    assert_eq!(amounts(report), [(10078, 0), (900, 0)]);
}

#[test]
fn prices_that_contain_tax_leave_it_out_of_the_base() {
    let mut body = with(document(), "/order/is_tax_inclusive_pricing", json!(true));
    body["order"]["coupon_discount"] = json!("0.0000");
    body["products"] = json!([{
        "id": 1, "name": "Tea", "quantity": "3.0000", "price_inc_tax": "3.6667", "total_inc_tax": "11.0000",
        "price_ex_tax": "3.3333", "total_ex_tax": "9.9999", "total_tax": "1.0000",
        "discounted_total_inc_tax": "11.0000", "applied_discounts": [],
    }]);
    assert_eq!(amounts(report(&body)), [(1000, 0)]);
    body["products"][0]["discounted_total_inc_tax"] = json!("5.5000");
    body["products"][0]["total_tax"] = json!("0.5000");
    assert_eq!(amounts(report(&body)), [(500, 0)], "a discount that is not listed counts as well");
}

#[test]
fn discounts_of_old_orders_are_spread_over_the_lines() {
    let mut body = document();
    for i in 0..2 {
        body["products"][i].as_object_mut().unwrap().remove("applied_discounts");
    }
    assert_eq!(amounts(report(&body)), [(10078, 0), (900, 0)]);
    body["coupons"][0]["type"] = json!(4);
    assert_eq!(
        amounts(report(&body)),
        [(11198, 0), (1000, 0)],
        "free shipping is not off the goods"
    );
}

#[test]
fn discounts_in_the_totals_alone_are_spread_where_the_lines_list_none() {
    let mut body = document();
    for i in 0..2 {
        body["products"][i]["applied_discounts"] = json!([]);
    }
    assert_eq!(amounts(report(&body)), [(10078, 0), (900, 0)]);
    body["order"]["coupon_discount"] = json!("0.0000");
    body["order"]["discount_amount"] = json!("12.1980");
    assert_eq!(amounts(report(&body)), [(10078, 0), (900, 0)], "taken off by hand");
}

#[test]
fn the_tax_of_a_line_before_its_discounts_is_not_the_tax_of_what_was_paid() {
    let line = |changes: Value| {
        let mut product = json!({
            "id": 1, "name": "Tea", "quantity": 1, "price_inc_tax": "120.0000", "price_ex_tax": "100.0000",
            "total_inc_tax": "120.0000", "total_ex_tax": "100.0000", "total_tax": "20.0000",
            "applied_discounts": [],
        });
        product.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!([product])
    };
    let listed = json!([{ "id": "coupon", "amount": "12.0000", "code": "ADA10" }]);
    for (tax_included, changes, paid, with_tax) in [
        (true, json!({ "applied_discounts": listed }), 9000, 10800),
        (true, json!({ "applied_discounts": listed, "total_tax": "18.0000" }), 9000, 10800),
        (true, json!({ "discounted_total_inc_tax": "108.0000" }), 9000, 10800),
        (false, json!({ "discounted_total_inc_tax": "108.0000" }), 9000, 10800),
        (false, json!({ "applied_discounts": listed }), 8800, 10560),
    ] {
        let body = with(document(), "/order/is_tax_inclusive_pricing", json!(tax_included));
        let body = with(body, "/products", line(changes.clone()));
        let state = OrderState::from(report(&body));
        let gross = |basis| line_amounts(&state, basis)[0].gross_minor;
        assert_eq!(gross(Basis::default()), paid, "{tax_included} {changes}");
        let basis = Basis { include_tax: true, ..Basis::default() };
        assert_eq!(gross(basis), with_tax, "{tax_included} {changes}");
    }
}

#[test]
fn a_code_that_only_the_lines_know_is_found() {
    let body = with(document(), "/coupons/0/code", json!(null));
    let codes = report(&body).codes;
    assert_eq!(codes.len(), 1);
    assert_eq!((codes[0].code.as_str(), codes[0].discount_minor), ("ADA10", 1220));
}

#[test]
fn statuses_say_where_the_money_is() {
    use PaymentState::{Authorized, Paid, PartiallyRefunded, Pending, Refunded, Unknown, Voided};
    let cases = [
        (11, "authorized", Authorized),
        (11, "captured", Paid),
        (10, "paid", Paid),
        (2, "", Paid),
        (7, "", Pending),
        (7, "captured", Pending),
        (7, "authorized", Authorized),
        (7, "void", Voided),
        (1, "", Pending),
        (12, "", Pending),
        (1, "declined", Pending),
        (10, "void", Voided),
        (10, "refunded", Refunded),
        (10, "partially refunded", PartiallyRefunded),
        (4, "captured", Refunded),
        (6, "declined", Voided),
        (14, "captured", PartiallyRefunded),
        (13, "captured", Paid),
        (10, "something new", Unknown),
    ];
    for (status_id, payment, expected) in cases {
        let body = with(document(), "/order/status_id", json!(status_id));
        let body = with(body, "/order/payment_status", json!(payment));
        assert_eq!(report(&body).payment, expected, "{status_id} {payment}");
    }
    for (status_id, expected) in [(11, Pending), (2, Pending), (10, Paid)] {
        let body = with(document(), "/order/status_id", json!(status_id));
        let body = with(body, "/order/payment_status", json!(""));
        let body = with(body, "/order/payment_method", json!("Cash on Delivery"));
        assert_eq!(report(&body).payment, expected, "paid on delivery, {status_id}");
    }
    let cancelled = report(&with(document(), "/order/status_id", json!(5)));
    assert_eq!(cancelled.cancelled_at, Some(cancelled.reported_at));
    let incomplete = event(&with(document(), "/order/status_id", json!(0))).unwrap();
    assert!(matches!(incomplete, StoreEvent::Ignored { .. }), "{incomplete:?}");
}

#[test]
fn an_archived_order_is_as_its_status_says() {
    let mut body = document();
    body["order"]["is_deleted"] = json!(true);
    assert_eq!(report(&body), report(&document()));
}

#[test]
fn orders_of_the_test_gateway_and_of_guests_are_told_apart() {
    let body = with(document(), "/order/payment_method", json!("Test Payment Gateway"));
    assert!(report(&body).is_test);
    let guest = report(&with(document(), "/order/customer_id", json!(0)));
    assert_eq!(guest.customer_ref, None);
}

fn refund(id: u64, total: Value, tax: Value, items: Value) -> Value {
    json!({
        "id": id, "order_id": 218, "created": "2019-03-20T16:44:15+00:00", "total_amount": total,
        "total_tax": tax, "uses_merchant_override_values": false,
        "payments": [{ "id": 13, "amount": total, "is_declined": false }],
        "items": items,
    })
}

#[test]
fn a_refund_takes_off_its_lines_what_was_paid_for_them() {
    let item =
        json!({ "item_type": "PRODUCT", "item_id": 65, "quantity": 1, "requested_amount": null });
    let one = refund(12, json!(55.43), json!(5.04), json!([item]));
    let body = with(document(), "/refunds", json!([one, one]));
    let report = report(&body);
    assert_eq!(report.refunds.len(), 1, "each refund once");
    assert_eq!(report.reported_at, report.refunds[0].refunded_at, "the order's time stood still");
    assert_eq!(amounts(report), [(10078, 5039), (900, 0)]);
}

#[test]
fn shipping_goodwill_and_fees_are_kept_apart() {
    let items = json!([
        { "item_type": "SHIPPING", "item_id": 51, "requested_amount": "12.00" },
        { "item_type": "ORDER", "item_id": 218, "requested_amount": 5 },
        { "item_type": "HANDLING", "item_id": 51, "requested_amount": "3.00" },
    ]);
    let body = with(document(), "/refunds", json!([refund(12, json!(20.0), json!(0), items)]));
    let report = report(&body);
    assert_eq!((report.refunds[0].shipping_minor, report.refunds[0].adjustment_minor), (1200, 500));
    let refunded: i64 = amounts(report).iter().map(|line| line.1).sum();
    assert_eq!(refunded, 500);
}

#[test]
fn what_was_declined_or_is_only_tax_takes_nothing() {
    let mut declined = refund(
        1,
        json!(50),
        json!(5),
        json!([{ "item_type": "PRODUCT", "item_id": 65, "quantity": 1 }]),
    );
    declined["payments"][0]["is_declined"] = json!(true);
    let tax = refund(2, json!(5), json!(5), json!([]));
    let body = with(document(), "/refunds", json!([declined, tax]));
    assert_eq!(amounts(report(&body)), [(10078, 0), (900, 0)]);
}

#[test]
fn a_refund_without_items_is_spread_over_the_order() {
    // The goods are 109.78 of the total of 132.76, which includes 10.98 tax.
    let left = |tax: Value| {
        let body = with(document(), "/refunds", json!([refund(1, json!(55), json!(5), json!([]))]));
        let body = with(body, "/refunds/0/total_tax", tax);
        amounts(report(&body)).iter().map(|line| line.1).sum::<i64>()
    };
    assert_eq!(left(json!(5)), 5000);
    let estimated = left(Value::Null);
    assert!((4500..5500).contains(&estimated) && estimated != 5000, "{estimated}");
    // The line's refunded quantity repeats the refund. It must not count twice.
    let body = with(document(), "/products/0/quantity_refunded", json!(1));
    let one = refund(1, json!(55.43), json!(5.04), json!([]));
    let body = with(body, "/refunds", json!([one]));
    assert_eq!(amounts(report(&body)), [(10078, 5039), (900, 0)]);
}

#[test]
fn a_refund_that_is_declined_later_gives_back() {
    let item = json!({ "item_type": "PRODUCT", "item_id": 65, "quantity": 1 });
    let one = refund(1, json!(55.43), json!(5.04), json!([item]));
    let body = with(document(), "/refunds", json!([one]));
    let body = with(body, "/products/0/quantity_refunded", json!(1));
    let body = with(body, "/order/status_id", json!(14));
    let before = report(&body);
    assert_eq!(amounts(before.clone()), [(10078, 5039), (900, 0)]);
    let declined = |pointer: &str| with(body.clone(), pointer, json!(true));
    let after = report(&declined("/refunds/0/payments/0/is_declined"));
    assert_eq!(after.reported_at, before.reported_at, "it is no older than it was");
    assert_eq!(after.payment, PaymentState::Paid);
    assert_eq!(amounts(after), [(10078, 0), (900, 0)]);
    // One of two payments was declined, so half of it was refunded.
    let payments = json!([{ "amount": 27.71, "is_declined": true }, { "amount": 27.72 }]);
    let half = report(&with(body, "/refunds/0/payments", payments));
    assert_eq!(amounts(half)[0], (10078, 2520));
}

#[test]
fn refunded_items_count_where_the_refund_is_not_listed() {
    let body = with(document(), "/products/0/quantity_refunded", json!(1));
    assert_eq!(amounts(report(&body)), [(10078, 5039), (900, 0)]);
    let all = report(&with(document(), "/order/status_id", json!(4)));
    assert_eq!(amounts(all), [(10078, 10078), (900, 900)]);
}

#[test]
fn a_webhook_only_names_its_order() {
    let hook = json!({
        "scope": "store/order/statusUpdated", "store_id": "1025646", "producer": "stores/abc123",
        "data": { "type": "order", "id": 250, "status": { "previous_status_id": 0, "new_status_id": 11 } },
        "hash": "7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca", "created_at": 1_561_479_335,
    });
    let body = serde_json::to_vec(&hook).unwrap();
    assert_eq!(
        parse("store/order/statusUpdated", &body, read_at()),
        Ok(StoreEvent::Announced { order_ref: "250".into() })
    );
    assert_eq!(parse("store/app/uninstalled", b"{}", read_at()), Ok(StoreEvent::Uninstalled));
    assert!(parse("store/cart/couponApplied", &body, read_at()).is_err());
    assert!(parse("store/order/created", b"{\"data\":{}}", read_at()).is_err());
}

#[test]
fn what_is_wrong_is_named() {
    for (pointer, value, path) in [
        ("/order/default_currency_code", json!("DOLLAR"), "order.default_currency_code"),
        ("/products", json!("none"), "products"),
        ("/products/0/quantity", json!("two"), "products[0].quantity"),
        ("/products/0/quantity", json!(-1), "products[0].quantity"),
        ("/products/1/total_ex_tax", json!("9".repeat(30)), "products[1].total_ex_tax"),
        (
            "/products/1/applied_discounts/0/amount",
            json!("x"),
            "products[1].applied_discounts[0].amount",
        ),
    ] {
        let error = event(&with(document(), pointer, value)).unwrap_err();
        assert_eq!(error.path, path, "{error}");
    }
    let body = with(document(), "/products", json!(vec![product(1, "", 1, "1", "0"); 10_001]));
    assert_eq!(event(&body).unwrap_err().path, "products");
}

#[test]
fn fields_outside_of_the_base_are_read_tolerantly_or_passed_over_with_a_note() {
    for (pointer, value, notes) in [
        ("/order/total_tax", json!("much"), vec!["order.total_tax"]),
        ("/order/total_tax", json!("-1.0000"), vec![]),
        ("/order/total_inc_tax", json!(132.6496), vec![]),
        ("/order/date_modified", json!("yesterday"), vec!["order.date_modified"]),
        ("/order/date_created", json!("2019-03-05T21:40:11Z"), vec![]),
        ("/order/date_created", json!(1_551_822_011), vec![]),
        ("/order/customer_id", json!(""), vec![]),
        ("/order/status_id", json!("11"), vec![]),
        ("/order/billing_address", json!([]), vec!["order.billing_address"]),
        ("/order/shipping_cost_ex_tax", json!("free"), vec!["order.shipping_cost_ex_tax"]),
        ("/coupons/0/discount", json!("x"), vec!["coupons[0].discount"]),
        ("/coupons/0/discount", json!("12.19804"), vec![]),
        ("/products/0/sku", json!(4711), vec![]),
        ("/products/0/name", json!({}), vec!["products[0].name"]),
        ("/products/0/quantity", json!("2"), vec![]),
        ("/products/0/quantity", json!(null), vec!["products[0].quantity"]),
        ("/products/0/total_tax", json!("x"), vec!["products[0].total_tax"]),
        ("/products/0/total_tax", json!("-0.5"), vec![]),
        ("/refunds", json!(""), vec![]),
    ] {
        let report = report(&with(document(), pointer, value.clone()));
        let found: Vec<&str> = report.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(found, notes, "{pointer} {value}");
        assert_eq!(report.codes[0].key(), "ADA10", "{pointer}");
        assert_eq!(report.placed_at, Utc.with_ymd_and_hms(2019, 3, 5, 21, 40, 11).unwrap());
        assert_eq!(amounts(report), [(10078, 0), (900, 0)], "{pointer} {value}");
    }
    let mut timeless = document();
    timeless["order"]["date_created"] = json!("");
    timeless["order"]["date_modified"] = json!("");
    assert_eq!(report(&timeless).placed_at, read_at());
}

#[test]
fn a_gift_certificate_that_is_sold_is_known_by_its_type() {
    let mut body = document();
    body["products"][1]["type"] = json!("giftcertificate");
    let kinds: Vec<LineKind> = report(&body).lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Goods, LineKind::GiftCard]);
    // A gift certificate used as payment isn't a discount.
    body["order"]["gift_certificate_amount"] = json!("50.0000");
    assert_eq!(amounts(report(&body)), [(10078, 0), (900, 0)]);
}

#[test]
fn amounts_are_rounded_half_to_even_once() {
    use super::exact::Exact;
    use crate::payload::Decimal;
    for (text, minor) in [
        ("10.0050", 1000),
        ("10.0150", 1002),
        ("10.00501", 1001),
        ("-0.0150", -2),
        ("0", 0),
        (".5", 50),
        ("1.2e1", 1200),
        ("x", -1),
    ] {
        let read = Exact::signed(Some(&Decimal(text.into())), &|| String::new());
        match read {
            Ok(amount) => assert_eq!(amount.unwrap().minor(Currency::USD), minor, "{text}"),
            Err(_) => assert_eq!(minor, -1, "{text}"),
        }
    }
    let yen = Exact::signed(Some(&Decimal("1200.5000".into())), &|| String::new());
    assert_eq!(yen.unwrap().unwrap().minor(Currency::JPY), 1200);
}

/// Fields that aren't in the base of commission and don't decide which amounts are.
const OUTSIDE_OF_THE_BASE: [&str; 20] = [
    "/order/customer_id",
    "/order/date_created",
    "/order/date_modified",
    "/order/payment_status",
    "/order/payment_method",
    "/order/currency_code",
    "/order/store_default_currency_code",
    "/order/shipping_cost_ex_tax",
    "/order/shipping_cost_tax",
    "/order/total_tax",
    "/order/total_inc_tax",
    "/order/billing_address",
    "/order/billing_address/email",
    "/products/0/id",
    "/products/0/name",
    "/products/0/sku",
    "/products/0/total_tax",
    "/coupons",
    "/coupons/0/code",
    "/coupons/0/discount",
];

proptest! {
    #[test]
    fn no_change_outside_of_the_base_keeps_an_order_out(
        pointer in prop::sample::select(OUTSIDE_OF_THE_BASE.to_vec()),
        value in prop::option::of(any_json()),
    ) {
        let mut sent = document();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = sent.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        match event(&sent) {
            Ok(StoreEvent::Order(order)) => {
                prop_assert_eq!(amounts(*order), [(10078, 0), (900, 0)], "{}", pointer);
            }
            other => prop_assert!(false, "{pointer}: {other:?}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        let _ = parse(READ, &body, read_at());
        let _ = parse("store/order/created", &body, read_at());
    }

    #[test]
    fn no_amount_makes_it_panic(
        pointer in prop::sample::select(vec![
            "/products/0/total_ex_tax", "/products/0/total_tax", "/products/0/quantity",
            "/products/0/applied_discounts/0/amount", "/order/total_inc_tax", "/coupons/0/discount",
        ]),
        value in "-?[0-9]{1,25}(\\.[0-9]{0,9})?",
    ) {
        if let Ok(StoreEvent::Order(report)) = event(&with(document(), pointer, json!(value))) {
            let _ = amounts(*report);
        }
    }
}
