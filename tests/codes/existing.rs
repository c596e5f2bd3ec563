use serde_json::json;

use super::*;
use crate::api;
use crate::harness::shopify::ShopifyOrder;

#[test]
fn a_code_with_spaces_that_a_store_has_is_attached_and_earns() {
    let app = TestApp::start();
    let (owner, ben) = (app.owner(), app.fixture.ben_id);
    let refused = add(&owner, ben, "BIG TREAT X", false);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-coupon_code[aria-invalid=true]"), "{}", refused.text());
    assert_eq!(refused.value_of("input[name=coupon_code]"), "BIG TREAT X", "as it was typed");
    assert!(refused.has("input[name=only_in_vouch]"), "the way to attach it is at hand");
    attach(&app, ben, " BIG TREAT X ");
    for (id, code) in
        [(1, "big treat x"), (2, " Big Treat X "), (3, "BIG  TREAT X"), (4, "BIGTREATX")]
    {
        let order = ShopifyOrder::new(id, later()).code(code, "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    assert_eq!(earned(&app), [(ben, 900), (ben, 900)]);
    let taken = add(&owner, app.fixture.ada_id, "big treat x", true);
    assert_eq!(taken.status, 422);
    assert_eq!(taken.all("button[name=instead]").len(), 3, "{}", taken.text());
    let list = owner.get("/triggers?q=big+treat");
    assert_eq!(list.all("tbody th code"), ["BIG TREAT X"]);
}

#[test]
fn a_code_of_255_characters_is_attached_and_earns_and_one_more_is_too_long() {
    let app = TestApp::start();
    let (owner, ben) = (app.owner(), app.fixture.ben_id);
    let long = format!("{} {}", "a".repeat(127), "b".repeat(127));
    assert_eq!(add(&owner, ben, &long, false).status, 422);
    assert_eq!(add(&owner, ben, &format!("{long}c"), true).status, 422);
    attach(&app, ben, &long);
    let order = ShopifyOrder::new(1, later()).code(&long.to_uppercase(), "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(earned(&app), [(ben, 900)]);
    let shown = owner.get(&format!("/affiliates/{ben}/triggers"));
    assert_eq!(shown.all("tbody th code"), [long.as_str()]);
    assert!(owner.get("/triggers.csv").text().contains(&long));
}

#[test]
fn the_dashboard_and_the_api_attach_existing_codes_as_well() {
    let app = TestApp::start();
    let (owner, ben) = (app.owner(), app.fixture.ben_id.to_string());
    let fields =
        [("affiliate_id", ben.as_str()), ("coupon_code", "ONE TREAT"), ("only_in_vouch", "true")];
    assert_eq!(owner.post_signed("/triggers", &fields[..2]).status, 422);
    assert_eq!(owner.post_signed("/triggers", &fields).status, 303);
    let key = api::new_key(&app);
    let mut body = json!({ "affiliate": "ben@affiliates.example", "value": "TWO TREATS" });
    assert_eq!(api::triggers::post(&app, &key, &body).status, 422);
    body["only_in_vouch"] = json!(true);
    assert_eq!(api::triggers::post(&app, &key, &body).status, 201);
    assert_eq!(keys(&app), ["ADA10", "ONE TREAT", "TWO TREATS"]);
}

#[test]
fn a_code_on_an_order_is_prefilled_as_one_that_the_store_has() {
    let app = TestApp::start();
    let owner = app.owner();
    let order = ShopifyOrder::new(1, later()).code("r&amp;b treat", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let list = owner.get("/orders");
    let page = owner.get(&list.attribute("tbody th a", "href").unwrap());
    let form = owner.get(&page.attribute("a[href*='coupon_code=']", "href").unwrap());
    assert_eq!(form.value_of("input[name=coupon_code]"), "r&b treat");
    assert!(form.has("input[name=only_in_vouch][checked]"));
}

#[test]
fn bigcommerce_is_never_sent_a_code_that_it_does_not_accept() {
    use vouch::kit::db::schema::pushes;
    let mut shop = crate::bigcommerce::Shop::open();
    shop.creates_codes(&vouch_platforms::bigcommerce::Rules::default());
    let app = &shop.app;
    attach(app, app.fixture.ben_id, &"L".repeat(60));
    app.within(|conn| {
        let trigger_id: i64 =
            triggers::table.order(triggers::id.desc()).select(triggers::id).first(conn)?;
        vouch::features::pushes::queue(conn, &shop.app.actor(), &[trigger_id])
    });
    shop.work(later());
    let found: Vec<(String, Option<serde_json::Value>)> =
        shop.app.within(|conn| pushes::table.select((pushes::status, pushes::details)).load(conn));
    let reason = serde_json::json!({ "code": "code_too_long", "max": 50, "length": 60 });
    assert_eq!(found, [("failed".to_owned(), Some(reason))]);
    assert!(shop.bc.store().promotions.is_empty());
}
