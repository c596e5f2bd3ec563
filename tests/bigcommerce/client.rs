//! Codes in the store: made once, under the rules, found again whoever made them.

use chrono::Duration;
use diesel::prelude::*;
use serde_json::json;
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::clock;
use vouch::kit::db::schema::pushes;
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::bigcommerce::{Discount, DiscountFeature, Rules};
use vouch_platforms::{CallError, CodeState, Mark, NewCode, Permission, Reason, StoreCode};

use super::Shop;
use crate::harness::stores::Fault;

fn new_code(code: &str) -> NewCode {
    let mark = Mark { merchant_id: 7, trigger_id: 42 };
    NewCode { mark, code: code.to_owned(), affiliate: "Ada Active".to_owned(), now: clock::now() }
}

fn rules(kind: DiscountFeature, discount: Discount, amount: &str) -> Rules {
    let in_money = matches!(discount, Discount::PerOrder | Discount::PerItem);
    let currency = (in_money && kind == DiscountFeature::Promotion).then_some(Currency::USD);
    Rules { kind, discount, amount: amount.into(), currency, ..Rules::default() }
}

impl Shop {
    fn create(&self, code: &str) -> Result<StoreCode, CallError> {
        self.tools().client(&self.store, clock::now()).unwrap().create_code(&new_code(code))
    }

    fn find(&self, code: &str) -> Option<StoreCode> {
        self.tools().client(&self.store, clock::now()).unwrap().find_code(code).unwrap()
    }
}

#[test]
fn every_kind_of_discount_is_made_as_documented_and_read_back() {
    let mut shop = Shop::open();
    let all = [
        (Discount::Percent, "12.5"),
        (Discount::PerOrder, "5"),
        (Discount::PerItem, "2.5"),
        (Discount::FreeShipping, ""),
    ];
    for kind in [DiscountFeature::Promotion, DiscountFeature::Coupon] {
        for (n, (discount, amount)) in all.into_iter().enumerate() {
            let limits = Rules {
                minimum: Some("30".into()),
                max_uses: 100,
                max_uses_per_customer: 1,
                currency: (kind == DiscountFeature::Promotion).then_some(Currency::USD),
                combines: n % 2 == 0,
                ..rules(kind, discount, amount)
            };
            for (m, rules) in [rules(kind, discount, amount), limits].into_iter().enumerate() {
                shop.creates_codes(&rules);
                let code = format!(
                    "CODE-{n}{m}{}",
                    if kind == DiscountFeature::Coupon { "_C" } else { "" }
                );
                let mut new = new_code(&code);
                new.mark.trigger_id = 100 + i64::try_from(n * 10 + m).unwrap();
                let tools = shop.tools();
                let mut client = tools.client(&shop.store, clock::now()).unwrap();
                let made = client.create_code(&new).unwrap();
                let found = client.find_code(&code).unwrap().unwrap();
                assert_eq!(found, made);
                assert_eq!(found.mark, Some(new.mark));
                assert_eq!(found.state, CodeState::Live);
                assert!(found.same_rules, "{}", found.rules);
                assert_eq!(found.rules, rules.sentence());
            }
        }
    }
    assert_eq!(shop.bc.store().codes().len(), 16);
}

#[test]
fn an_interrupted_try_leaves_no_second_promotion() {
    let mut shop = Shop::open();
    shop.creates_codes(&rules(DiscountFeature::Promotion, Discount::Percent, "10"));
    // The promotion was made, and its answer lost; the rules change before the next try.
    shop.bc.once("redemption_type", Fault::LostAfterWrite);
    assert!(matches!(shop.create("ADA20"), Err(CallError::Unanswered(_))));
    assert_eq!(shop.bc.store().promotions.len(), 1);
    shop.creates_codes(&rules(DiscountFeature::Promotion, Discount::Percent, "15"));
    let made = shop.create("ADA20").unwrap();
    assert!(made.same_rules);
    // The code was made, and its answer lost.
    shop.bc.once("/codes", Fault::LostAfterWrite);
    assert!(matches!(shop.create("ADA30"), Err(CallError::Unanswered(_))));
    assert_eq!(shop.find("ADA30").unwrap().mark, Some(new_code("").mark));
    let store = shop.bc.store();
    assert_eq!((store.promotions.len(), store.codes()), (2, vec!["ADA20".into(), "ADA30".into()]));
}

#[test]
fn a_code_that_is_there_in_any_case_is_taken() {
    let mut shop = Shop::open();
    shop.bc.store().promotions.push(json!({
        "id": 1, "name": "Summer", "redemption_type": "COUPON", "coupon_type": "SINGLE",
        "status": "DISABLED", "currency_code": "*", "rules": [], "codes": { "id": 2, "code": "summer" },
    }));
    shop.bc.store().coupons.push(json!({
        "id": 3, "name": "Old", "code": "OLD10", "type": "percentage_discount", "amount": "10.0000",
        "min_purchase": "0.0000", "enabled": true, "num_uses": 0, "max_uses": 0,
    }));
    for kind in [DiscountFeature::Promotion, DiscountFeature::Coupon] {
        shop.creates_codes(&rules(kind, Discount::Percent, "10"));
        for duplicate in [409, 422] {
            shop.bc.store().duplicate = duplicate;
            assert_eq!(
                shop.create("SUMMER").unwrap_err(),
                CallError::Taken,
                "{kind:?} {duplicate}"
            );
            assert_eq!(shop.create("OLD10").unwrap_err(), CallError::Taken, "{kind:?} {duplicate}");
        }
    }
    let summer = shop.find("SUMMER").unwrap();
    assert_eq!(
        (summer.code.as_str(), summer.state, summer.mark),
        ("summer", CodeState::Disabled, None)
    );
    assert!(shop.find("old10").unwrap().rules.starts_with("10%"));
    assert_eq!(shop.find("ADA10"), None);
    assert_eq!(shop.bc.store().codes().len(), 2);
}

#[test]
fn what_the_store_answers_is_said_in_words() {
    let mut shop = Shop::open();
    shop.creates_codes(&Rules::default());
    let limited = Fault::Instead(match Fault::status(429) {
        Fault::Instead(reply) => reply.header("x-retry-after", "15"),
        _ => unreachable!(),
    });
    shop.bc.once("/v3/promotions", limited);
    let wait = std::time::Duration::from_secs(15);
    assert_eq!(shop.create("A").unwrap_err(), CallError::Throttled { wait });
    shop.bc.once("/v3/promotions", Fault::redirect("https://evil.example/"));
    let platform = Platform::Bigcommerce;
    let redirected = Reason::Redirected { platform, target: None };
    assert_eq!(shop.create("A"), Err(CallError::Refused(redirected)));
    for fault in
        [Fault::status(500), Fault::status(507), Fault::html(), Fault::Truncated, Fault::Huge]
    {
        shop.bc.once("/v3/promotions", fault.clone());
        assert!(matches!(shop.create("A"), Err(CallError::Unanswered(_))), "{fault:?}");
    }
    shop.bc.store().denied = vec!["/v3/promotions"];
    let lacking = Reason::MissingPermission { permission: Permission::Marketing };
    assert_eq!(shop.create("A"), Err(CallError::Denied(lacking)));
    shop.bc.store().denied.clear();
    shop.bc.store().token = "another".to_owned();
    assert_eq!(shop.create("A"), Err(CallError::Denied(Reason::TokenRejected { platform })));
    let calls = shop.bc.requests().len();
    assert_eq!(shop.create("50%-ÄÖ"), Err(CallError::Refused(Reason::CodeCharacters)));
    assert_eq!(shop.bc.requests().len(), calls);
    assert_eq!(shop.bc.count("evil"), 0);
    assert_eq!(shop.bc.store().codes(), Vec::<String>::new());
}

#[test]
fn the_last_calls_of_the_quota_are_left_to_others() {
    let shop = Shop::open();
    shop.bc.store().requests_left = 2;
    let tools = shop.tools();
    let mut client = tools.client(&shop.store, clock::now()).unwrap();
    assert!(client.find_code("1").is_err_and(|error| matches!(error, CallError::Throttled { .. })));
    assert_eq!(shop.bc.requests().len(), 1);
}

#[test]
fn all_codes_of_the_store_are_listed_once() {
    let shop = Shop::open();
    let promotion = |id: i64| {
        json!({
            "id": id, "name": format!("P{id}"), "redemption_type": "COUPON", "coupon_type": "SINGLE",
            "status": "ENABLED", "currency_code": "*", "rules": [], "codes": { "id": id, "code": format!("P{id}") },
        })
    };
    shop.bc.store().promotions.extend((1..=260).map(promotion));
    shop.bc.store().promotions.push(json!({
        "id": 900, "name": "Many", "redemption_type": "COUPON", "coupon_type": "BULK",
        "status": "ENABLED", "currency_code": "*", "rules": [],
        "many": [{ "id": 1, "code": "M1" }, { "id": 2, "code": "M2" }],
    }));
    let coupon = |id: i64| json!({ "id": id, "name": format!("C{id}"), "code": format!("C{id}"), "type": "free_shipping" });
    shop.bc.store().coupons.extend((1..=251).map(coupon));
    let tools = shop.tools();
    let mut client = tools.client(&shop.store, clock::now()).unwrap();
    let (mut codes, mut cursor) = (Vec::new(), None);
    loop {
        let batch = client.codes(cursor.as_deref()).unwrap();
        codes.extend(batch.rows.into_iter().map(|code| code.code));
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(codes.len(), 260 + 2 + 251);
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 260 + 2 + 251);
}

#[test]
fn a_new_trigger_is_pushed_under_the_rules() {
    let mut shop = Shop::open();
    shop.creates_codes(&rules(DiscountFeature::Promotion, Discount::PerOrder, "5"));
    let (actor, ada) = (shop.app.actor(), shop.app.fixture.ada_id);
    shop.app.within(|conn| {
        triggers::create(conn, &actor, ada, TriggerKind::CouponCode, "ADA25").unwrap();
        Ok(())
    });
    shop.work(clock::now() + Duration::seconds(1));
    let statuses: Vec<String> =
        shop.app.within(|conn| pushes::table.select(pushes::status).load(conn));
    assert_eq!(statuses, ["pushed"]);
    let store = shop.bc.store();
    assert_eq!(store.codes(), ["ADA25"]);
    assert_eq!(
        store.promotions[0].pointer("/rules/0/action/cart_value/discount/fixed_amount"),
        Some(&json!("5"))
    );
}

#[test]
fn webhooks_are_made_once_and_switched_on_again() {
    let shop = Shop::open();
    shop.work(clock::now() + Duration::seconds(1));
    let address = shop.store.webhook_url(&shop.app.base);
    assert_eq!(shop.bc.store().hooks.len(), 4);
    assert!(shop.bc.store().hooks.iter().all(|hook| hook["destination"] == address.as_str()));
    let told = shop.bc.store().hooks[0]["headers"]["x-vouch-secret"].as_str().map(str::len);
    assert_eq!(told, Some(64));
    shop.bc.store().hooks[2]["is_active"] = json!(false);
    shop.work(clock::now() + Duration::hours(2));
    let store = shop.bc.store();
    assert_eq!(store.hooks.len(), 4);
    assert!(store.hooks.iter().all(|hook| hook["is_active"] == true));
    drop(store);
    assert_eq!(shop.bc.requests().iter().filter(|call| call.method == "PUT").count(), 1);
}
