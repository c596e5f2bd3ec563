//! Gift cards and tips: lines that earn nothing, unless the merchant says otherwise.

use serde_json::{Value, json};
use vouch::features::merchants;
use vouch_core::attribution::CalculationLogic;

use super::*;

/// The order with one more line of 50.00.
fn and(order: ShopifyOrder, marks: &Value) -> ShopifyOrder {
    let mut order = order.line("EXTRA", 1, "50.00");
    let line = order.0["line_items"][1].as_object_mut().unwrap();
    line.extend(marks.as_object().unwrap().clone());
    order
}

fn gift_card() -> Value {
    json!({ "gift_card": true })
}

fn tip() -> Value {
    json!({
        "title": "Trinkgeld", "name": "Trinkgeld", "sku": null, "product_id": null,
        "requires_shipping": false, "taxable": false,
        "tip": { "payment_gateway": null, "payment_method": null },
    })
}

#[test]
fn gift_cards_and_tips_earn_nothing_by_default_and_the_page_says_why() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    code(&app, ada, "ADA");
    for (id, marks) in [(1, gift_card()), (2, tip())] {
        let order = and(order(id).code("ADA", "10.00"), &marks);
        send(&app, &order);
        assert_eq!(earned(&app, &order), [(ada, 900)], "{marks}");
        let credit = &attribution(&app, &order).credits[0];
        assert_eq!((credit.gross_minor, credit.lines[1].commission_minor), (9000, 0));
        let note = credit.lines[1].note.unwrap().as_str();
        let order_id: i64 = app.within(|conn| {
            orders::table
                .filter(orders::order_ref.eq(id.to_string()))
                .select(orders::id)
                .first(conn)
        });
        let page = app.owner().get(&format!("/orders/{order_id}"));
        assert!(page.has(&format!("[data-note={note}]")), "{note}");
    }
}

#[test]
fn a_merchant_can_let_gift_cards_and_tips_earn_from_a_date_on() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    code(&app, ada, "ADA");
    let rules = CalculationLogic { gift_cards_earn: true, ..CalculationLogic::default() };
    app.within(|conn| merchants::change_rules(conn, &app.actor_at(noon()), rules));
    let early = ShopifyOrder::new(1, noon() - hours(1)).code("ADA", "10.00");
    let (early, card, with_tip) = (
        and(early, &gift_card()),
        and(order(2).code("ADA", "10.00"), &gift_card()),
        and(order(3).code("ADA", "10.00"), &tip()),
    );
    for order in [&early, &card, &with_tip] {
        send(&app, order);
    }
    assert_eq!(earned(&app, &early), [(ada, 900)]);
    assert_eq!(earned(&app, &card), [(ada, 1400)]);
    assert_eq!(earned(&app, &with_tip), [(ada, 900)]);
}

#[test]
fn a_code_that_only_the_applications_name_credits_its_affiliate() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    code(&app, ada, "ADA");
    let hidden = order(1).code("ADA", "10.00").with("discount_codes", json!([]));
    send(&app, &hidden);
    assert_eq!(earned(&app, &hidden), [(ada, 900)]);
    let mut manual = order(2).code("ADA", "10.00").with("discount_codes", json!([]));
    manual.0["discount_applications"][0]["type"] = json!("manual");
    send(&app, &manual);
    assert_eq!(earned(&app, &manual), []);
}
