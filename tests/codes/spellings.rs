use serde_json::json;

use super::*;
use crate::api;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::woocommerce::WooOrder;

#[test]
fn a_woocommerce_code_that_is_kept_as_html_earns() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let ben = app.fixture.ben_id;
    attach(&app, ben, "R&B10");
    attach(&app, app.fixture.ada_id, "O'BEA");
    for (id, code) in [
        (1, "r&amp;b10"),
        (2, "r&amp;amp;b10"),
        (3, "o&#039;bea"),
        (4, "o&amp;#039;bea"),
        (5, "r&b10"),
    ] {
        let order = WooOrder::new(id, later()).code(code, 10);
        assert_eq!(app.woocommerce(&store, "order.created", &order.0).status, 200);
    }
    let ada = app.fixture.ada_id;
    assert_eq!(earned(&app), [(ben, 900), (ben, 900), (ada, 900), (ada, 900), (ben, 900)]);
}

#[test]
fn encoded_codes_earn_on_the_other_platforms_too() {
    let app = TestApp::start();
    let ben = app.fixture.ben_id;
    attach(&app, ben, "R&B10");
    let order = ShopifyOrder::new(1, later()).code("R&amp;B10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let key = api::new_key(&app);
    let at = later().to_rfc3339();
    let body = json!({
        "id": "A-1", "name": "A-1", "currency": "USD", "total": "90.00", "placed_at": at, "updated_at": at,
        "codes": [{ "code": "r&#38;b10", "discount": "10.00" }],
        "lines": [{ "id": "1", "quantity": 1, "price": "100.00", "discount": "10.00" }]
    });
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let sent = app.anonymous().send("/api/v1/orders", &headers, body.to_string().as_bytes());
    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!(earned(&app), [(ben, 900), (ben, 900)]);

    let shop = crate::bigcommerce::Shop::open();
    let ben = shop.app.fixture.ben_id;
    attach(&shop.app, ben, "R&B10");
    shop.bc.store().orders.push(Bigcommerce::order(250, "r&amp;b10", later()));
    assert_eq!(shop.send("store/order/created", 250).status, 200);
    shop.work(later());
    assert_eq!(earned(&shop.app), [(ben, 900)]);
}

#[test]
fn two_codes_that_stores_keep_apart_belong_to_two_affiliates() {
    let app = TestApp::start();
    let (owner, ada, ben) = (app.owner(), app.fixture.ada_id, app.fixture.ben_id);
    for (id, (one, other)) in
        [("straße", "STRASSE"), ("ırmak", "IRMAK"), ("CAFÉ", "CAFE")].iter().enumerate()
    {
        for (affiliate, code) in [(ada, one), (ben, other)] {
            let answer = add(&owner, affiliate, code, false);
            assert_eq!(answer.status, 303, "{code}: {}", answer.text());
        }
        for (n, code) in [one, other].into_iter().enumerate() {
            let id = (2 * id + n + 1) as u64;
            let order = ShopifyOrder::new(id, later()).code(code, "10.00");
            assert_eq!(app.shopify("orders/create", &order.0).status, 200);
        }
    }
    assert_eq!(
        earned(&app),
        [(ada, 900), (ben, 900), (ada, 900), (ben, 900), (ada, 900), (ben, 900)]
    );
}

#[test]
fn a_code_with_a_variation_selector_is_the_code_without() {
    let app = TestApp::start();
    let (owner, ada, ben) = (app.owner(), app.fixture.ada_id, app.fixture.ben_id);
    for existing in [false, true] {
        let refused = add(&owner, ada, "LOVE❤\u{fe0f}", existing);
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains("after LOVE❤"), "{}", refused.text());
    }
    assert_eq!(add(&owner, ada, "LOVE❤", false).status, 303);
    assert_eq!(add(&owner, ben, "love❤", false).status, 422);
    for (id, code) in [(1, "LOVE❤\u{fe0f}"), (2, "love❤"), (3, "LOVE\u{200b}❤\u{fe0f}")] {
        let order = ShopifyOrder::new(id, later()).code(code, "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    assert_eq!(earned(&app), [(ada, 900); 3]);
}
