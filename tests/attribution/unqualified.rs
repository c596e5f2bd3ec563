//! Orders that make a conversion that earns nothing.

use serde_json::json;
use vouch::features::affiliates::{change_status, undo_status};

use super::*;

/// Status and reason of the order's only conversion.
fn decided(app: &TestApp, order: &ShopifyOrder) -> (String, Option<String>, i64) {
    let credits = credits(app, order);
    assert_eq!(credits.len(), 1, "{credits:?}");
    let one = credits.into_iter().next().unwrap();
    (one.status, one.reason, one.commission_minor)
}

fn unqualified(reason: &str) -> (String, Option<String>, i64) {
    ("unqualified".to_owned(), Some(reason.to_owned()), 0)
}

fn pending(commission: i64) -> (String, Option<String>, i64) {
    ("pending".to_owned(), None, commission)
}

#[test]
fn an_affiliates_own_purchase_earns_nothing() {
    let app = TestApp::start();
    let own = ["ada@affiliates.example", " ADA@Affiliates.Example ", "ada+shop@affiliates.example"];
    for (at, email) in own.iter().enumerate() {
        let order = order(1 + at as u64).code("ADA10", "10.00").email(email);
        send(&app, &order);
        assert_eq!(decided(&app, &order), unqualified("own_purchase"), "{email}");
    }
    let other = order(10).code("ADA10", "10.00").email("adam@affiliates.example");
    send(&app, &other);
    assert_eq!(decided(&app, &other), pending(900));
}

#[test]
fn test_orders_earn_nothing_be_it_the_body_or_the_header_that_says_so() {
    let app = TestApp::start();
    let in_body = order(1).code("ADA10", "10.00").with("test", json!(true));
    send(&app, &in_body);
    assert_eq!(decided(&app, &in_body), unqualified("test_order"));

    let in_header = order(2).code("ADA10", "10.00");
    let answer = app.shopify_with("orders/create", &[("x-shopify-test", "true")], &in_header.0);
    assert_eq!(answer.status, 200);
    assert_eq!(decided(&app, &in_header), unqualified("test_order"));

    let real = order(3).code("ADA10", "10.00");
    assert_eq!(
        app.shopify_with("orders/create", &[("x-shopify-test", "false")], &real.0).status,
        200
    );
    assert_eq!(decided(&app, &real), pending(900));
}

#[test]
fn an_affiliate_is_judged_by_the_status_when_the_order_was_placed() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let disabled_at = noon();
    let actor = app.actor_at(disabled_at);
    app.within(|conn| change_status(conn, &actor, &[ada], AffiliateStatus::Disabled));
    let actor = app.actor_at(noon() + hours(2));
    app.within(|conn| change_status(conn, &actor, &[ada], AffiliateStatus::Active));

    let at = |id, placed_at| ShopifyOrder::new(id, placed_at).code("ADA10", "10.00");
    let before = at(1, noon() - Duration::seconds(1));
    let since = at(2, noon());
    let within = at(3, noon() + hours(1));
    let after = at(4, noon() + hours(2));
    for order in [&after, &within, &since, &before] {
        send(&app, order);
    }
    assert_eq!(decided(&app, &before), pending(900));
    assert_eq!(decided(&app, &since), unqualified("inactive_affiliate"));
    assert_eq!(decided(&app, &within), unqualified("inactive_affiliate"));
    assert_eq!(decided(&app, &after), pending(900));
}

#[test]
fn a_change_of_status_that_is_undone_had_never_been() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let actor = app.actor_at(noon());
    app.within(|conn| change_status(conn, &actor, &[ada], AffiliateStatus::Disabled));
    let order = ShopifyOrder::new(1, noon() + hours(1)).code("ADA10", "10.00");
    send(&app, &order);
    assert_eq!(decided(&app, &order), unqualified("inactive_affiliate"));
    let actor = app.actor_at(noon() + hours(2));
    let undone = app.within(|conn| undo_status(conn, &actor, &[ada], noon()));
    assert_eq!(undone.len(), 1);
    app.work();
    assert_eq!(decided(&app, &order), pending(900));
}

#[test]
fn a_flat_amount_in_another_currency_earns_nothing() {
    let app = TestApp::start();
    let in_euro = offer(&app, "Five euro", &Pays::flat("flat_per_order", 500, "EUR"));
    let cleo = affiliate_on(&app, in_euro, "Cleo");
    code(&app, cleo, "CLEO");
    let order = order(1).code("CLEO", "10.00");
    send(&app, &order);
    assert_eq!(decided(&app, &order), unqualified("other_currency"));
}
