//! Two programs with the same codes and the same order numbers: nothing crosses.

use vouch::kit::db::schema::deliveries;

use super::*;
use crate::harness::SHOP_SECRET;
use crate::harness::shopify::sign;

const OTHER_SECRET: &str = "another-secret-of-another-shop-9876543210";

fn send_to(app: &TestApp, store_key: &str, secret: &str, order: &ShopifyOrder) -> u16 {
    let body = serde_json::to_vec(&order.0).unwrap();
    let signature = sign(secret, &body);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "one-and-the-same"),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    app.hook(store_key, &headers, &body).status
}

#[test]
fn the_same_code_order_and_delivery_in_two_programs_are_two_of_each() {
    let app = TestApp::start();
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    let shop = app.connect_shop(borealis, "borealis-books.myshopify.com", OTHER_SECRET);
    let order = order(77).code("ADA10", "10.00");
    let larger = order.clone().line("BOOK", 1, "100.00");

    assert_eq!(send_to(&app, &app.fixture.store_key, OTHER_SECRET, &order), 401);
    assert_eq!(send_to(&app, &shop.store_key, SHOP_SECRET, &order), 401);
    assert_eq!(send_to(&app, &app.fixture.store_key, SHOP_SECRET, &order), 200);
    assert!(credits_in(&app, borealis, &order).is_empty());
    assert_eq!(send_to(&app, &shop.store_key, OTHER_SECRET, &larger), 200);

    let ours = credits_in(&app, acme, &order);
    let theirs = credits_in(&app, borealis, &order);
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_eq!((ours[0].affiliate_id, ours[0].commission_minor), (app.fixture.ada_id, 900));
    assert_eq!(
        (theirs[0].affiliate_id, theirs[0].commission_minor),
        (app.fixture.stranger_affiliate_id, 1900)
    );
    for merchant_id in [acme, borealis] {
        let count: i64 =
            app.within_merchant(merchant_id, |conn| deliveries::table.count().get_result(conn));
        assert_eq!(count, 1);
    }

    // What the one does with its code does not touch the other's orders.
    let trigger = app.within(|conn| Trigger::find(conn, acme, app.fixture.ada10_id));
    let actor = app.actor_at(noon() + hours(1));
    app.within(|conn| {
        Ok(triggers::reassign(conn, &actor, &trigger, app.fixture.ben_id, then()).unwrap())
    });
    app.work();
    assert_eq!(credits_in(&app, borealis, &order), theirs);
    assert_eq!(earned(&app, &order), [(app.fixture.ben_id, 900)]);
}

#[test]
fn two_stores_of_one_program_may_use_the_same_numbers() {
    let app = TestApp::start();
    let shop = app.connect_shop(app.fixture.merchant_id, "acme-two.myshopify.com", OTHER_SECRET);
    let order = order(77).code("ADA10", "10.00");
    assert_eq!(send_to(&app, &app.fixture.store_key, SHOP_SECRET, &order), 200);
    assert_eq!(send_to(&app, &shop.store_key, OTHER_SECRET, &order), 200);
    assert_eq!(earned(&app, &order), [(app.fixture.ada_id, 900); 2]);
}
