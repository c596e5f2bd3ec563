//! Messages that only name an order, and the orders that are read because of them.

use chrono::{DateTime, Duration, SubsecRound, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::stores;
use vouch::kit::clock;
use vouch::kit::db::schema::{conversions, deliveries};
use vouch_platforms::{CallError, TimeRange};

use super::{Shop, encryptor};
use crate::harness::bigcommerce::{message, sign};
use crate::harness::stores::bigcommerce::{Bigcommerce, CLIENT_SECRET};
use crate::harness::stores::{Fault, Reply};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn later(seconds: i64) -> DateTime<Utc> {
    clock::now() + Duration::seconds(seconds)
}

/// (topic, outcome, reason) of every delivery.
fn kept(shop: &Shop) -> Vec<(String, String, Value)> {
    shop.app.within(|conn| {
        let rows: Vec<(String, String, Option<Value>)> = deliveries::table
            .order(deliveries::id)
            .select((deliveries::topic, deliveries::outcome, deliveries::reason))
            .load(conn)?;
        Ok(rows.into_iter().map(|(t, o, reason)| (t, o, reason.unwrap_or_default())).collect())
    })
}

fn outcomes(shop: &Shop) -> Vec<String> {
    kept(shop).into_iter().map(|row| row.1).collect()
}

fn commissions(shop: &Shop) -> Vec<i64> {
    shop.app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

fn change(shop: &Shop, pointer: &str, value: Value) {
    *shop.bc.store().orders[0].pointer_mut(pointer).unwrap() = value;
}

#[test]
fn a_message_waits_for_its_order_which_is_read_and_credits() {
    let shop = Shop::open();
    shop.bc.store().orders.push(Bigcommerce::order(250, "ada10", noon()));
    assert_eq!(shop.send("store/order/created", 250).status, 200);
    assert_eq!(outcomes(&shop), ["waiting"]);
    let page = shop.app.owner().get("/deliveries");
    assert!(page.has("[data-outcome=waiting]"), "{}", page.text());
    shop.work(later(1));
    assert_eq!(outcomes(&shop), ["processed", "processed"]);
    assert_eq!(commissions(&shop), [900]);
    let page = shop.app.owner().get("/deliveries");
    assert_eq!(page.all("tbody tr").len(), 2);
    let orders = page.all("tbody a[href^=\"/orders/\"]");
    assert!(orders.len() == 2 && orders.iter().all(|name| name.contains("250")), "{orders:?}");
    // Nothing is due any more, and the same once more changes nothing.
    let calls = shop.bc.requests().len();
    shop.work(later(2));
    assert_eq!(shop.bc.requests().len(), calls);
    shop.send("store/order/updated", 250);
    shop.work(later(3));
    assert_eq!(outcomes(&shop), ["processed", "processed", "outdated"]);
    assert_eq!(commissions(&shop), [900]);
}

#[test]
fn messages_of_one_order_share_a_call_that_began_after_them() {
    let shop = Shop::open();
    shop.work(later(1));
    for id in [250, 251] {
        shop.bc.store().orders.push(Bigcommerce::order(id, "ADA10", noon()));
    }
    for scope in ["store/order/created", "store/order/updated", "store/order/statusUpdated"] {
        shop.send(scope, 250);
    }
    shop.send("store/order/created", 251);
    assert_eq!(outcomes(&shop).len(), 4, "never told apart by their hash");
    shop.work(later(2));
    assert_eq!(shop.bc.count("/v2/orders/250/products"), 1);
    assert_eq!(shop.bc.count("/v2/orders/251/products"), 1);
    assert!(!outcomes(&shop).contains(&"waiting".to_owned()));
    assert_eq!(commissions(&shop), [900, 900]);
}

#[test]
fn an_order_that_vouch_fails_on_holds_up_no_other() {
    let shop = Shop::open();
    for id in [250, 251] {
        shop.bc.store().orders.push(Bigcommerce::order(id, "ADA10", noon()));
        shop.send("store/order/created", id);
    }
    let mut owner = shop.app.as_owner();
    let refuse = "ALTER TABLE orders ADD CONSTRAINT refused CHECK (order_ref <> '250')";
    owner.batch_execute(refuse).unwrap();
    shop.work(later(1));
    assert_eq!(commissions(&shop), [900]);
    assert_eq!(outcomes(&shop)[..2], ["waiting", "processed"]);
    owner.batch_execute("ALTER TABLE orders DROP CONSTRAINT refused").unwrap();
    shop.work(later(60));
    assert_eq!(commissions(&shop), [900, 900]);
    assert_eq!(outcomes(&shop)[0], "processed");
}

#[test]
fn the_same_message_again_is_one() {
    let shop = Shop::open();
    let body = message("store/order/created", 250);
    for _ in 0..3 {
        assert_eq!(shop.send_as("msg_1", &body, CLIENT_SECRET, clock::now()).status, 200);
    }
    assert_eq!(outcomes(&shop), ["waiting"]);
}

#[test]
fn credit_follows_edits_refunds_and_cancellations() {
    let shop = Shop::open();
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", noon()));
    let step = |n: i64| {
        assert_eq!(shop.send("store/order/updated", 250).status, 200);
        shop.work(later(n));
        commissions(&shop)
    };
    let modified = |n: i64| json!((noon() + Duration::hours(n)).to_rfc2822());
    change(&shop, "/order/status_id", json!(0));
    assert_eq!(step(1), Vec::<i64>::new(), "the shopper has not completed it");
    assert_eq!(kept(&shop)[0].1, "ignored");
    change(&shop, "/order/status_id", json!(11));
    change(&shop, "/order/date_modified", modified(1));
    assert_eq!(step(2), [900]);
    // BigCommerce's own refunded_amount stays 0, and so may the order's time.
    let refund = json!([{
        "id": 12, "order_id": 250, "created": (noon() + Duration::hours(2)).to_rfc3339(),
        "total_amount": 45, "total_tax": 0, "payments": [],
        "items": [{ "item_type": "ORDER", "item_id": 250, "requested_amount": "45.00" }],
    }]);
    change(&shop, "/refunds", refund);
    assert_eq!(step(3), [450]);
    change(&shop, "/order/status_id", json!(5));
    change(&shop, "/order/date_modified", modified(3));
    assert_eq!(step(4), [0]);
}

#[test]
fn an_order_that_awaits_its_payment_is_pending_until_it_is_paid() {
    let shop = Shop::open();
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", noon()));
    let steps = [
        (7, "", Some("not_paid_yet"), 900),
        (11, "authorized", Some("not_paid_yet"), 900),
        (11, "captured", None, 900),
        (6, "declined", Some("payment_voided"), 0),
        (11, "captured", None, 900),
    ];
    for (n, (status_id, payment, reason, minor)) in (1..).zip(steps) {
        change(&shop, "/order/status_id", json!(status_id));
        change(&shop, "/order/payment_status", json!(payment));
        let modified = (noon() + Duration::hours(n)).to_rfc2822();
        change(&shop, "/order/date_modified", json!(modified));
        assert_eq!(shop.send("store/order/updated", 250).status, 200);
        shop.work(later(n));
        let found: Vec<(Option<String>, i64)> = shop.app.within(|conn| {
            conversions::table
                .select((conversions::reason, conversions::commission_minor))
                .load(conn)
        });
        assert_eq!(found, [(reason.map(str::to_owned), minor)], "{status_id} {payment}");
    }
}

#[test]
fn what_changes_under_the_same_date_counts_as_it_was_read_last() {
    let shop = Shop::open();
    let with_code = Bigcommerce::order(250, "ADA10", noon());
    let mut without = with_code.clone();
    without["products"][0]["applied_discounts"] = json!([]);
    without["coupons"] = json!([]);
    without["order"]["coupon_discount"] = json!("0.0000");
    let read = |n: i64, document: &Value| {
        shop.bc.store().orders = vec![document.clone()];
        assert_eq!(shop.send("store/order/updated", 250).status, 200);
        shop.work(later(n));
        commissions(&shop)
    };
    assert_eq!(read(1, &with_code), [900]);
    assert_eq!(read(2, &without), [0]);
    assert_eq!(read(3, &with_code), [900], "as it was before");
    assert_eq!(read(4, &without), [0]);
}

#[test]
fn a_refund_without_items_is_spread_and_one_that_is_declined_gives_back() {
    let shop = Shop::open();
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", noon()));
    let step = |n: i64| {
        assert_eq!(shop.send("store/order/updated", 250).status, 200);
        shop.work(later(n));
        commissions(&shop)
    };
    assert_eq!(step(1), [900]);
    let refund = json!([{
        "id": 12, "order_id": 250, "created": (noon() + Duration::hours(2)).to_rfc3339(),
        "total_amount": 45, "total_tax": 0, "items": [],
        "payments": [{ "id": 13, "amount": 45, "is_declined": false }],
    }]);
    change(&shop, "/refunds", refund);
    assert_eq!(step(2), [450]);
    change(&shop, "/refunds/0/payments/0/is_declined", json!(true));
    assert_eq!(step(3), [900]);
}

#[test]
fn an_order_that_cannot_be_read_is_tried_again_and_says_why() {
    let shop = Shop::open();
    shop.work(later(1));
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", noon()));
    let faults = [
        Fault::status(503),
        Fault::html(),
        Fault::Truncated,
        Fault::redirect("https://evil.example/"),
        Fault::Lost,
    ];
    shop.send("store/order/created", 250);
    for (n, fault) in (0_i64..).zip(faults) {
        shop.bc.once("/v2/orders/250", fault.clone());
        shop.work(later(100 + n * 4000));
        let (_, outcome, reason) = kept(&shop).swap_remove(0);
        assert_eq!(outcome, "waiting", "{fault:?}");
        assert_eq!(reason["code"], "fetch_retrying", "{reason}");
    }
    assert!(shop.app.owner().get("/deliveries").has("[data-reason=fetch_retrying]"));
    shop.work(later(100_000));
    assert_eq!(outcomes(&shop), ["processed", "processed"]);
    assert_eq!(commissions(&shop), [900]);
}

#[test]
fn one_order_that_fails_holds_up_no_other() {
    let shop = Shop::open();
    shop.work(later(1));
    for id in [250, 251] {
        shop.bc.store().orders.push(Bigcommerce::order(id, "ADA10", noon()));
        shop.send("store/order/created", id);
    }
    shop.bc.times(40, "/v2/orders/250", Fault::status(500));
    shop.work(later(10));
    assert_eq!(outcomes(&shop), ["waiting", "processed", "processed"]);
    for n in 1..=24 {
        shop.work(later(n * 5000));
    }
    let (_, outcome, reason) = kept(&shop).swap_remove(0);
    assert_eq!(outcome, "failed");
    assert_eq!((&reason["code"], &reason["attempts"]), (&json!("fetch_failed"), &json!(24)));
    // It is replayed, once the store is well.
    shop.bc.recover();
    let owner = shop.app.owner();
    let page = owner.get("/deliveries?outcome=failed");
    let answer = owner.submit(&page, "form[action='/deliveries/replay']", &[]);
    assert_eq!(answer.status, 303);
    assert_eq!(outcomes(&shop)[0], "waiting");
    shop.work(later(200_000));
    assert_eq!(outcomes(&shop)[0], "processed");
    assert_eq!(commissions(&shop), [900, 900]);
}

#[test]
fn a_pause_that_the_store_asks_for_is_kept() {
    let shop = Shop::open();
    shop.work(later(1));
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", noon()));
    shop.send("store/order/created", 250);
    let Fault::Instead(reply) = Fault::status(429) else { unreachable!() };
    shop.bc.once("/v2/orders/250", Fault::Instead(reply.header("x-retry-after", "15")));
    let now = later(10);
    shop.work(now);
    let calls = shop.bc.count("/v2/orders/250");
    shop.work(now + Duration::seconds(14));
    assert_eq!(shop.bc.count("/v2/orders/250"), calls, "not before the pause ends");
    shop.work(now + Duration::seconds(17));
    assert_eq!(outcomes(&shop), ["processed", "processed"]);
}

#[test]
fn an_order_that_the_store_does_not_have_ends_the_waiting() {
    let shop = Shop::open();
    shop.send("store/order/created", 999);
    shop.work(later(1));
    let rows = kept(&shop);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].1, "ignored");
    assert_eq!(rows[0].2["code"], "order_missing");
}

#[test]
fn only_what_the_store_signed_just_now_is_taken() {
    let shop = Shop::open();
    let body = message("store/order/created", 250);
    let send = |secret: &str, at| shop.send_as("msg_7", &body, secret, at).status;
    assert_eq!(send("another-secret-0123456789", clock::now()), 401);
    // Five minutes, beyond the hour by which a clock may be wrong.
    assert_eq!(send(CLIENT_SECRET, later(-4_000)), 401);
    assert_eq!(send(CLIENT_SECRET, later(4_000)), 401);
    let bytes = serde_json::to_vec(&body).unwrap();
    let time = clock::now().timestamp().to_string();
    let signature = sign(CLIENT_SECRET, "msg_7", &time, &bytes);
    let signed = [
        ("webhook-id", "msg_7"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    assert_eq!(shop.post(&signed, &bytes).status, 401, "without the header it was made with");
    assert_eq!(shop.post(&[], &bytes).status, 401);
    assert_eq!(kept(&shop), []);
    let nowhere = format!("/hooks/bigcommerce/{}-{}", shop.store.merchant_id, "a".repeat(24));
    assert_eq!(shop.app.anonymous().send(&nowhere, &signed, &bytes).status, 401);
    assert_eq!(send(CLIENT_SECRET, later(-200)), 200);
}

#[test]
fn after_a_change_of_the_secret_the_one_before_it_signs_too() {
    let shop = Shop::open();
    let new = stores::WebhookSecret::parse("the-new-client-secret-0123456789").unwrap();
    let (actor, encryptor) = (shop.app.actor(), encryptor());
    shop.app.within(|conn| stores::replace_secret(conn, &actor, &encryptor, &shop.store, &new));
    let body = message("store/order/created", 250);
    for (id, secret) in [("a", CLIENT_SECRET), ("b", "the-new-client-secret-0123456789")] {
        assert_eq!(shop.send_as(id, &body, secret, clock::now()).status, 200, "{id}");
    }
}

#[test]
fn what_is_signed_but_no_message_of_an_order_is_kept_as_failed() {
    let shop = Shop::open();
    for (id, body) in
        [("a", json!({})), ("b", json!({ "scope": "store/order/created", "data": {} }))]
    {
        assert_eq!(shop.send_as(id, &body, CLIENT_SECRET, clock::now()).status, 200);
    }
    assert_eq!(outcomes(&shop), ["failed", "failed"]);
}

#[test]
fn changed_orders_are_read_to_the_last_however_many_change_in_one_second() {
    let shop = Shop::open();
    let from = noon().trunc_subsecs(0);
    for n in 0..37_i64 {
        // 25 of them in one second.
        let at = from + Duration::seconds(if n < 25 { 5 } else { n });
        shop.bc.store().orders.push(Bigcommerce::order(300 + n, "ADA10", at));
    }
    let tools = shop.tools();
    let mut client = tools.client(&shop.store, clock::now()).unwrap();
    let period = TimeRange { from, until: from + Duration::seconds(35) };
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..20 {
        let batch = client.orders(&period, cursor.as_deref()).unwrap();
        seen.extend(batch.rows.into_iter().map(|row| row.order_ref.parse::<i64>().unwrap()));
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(cursor.is_none());
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (300..=335).collect::<Vec<_>>());
}

#[test]
fn nothing_where_a_list_is_passes_for_no_empty_list() {
    let shop = Shop::open();
    shop.work(later(1));
    shop.bc.store().orders.push(Bigcommerce::order(250, "ADA10", clock::now()));
    let strange = |body: &Value| Fault::Instead(Reply::json(200, body));
    let faults = [
        ("/v2/orders", Fault::status(404)),
        ("/v2/orders", strange(&json!({ "error": "later" }))),
        ("/v2/orders/250/products", Fault::status(404)),
        ("/v2/orders/250/coupons", Fault::status(404)),
        ("/v2/orders/250/coupons", strange(&json!({}))),
        ("/payment_actions/refunds", Fault::status(404)),
    ];
    let tools = shop.tools();
    let mut client = tools.client(&shop.store, clock::now()).unwrap();
    let period = TimeRange { from: later(-60), until: later(60) };
    for (path, fault) in faults {
        shop.bc.once(path, fault);
        let read = client.orders(&period, None);
        assert!(matches!(read, Err(CallError::Unanswered(_))), "{path}: {read:?}");
    }
    assert_eq!(client.orders(&period, None).unwrap().rows.len(), 1);
    // Of an order without coupons it is believed.
    change(&shop, "/order/coupon_discount", json!("0.0000"));
    shop.bc.once("/v2/orders/250/coupons", Fault::status(404));
    assert_eq!(client.orders(&period, None).unwrap().rows.len(), 1);

    for path in ["/v3/promotions", "/v2/coupons"] {
        shop.bc.once(path, Fault::status(404));
        assert!(matches!(client.find_code("ADA10"), Err(CallError::Unanswered(_))), "{path}");
    }
    shop.bc.once("/v3/promotions", Fault::status(404));
    assert!(matches!(client.codes(None), Err(CallError::Unanswered(_))));
    let hooks = shop.bc.store().hooks.len();
    shop.bc.once("/v3/hooks", Fault::status(404));
    let address = shop.store.webhook_url(&shop.app.base);
    assert!(matches!(client.ensure_webhooks(&address), Err(CallError::Unanswered(_))));
    assert_eq!(shop.bc.store().hooks.len(), hooks, "none is made twice");
}
