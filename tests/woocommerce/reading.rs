//! What is odd in a WooCommerce order: only an amount of the base keeps it out.

use chrono::{DateTime, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::merchants;
use vouch::features::stores::Store;
use vouch::kit::db::schema::{conversions, deliveries, orders};
use vouch_core::attribution::{CalculationLogic, NegativeFees};

use super::commissions;
use crate::harness::woocommerce::WooOrder;
use crate::harness::{TestApp, then};

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

/// (outcome, notes) of the newest delivery, and its page.
fn newest(app: &TestApp) -> (String, Value, String) {
    let (id, outcome, notes): (i64, String, Value) = app.within(|conn| {
        deliveries::table
            .order(deliveries::id.desc())
            .select((deliveries::id, deliveries::outcome, deliveries::notes))
            .first(conn)
    });
    (outcome, notes, format!("/deliveries/{id}"))
}

fn send(app: &TestApp, store: &Store, order: &WooOrder) {
    assert_eq!(app.woocommerce(store, "order.updated", &order.0).status, 200);
}

#[test]
fn odd_fields_outside_of_the_base_keep_no_order_out() {
    let (app, store) = start();
    let with_line = |id: u64, field: &str, value: Value| {
        let mut order = order(id);
        order.0["line_items"][0][field] = value;
        order
    };
    let mut php = order(5);
    php.0["line_items"] = json!({ "1": php.0["line_items"][0] });
    let odd = [
        with_line(1, "sku", json!(4711)),
        with_line(2, "total_tax", json!("16.486")),
        order(3).with("billing", json!([])),
        order(4).with("total_tax", json!("-1.0E-6")),
        php,
        order(6).with("coupon_lines", json!([{ "code": "ada10", "discount": "10.1234" }])),
        order(7).with("number", json!(1007)),
        order(8).with("shipping_total", json!("")),
        order(9).with("date_created_gmt", json!("2026-06-01 12:00:00")),
    ];
    for order in &odd {
        send(&app, &store, order);
        assert_eq!(newest(&app).0, "processed", "{}", order.0);
    }
    assert_eq!(commissions(&app), vec![900; odd.len()]);
}

#[test]
fn what_was_passed_over_is_noted_with_the_delivery() {
    let (app, store) = start();
    send(&app, &store, &order(1).with("billing", json!("none")).with("total", json!("dear")));
    let (outcome, notes, path) = newest(&app);
    assert_eq!((outcome.as_str(), commissions(&app)), ("processed", vec![900]));
    assert_eq!(
        notes,
        json!([
            { "code": "unreadable", "path": "billing" }, { "code": "unreadable", "path": "total" }
        ])
    );
    let page = app.owner().get(&path);
    assert!(page.says("billing") && page.says("total"), "{}", page.text());
    send(&app, &store, &order(2));
    assert_eq!(newest(&app).1, json!([]));
}

#[test]
fn a_tax_that_cannot_be_read_keeps_the_order_out_only_where_tax_is_counted() {
    let (app, store) = start();
    let odd = |id: u64| {
        let mut order = order(id);
        order.0["line_items"][0]["total_tax"] = json!("abc");
        order
    };
    send(&app, &store, &odd(1));
    assert_eq!((newest(&app).0.as_str(), commissions(&app)), ("processed", vec![900]));
    let rules = CalculationLogic { include_tax: true, ..CalculationLogic::default() };
    app.within(|conn| merchants::change_rules(conn, &app.actor_at(then()), rules));
    send(&app, &store, &odd(2));
    let (outcome, _, path) = newest(&app);
    assert_eq!(outcome, "failed");
    let result = app.owner().get(&path).one("[data-outcome=failed][data-reason=not_an_amount]");
    assert!(result.contains("line_items[0].total_tax"), "{result}");
    assert_eq!(commissions(&app), [900]);
}

#[test]
fn errors_of_woocommerce_and_other_bodies_are_set_aside() {
    let (app, store) = start();
    let error = json!({
        "code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.",
        "data": { "status": 404 },
    });
    for body in [error, json!([]), json!(null), json!({}), json!("error")] {
        assert_eq!(app.woocommerce(&store, "order.updated", &body).status, 200);
        let (outcome, _, path) = newest(&app);
        assert_eq!(outcome, "ignored", "{body}");
        assert_eq!(app.owner().get(&path).status, 200);
    }
    assert_eq!(app.owner().get("/deliveries?outcome=failed").all("tbody .name").len(), 0);
}

#[test]
fn orders_in_currencies_outside_of_iso_are_kept_and_shown() {
    let (app, store) = start();
    for (id, code, shown) in
        [(1, "IRT", "IRT\u{a0}9"), (2, "GGP", "GGP\u{a0}9.00"), (3, "QQQ", "QQQ\u{a0}9.00")]
    {
        send(&app, &store, &order(id).with("currency", json!(code)));
        assert_eq!(newest(&app).0, "processed");
        let (order_id, currency): (i64, String) = app.within(|conn| {
            conversions::table
                .inner_join(
                    orders::table.on(orders::merchant_id
                        .eq(conversions::merchant_id)
                        .and(orders::id.nullable().eq(conversions::order_id))),
                )
                .filter(orders::order_ref.eq(id.to_string()))
                .select((orders::id, conversions::currency))
                .first(conn)
        });
        assert_eq!(currency, code);
        let owner = app.owner();
        for path in [format!("/orders/{order_id}"), "/conversions".to_owned(), "/orders".to_owned()]
        {
            let page = owner.get(&path);
            assert_eq!(page.status, 200, "{path}");
            assert!(page.text().contains(code), "{path} {code}");
        }
        let page = owner.get(&format!("/orders/{order_id}"));
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    assert_eq!(newest(&app).1, json!([{ "code": "unknown_currency", "path": "currency" }]));
}

#[test]
fn a_negative_fee_is_a_gift_card_unless_the_merchant_says_that_it_is_a_discount() {
    let (app, store) = start();
    let fees = json!([{ "id": 8, "name": "Gift card", "total": "-50.00" }]);
    let paid_by_card = |id: u64, at: DateTime<Utc>| {
        WooOrder::new(id, at).code("ADA10", 10).with("fee_lines", fees.clone())
    };
    let later = noon() + chrono::Duration::hours(1);
    let rules =
        CalculationLogic { negative_fees: NegativeFees::Discount, ..CalculationLogic::default() };
    app.within(|conn| merchants::change_rules(conn, &app.actor_at(later), rules));
    send(&app, &store, &paid_by_card(1, noon()));
    send(&app, &store, &paid_by_card(2, later));
    assert_eq!(commissions(&app), [900, 400], "each by the rules of its day");
}
