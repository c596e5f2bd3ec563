//! An affiliate's own purchases: by any mailbox they were known by when the order was placed.

use vouch::features::affiliates::change::{AffiliateChange, update};
use vouch::features::affiliates::{OwnChange, update_own};
use vouch::features::availability::Unavailable;
use vouch::features::triggers::CreateTriggerError;

use super::*;

/// An order by that address.
fn by(id: u64, placed_at: DateTime<Utc>, email: &str) -> ShopifyOrder {
    ShopifyOrder::new(id, placed_at).code("ADA10", "10.00").email(email)
}

/// Whether the order's conversion is an own purchase.
fn is_own(app: &TestApp, order: &ShopifyOrder) -> bool {
    let credits = credits(app, order);
    assert_eq!(credits.len(), 1, "{credits:?}");
    match credits[0].reason.as_deref() {
        Some("own_purchase") => true,
        None => false,
        other => panic!("{other:?}"),
    }
}

fn move_to(app: &TestApp, email: &str, at: DateTime<Utc>) {
    let change = AffiliateChange {
        name: "Ada Active".to_owned(),
        email: email.to_owned(),
        offer_id: app.fixture.offer_id,
        note: String::new(),
    };
    let actor = app.actor_at(at);
    app.within(|conn| Ok(update(conn, &actor, app.fixture.ada_id, &change).unwrap()));
}

#[test]
fn an_address_counts_from_when_it_is_known_and_never_stops() {
    let app = TestApp::start();
    let (old, new) = ("ada@affiliates.example", "ada@moved.example");
    let orders = [
        (by(1, noon() - hours(1), old), true),
        (by(2, noon() - hours(1), new), false),
        (by(3, noon(), old), true),
        (by(4, noon(), new), true),
        (by(5, noon() + hours(1), "Ada+tea@Moved.Example"), true),
    ];
    for (order, _) in &orders[..2] {
        send(&app, order);
    }
    move_to(&app, new, noon() + Duration::milliseconds(800));
    for (order, _) in &orders[2..] {
        send(&app, order);
    }
    // A later update of an order changes nothing about whose it is.
    for (order, own) in &orders {
        assert_eq!(is_own(&app, order), *own, "{}", order.0);
        let later = order.clone().updated_at(noon() + hours(9));
        assert_eq!(app.shopify("orders/updated", &later.0).status, 200);
        assert_eq!(is_own(&app, order), *own, "{}", order.0);
    }
}

#[test]
fn an_order_that_is_here_already_is_judged_again_when_its_second_gets_another_address() {
    let app = TestApp::start();
    let order = by(1, noon(), "ada@moved.example");
    send(&app, &order);
    assert!(!is_own(&app, &order));
    move_to(&app, "ada@moved.example", noon() + Duration::milliseconds(800));
    app.work();
    assert!(is_own(&app, &order));
}

#[test]
fn addresses_in_payout_details_are_theirs_too() {
    let app = TestApp::start();
    let before = by(1, noon() - hours(1), "ada@pay.example");
    send(&app, &before);
    let change = OwnChange {
        name: "Ada Active".to_owned(),
        payout_details: "PayPal: Ada@Pay.example.\nor bank DE00 1234".to_owned(),
    };
    let actor = app.actor_at(noon());
    app.within(|conn| update_own(conn, &actor, app.fixture.ada_id, &change));
    let change = OwnChange { payout_details: "Bank only".to_owned(), ..change };
    let actor = app.actor_at(noon() + hours(1));
    app.within(|conn| update_own(conn, &actor, app.fixture.ada_id, &change));
    let since = by(2, noon(), "ada@pay.example");
    let later = by(3, noon() + hours(2), "ada+x@pay.example");
    send(&app, &since);
    send(&app, &later);
    let again = before.clone().updated_at(noon() + hours(9));
    assert_eq!(app.shopify("orders/updated", &again.0).status, 200);
    assert!(!is_own(&app, &before));
    assert!(is_own(&app, &since) && is_own(&app, &later));
}

#[test]
fn a_mailbox_is_known_in_each_of_its_spellings() {
    let app = TestApp::start();
    move_to(&app, "ada.active@googlemail.com", noon() - hours(9));
    for (id, (email, own)) in [
        ("adaactive@gmail.com", true),
        ("A.D.A.Active+tea@GMail.com", true),
        ("ada.active@googlemail.com.", true),
        ("ada.active@gmail.co", false),
        ("adaactiv@gmail.com", false),
    ]
    .into_iter()
    .enumerate()
    {
        let order = by(1 + id as u64, noon(), email);
        send(&app, &order);
        assert_eq!(is_own(&app, &order), own, "{email}");
    }
}

#[test]
fn a_customer_email_trigger_matches_every_spelling_of_its_mailbox() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    trigger_at(&app, ben, TriggerKind::CustomerEmail, "Re.Gular+shop@googlemail.com", then());
    for (id, email) in ["regular@gmail.com", "r.egular+x@gmail.com"].into_iter().enumerate() {
        let order = ShopifyOrder::new(1 + id as u64, noon()).email(email);
        send(&app, &order);
        assert_eq!(earned(&app, &order), [(ben, 1000)], "{email}");
    }
    let actor = app.actor();
    let second = app.within(|conn| {
        let kind = TriggerKind::CustomerEmail;
        Ok(triggers::create(conn, &actor, ada, kind, "regular@gmail.com"))
    });
    let Err(CreateTriggerError::Refused(refused)) = second else { panic!("{second:?}") };
    assert!(matches!(refused.why, Unavailable::Held(held) if held.affiliate_id == ben));
    // Both the trigger and the orders are found by any spelling, and by half of one.
    let owner = app.owner();
    for q in ["re.gular@googlemail.com", "regular@gmail.com", "regular%2Bx@gmail.com"] {
        assert_eq!(owner.get(&format!("/triggers?q={q}")).all("tbody tr").len(), 1, "{q}");
        assert_eq!(owner.get(&format!("/orders?q={q}")).all("tbody tr").len(), 2, "{q}");
    }
    assert_eq!(owner.get("/orders?q=re.gular@gm").all("tbody tr").len(), 2);
    assert_eq!(owner.get("/orders?q=regula@gm").all("tbody tr").len(), 0);
}
