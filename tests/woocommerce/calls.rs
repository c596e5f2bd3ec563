//! How a WooCommerce store is called.

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde_json::json;
use vouch_core::money::{Currency, Rate};
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;
use vouch_platforms::woocommerce::{Credentials, DiscountAmount, Rules, TOPICS, Woocommerce};
use vouch_platforms::{CallError, Client, CodeState, Mark, NewCode, Reason, TimeRange};

use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, Permission, WooSite};
use crate::harness::stores::{Fault, MockStore, Reply};
use crate::harness::woocommerce::WooOrder;

const MARK: Mark = Mark { merchant_id: 7, trigger_id: 9 };
const WOOCOMMERCE: Platform = Platform::Woocommerce;
const SECRET: &str = "a-webhook-secret-of-forty-characters-000";

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn rules() -> Rules {
    Rules {
        takeoff: DiscountAmount::Percent { rate: Rate::percent(10) },
        currency: Currency::USD,
        minimum_minor: Some(5000),
        total_uses: None,
        uses_per_customer: Some(1),
        individual_use: true,
        exclude_sale_items: true,
        free_shipping: false,
    }
}

fn client(site: &MockStore<WooSite>) -> Woocommerce {
    let credentials =
        Credentials { consumer_key: CONSUMER_KEY.into(), consumer_secret: CONSUMER_SECRET.into() };
    let secret = Some(SECRET.into());
    Woocommerce::new(Http::new(true), &site.base, &credentials, secret, Some(rules()), noon())
}

fn code(code: &str) -> NewCode {
    let affiliate = "Maya Brand".to_owned();
    NewCode { mark: MARK, code: code.to_owned(), affiliate, now: noon() }
}

#[test]
fn a_code_that_wordpress_keeps_as_html_is_found_by_what_was_typed() {
    let site = WooSite::start();
    let mut client = client(&site);
    let made = client.create_code(&code("R&B10")).unwrap();
    assert_eq!((made.code.as_str(), made.mark), ("r&b10", Some(MARK)));
    assert_eq!(site.store().codes(), ["r&amp;b10"]);
    for typed in ["R&B10", "r&amp;b10"] {
        assert_eq!(client.find_code(typed), Ok(Some(made.clone())), "{typed}");
    }
    assert_eq!(client.find_code("R&B1"), Ok(None));
    let listed = client.codes(None).unwrap().rows;
    assert_eq!(listed.iter().map(|row| row.code.as_str()).collect::<Vec<_>>(), ["r&b10"]);
}

#[test]
fn a_code_is_made_with_its_rules_and_found_in_any_case_with_its_mark() {
    let site = WooSite::start();
    let mut client = client(&site);
    assert_eq!(client.find_code("Maya10"), Ok(None));
    let made = client.create_code(&code("Maya10")).unwrap();
    assert_eq!(
        (made.code.as_str(), made.mark, made.state),
        ("maya10", Some(MARK), CodeState::Live)
    );
    assert!(made.same_rules);
    let admin = format!("{}/wp-admin/post.php?post={}&action=edit", site.base, made.remote_ref);
    assert_eq!(made.admin_url, Some(admin));
    assert_eq!(client.find_code("MAYA10"), Ok(Some(made)));
    assert_eq!(client.create_code(&code("MAYA10")), Err(CallError::Taken));
    let coupon = site.store().coupons[0].clone();
    let expected = json!({
        "code": "maya10", "discount_type": "percent", "amount": "10.00",
        "minimum_amount": "50.00", "usage_limit": null, "usage_limit_per_user": 1,
        "individual_use": true, "exclude_sale_items": true, "free_shipping": false,
        "description": "Maya Brand (created by Vouch)",
        "meta_data": [{ "key": "_vouch_trigger", "value": "7-9" }],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&coupon[name], value, "{name}");
    }
}

#[test]
fn codes_of_others_are_read_with_their_state_and_rules() {
    let site = WooSite::start();
    let coupons = [
        json!({ "code": "spring", "discount_type": "fixed_cart", "amount": "5.00" }),
        json!({ "code": "over", "date_expires_gmt": "2026-05-31T00:00:00", "amount": "1" }),
        json!({ "code": "used", "usage_limit": 3, "usage_count": 3, "amount": "1" }),
        json!({ "code": "draft", "status": "draft", "amount": "1" }),
        json!({ "code": "bogo", "discount_type": "buy_one", "product_ids": [4],
                "meta_data": [{ "key": "_x", "value": { "deep": [1] } }] }),
    ];
    for coupon in coupons {
        site.store().add_coupon(coupon);
    }
    let batch = client(&site).codes(None).unwrap();
    assert_eq!(batch.next, None);
    let states: Vec<CodeState> = batch.rows.iter().map(|row| row.state).collect();
    use CodeState::{Disabled, Expired, Live};
    assert_eq!(states, [Live, Expired, Expired, Disabled, Live]);
    assert!(batch.rows.iter().all(|row| row.mark.is_none() && !row.same_rules));
    assert!(batch.rows[0].rules.contains("$5.00"), "{}", batch.rows[0].rules);
    assert!(batch.rows[4].rules.contains("buy_one"), "{}", batch.rows[4].rules);
}

#[test]
fn many_codes_come_page_by_page() {
    let site = WooSite::start();
    for number in 0..230 {
        site.store().add_coupon(json!({ "code": format!("c{number}"), "amount": "1" }));
    }
    let (mut client, mut cursor, mut read) = (client(&site), None, Vec::new());
    loop {
        let batch = client.codes(cursor.as_deref()).unwrap();
        read.extend(batch.rows.into_iter().map(|row| row.code));
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, site.store().codes());
}

#[test]
fn access_says_what_the_key_is_good_for() {
    let site = WooSite::start();
    let access = client(&site).access().unwrap();
    assert_eq!(access.store_name, "Acme Tea & Mugs");
    assert_eq!(access.currency.as_deref(), Some("USD"));
    assert!(access.reads_orders && access.creates_codes && access.missing.is_empty());
    assert!(site.store().coupons.is_empty(), "nothing is changed");

    site.store().permission = Permission::Read;
    let access = client(&site).access().unwrap();
    assert!(access.reads_orders && !access.creates_codes);
    assert_eq!(access.missing, [Reason::KeyReadOnly]);

    site.store().permission = Permission::None;
    let Err(CallError::Denied(Reason::KeyRejected { said })) = client(&site).access() else {
        panic!()
    };
    assert_eq!(said, "Consumer key is invalid");
}

#[test]
fn every_fault_has_its_words_and_none_follows_a_redirect() {
    let site = WooSite::start();
    let elsewhere = WooSite::start();
    let mut client = client(&site);
    let mut fails = |fault: Fault| {
        site.once("coupons", fault);
        client.find_code("MAYA10").unwrap_err()
    };
    let pause = Reply::json(429, &json!({})).header("retry-after", "7");
    let CallError::Throttled { wait } = fails(Fault::Instead(pause)) else { panic!() };
    assert_eq!(wait.as_secs(), 7);
    for fault in [
        Fault::status(502),
        Fault::status(403),
        Fault::html(),
        Fault::Lost,
        Fault::Truncated,
        Fault::Huge,
    ] {
        let error = fails(fault.clone());
        assert!(matches!(error, CallError::Unanswered(_)), "{fault:?}: {error:?}");
    }
    let host = elsewhere.base.trim_start_matches("http://").to_owned();
    let denied = [
        (Fault::status(404), Reason::NoStore { platform: WOOCOMMERCE }),
        (
            Fault::redirect(&format!("{}/x", elsewhere.base)),
            Reason::Redirected { platform: WOOCOMMERCE, target: Some(host) },
        ),
        (
            Fault::redirect("/wp-login.php"),
            Reason::Redirected { platform: WOOCOMMERCE, target: None },
        ),
    ];
    for (fault, reason) in denied {
        assert_eq!(fails(fault), CallError::Denied(reason));
    }
    assert!(elsewhere.requests().is_empty());
    site.recover();
    let refusal = json!({ "code": "rest_invalid_param", "message": "Invalid <b>amount</b>." });
    site.once("coupons", Fault::Instead(Reply::json(400, &refusal)));
    let said = Some("Invalid amount".to_owned());
    let rejected = Reason::Rejected { platform: WOOCOMMERCE, status: 400, said };
    assert_eq!(client.create_code(&code("X")), Err(CallError::Refused(rejected)));
}

#[test]
fn an_answer_lost_after_the_write_leaves_one_code_that_is_found_with_its_mark() {
    let site = WooSite::start();
    let mut client = client(&site);
    site.once("coupons", Fault::LostAfterWrite);
    // The look-up is the first call, the creation would be the second.
    let lost = client.create_code(&code("MAYA10"));
    assert!(matches!(lost, Err(CallError::Unanswered(_))), "{lost:?}");
    let found = client.find_code("MAYA10").unwrap().unwrap();
    assert_eq!(found.mark, Some(MARK));
    assert_eq!(site.store().codes(), ["maya10"]);
    assert_eq!(site.count("created by Vouch"), 1);
}

#[test]
fn orders_are_read_by_the_time_of_their_change_none_twice_left_out() {
    let site = WooSite::start();
    // 60 of one second, more than a page, between others.
    for id in 1..=70_u64 {
        let seconds = if id <= 60 { 100 } else { 100 + i64::try_from(id).unwrap() };
        let order = WooOrder::new(id, noon() + Duration::seconds(seconds));
        site.store().orders.push(order.0);
    }
    site.store().orders.push(WooOrder::new(90, noon() + Duration::hours(2)).0);
    site.store().orders.push(WooOrder::new(91, noon() - Duration::hours(2)).0);
    let period = TimeRange { from: noon(), until: noon() + Duration::hours(1) };
    let (mut client, mut cursor, mut read) = (client(&site), None, Vec::new());
    let mut changed = false;
    loop {
        let batch = client.orders(&period, cursor.as_deref()).unwrap();
        read.extend(batch.rows.into_iter().map(|row| row.order_ref.parse::<u64>().unwrap()));
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
        if !changed {
            // One that was read changes, and moves to the end.
            let moved = WooOrder::new(1, noon() + Duration::minutes(30));
            site.store().orders[0] = moved.0;
            changed = true;
        }
    }
    read.sort_unstable();
    read.dedup();
    let all: Vec<u64> = (1..=70).collect();
    let missing: Vec<&u64> = all.iter().filter(|id| !read.contains(id)).collect();
    assert!(missing.is_empty() && !read.contains(&90) && !read.contains(&91), "{missing:?}");
}

#[test]
fn webhooks_are_made_once_revived_and_given_the_present_secret() {
    let site = WooSite::start();
    let address = "https://vouch.example/hooks/woocommerce/1-abc";
    let done = client(&site).ensure_webhooks(address).unwrap();
    assert_eq!((done.made, done.revived, done.problem), (TOPICS.len(), 0, None));
    let again = client(&site).ensure_webhooks(address).unwrap();
    assert_eq!((again.made, again.revived), (0, 0));
    {
        let mut store = site.store();
        assert!(
            store.webhooks.iter().all(|w| w["secret"] == SECRET && w["delivery_url"] == address)
        );
        store.webhooks[0]["status"] = json!("disabled");
        store.webhooks[1]["secret"] = json!("of an earlier connection");
        store.webhooks[1]["name"] = json!("Vouch: order.updated (00000000)");
        store.webhooks[2]["status"] = json!("paused");
    }
    let webhooks = client(&site).ensure_webhooks(address).unwrap();
    assert_eq!((webhooks.made, webhooks.revived), (0, 1));
    let webhook = "Order deleted".to_owned();
    assert_eq!(webhooks.problem, Some(Reason::WebhookPaused { webhook }));
    let store = site.store();
    assert_eq!(store.webhooks[0]["status"], "active");
    assert_eq!(store.webhooks[1]["secret"], SECRET);
    assert_eq!(store.webhooks[2]["status"], "paused", "a person did that");
    assert_eq!(store.webhooks.len(), TOPICS.len());
}
