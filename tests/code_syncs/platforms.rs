//! What each platform can show, and lists that change while they are read.

use serde_json::{Value, json};
use vouch_core::platform::Platform;
use vouch_platforms::bigcommerce::{DiscountFeature, Rules as BigcommerceRules};

use super::*;
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, WooSite, ten_percent};
use crate::harness::stores::{Fault as HttpFault, MockStore};
use crate::pushes::{call_out, creating_in};

const CODES: [&str; 6] = ["ENDED", "MISSING", "OFF", "OTHER", "SOON", "USED"];

fn triggers_of_all(app: &TestApp) {
    for code in CODES {
        trigger(app, code);
    }
    retire(app, trigger(app, "OLD"));
}

#[test]
fn what_shopify_shows_of_its_codes() {
    let shop = MockStore::shopify();
    let app = creating_in(&shop);
    let store = store(&app);
    triggers_of_all(&app);
    let mut held = shop.store();
    for code in ["ada10", "OLD", "VIP1", "NEWS"] {
        held.add_discount(code, 0.1);
    }
    held.add_discount("OTHER", 0.2);
    for (code, status) in [("ENDED", "EXPIRED"), ("SOON", "SCHEDULED")] {
        held.add_discount(code, 0.1);
        held.discounts.last_mut().unwrap().status = status;
    }
    held.add_discount("USED", 0.1);
    let used = held.discounts.last_mut().unwrap();
    used.input["usageLimit"] = json!(3);
    used.used = 3;
    // One discount with many codes, of another kind.
    let many = (0..30).map(|n| format!("BOGO{n}")).chain(["OFF".to_owned()]).collect();
    held.hold("DiscountCodeBxgy", json!({ "title": "Two for one", "tags": [] }), many);
    drop(held);
    count_codes(&app, &store, "VIP*");
    ask(&app, &store);
    call_out(&app, clock::now());
    let expected = [
        ("ada10", "both"),
        ("ENDED", "off"),
        ("MISSING", "vouch_only"),
        ("OFF", "different"),
        ("OLD", "retired"),
        ("OTHER", "different"),
        ("SOON", "off"),
        ("USED", "off"),
        ("VIP1", "store_only"),
    ];
    assert_eq!(found(&app, &store), pairs(&expected));
    assert_eq!(shown(&app, &store).unwrap().other_count, 31, "NEWS and those of the other kind");
    let page = look(&app.owner(), &store);
    let link = format!("{}/admin/discounts/", shop.base);
    assert!(page.values("#results td a", "href").iter().all(|href| href.starts_with(&link)));
}

fn promotion(id: i64, code: &str, percent: &str) -> Value {
    json!({
        "id": id, "name": code, "redemption_type": "COUPON", "coupon_type": "SINGLE",
        "currency_code": "*", "status": "ENABLED", "can_be_used_with_other_promotions": false,
        "rules": [{ "action": { "cart_value": { "discount": { "percentage_amount": percent } } },
            "apply_once": true }],
        "codes": { "id": id * 10, "code": code, "max_uses": 0, "max_uses_per_customer": 0 },
    })
}

fn coupon(id: i64, code: &str, enabled: bool) -> Value {
    json!({
        "id": id, "name": code, "code": code, "type": "percentage_discount", "amount": "10.0000",
        "enabled": enabled, "max_uses": 0, "max_uses_per_customer": 0, "num_uses": 0,
    })
}

fn bigcommerce() -> (TestApp, MockStore<Bigcommerce>, Store) {
    let (app, bc) = (TestApp::start(), Bigcommerce::start());
    let store = crate::bigcommerce::connect(&app, &bc.base);
    let rules = serde_json::to_value(BigcommerceRules::default()).unwrap();
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store, true, Some(&rules)));
    (app, bc, store)
}

#[test]
fn what_bigcommerce_shows_of_promotions_and_coupons() {
    let (app, bc, store) = bigcommerce();
    triggers_of_all(&app);
    let mut held = bc.store();
    held.promotions = vec![
        promotion(1, "ADA10", "10.0000"),
        promotion(2, "other", "25"),
        promotion(3, "OLD", "10"),
        promotion(4, "VIP1", "10"),
        promotion(5, "NEWS", "10"),
    ];
    let mut change = |id: i64, code: &str, name: &str, value: Value| {
        let mut one = promotion(id, code, "10");
        one[name] = value;
        held.promotions.push(one);
    };
    change(6, "ENDED", "end_date", json!("2020-01-01T00:00:00+00:00"));
    change(7, "SOON", "start_date", json!("2090-01-01T00:00:00+00:00"));
    let mut used = promotion(8, "USED", "10");
    used["codes"]["max_uses"] = json!(2);
    used["codes"]["current_uses"] = json!(2);
    held.promotions.push(used);
    held.coupons = vec![coupon(1, "off", false)];
    drop(held);
    count_codes(&app, &store, "VIP*");
    ask(&app, &store);
    call_out(&app, clock::now());
    let expected = [
        ("ADA10", "both"),
        ("ENDED", "off"),
        ("MISSING", "vouch_only"),
        ("off", "off"),
        ("OLD", "retired"),
        ("other", "different"),
        ("SOON", "off"),
        ("USED", "off"),
        ("VIP1", "store_only"),
    ];
    assert_eq!(found(&app, &store), pairs(&expected));
    assert_eq!(shown(&app, &store).unwrap().other_count, 1);
    assert_eq!(bc.store().faults, Vec::<String>::new());
}

#[test]
fn a_code_that_was_made_as_a_v2_coupon_before_is_no_other_for_that() {
    let (app, bc, store) = bigcommerce();
    for code in ["SAME", "OTHER"] {
        trigger(&app, code);
    }
    let mut other = coupon(2, "OTHER", true);
    other["amount"] = json!("25.0000");
    bc.store().promotions = vec![promotion(1, "ADA10", "10")];
    bc.store().coupons = vec![coupon(1, "SAME", true), other];
    ask(&app, &store);
    call_out(&app, clock::now());
    let expected = [("ADA10", "both"), ("OTHER", "different"), ("SAME", "both")];
    assert_eq!(found(&app, &store), pairs(&expected));
    let page = look(&app.owner(), &store);
    assert!(page.one("#results [data-status=different] td").contains("25%"));
    // The other way round.
    let rules = BigcommerceRules { kind: DiscountFeature::Coupon, ..BigcommerceRules::default() };
    let rules = serde_json::to_value(rules).unwrap();
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store, true, Some(&rules)));
    ask(&app, &store);
    call_out(&app, clock::now() + Duration::minutes(1));
    assert_eq!(found(&app, &store), pairs(&expected));
}

#[test]
fn a_bigcommerce_account_without_the_right_to_marketing_reads_orders_all_the_same() {
    let (app, bc, store) = bigcommerce();
    bc.store().denied = vec!["/v3/promotions", "/v2/coupons"];
    ask(&app, &store);
    call_out(&app, clock::now());
    let held = app.within(|conn| Store::find(conn, store.merchant_id, store.id));
    assert_eq!(held.access_problem(), None);
    let page = look(&app.owner(), &store);
    assert!(page.one("[data-problem=check]").contains("Marketing"), "{}", page.text());
}

#[test]
fn promotions_that_are_deleted_while_they_are_read_hide_no_other() {
    let (app, bc, store) = bigcommerce();
    let codes: Vec<String> = (1..=700).map(|n| format!("CODE{n:04}")).collect();
    bc.store().promotions =
        codes.iter().zip(1..).map(|(code, id)| promotion(id, code, "10")).collect();
    app.within(|conn| {
        diesel::sql_query(
            "INSERT INTO triggers (merchant_id, kind, value, key, look_alike, affiliate_id, created_at) \
             SELECT merchant_id, 'coupon_code', c, c, c, affiliate_id, created_at FROM triggers, \
                 (SELECT 'CODE' || lpad(n::text, 4, '0') AS c FROM generate_series(1, 700) n) n",
        )
        .execute(conn)
    });
    ask(&app, &store);
    // The third page does not come; then the first 20 are gone.
    bc.once("/v3/promotions", HttpFault::Late(std::time::Duration::ZERO));
    bc.once("/v3/promotions", HttpFault::Late(std::time::Duration::ZERO));
    bc.once("/v3/promotions", HttpFault::Lost);
    let now = clock::now();
    call_out(&app, now);
    let read = running(&app, &store).unwrap().read_count;
    assert!((400..600).contains(&read), "{read}");
    bc.store().promotions.drain(..20);
    call_out(&app, now + Duration::minutes(1));
    let shown = shown(&app, &store).unwrap();
    assert_eq!(shown.count(SyncStatus::Both), 700, "they were there when it began");
    assert_eq!(shown.count(SyncStatus::VouchOnly), 1, "ADA10");
    assert!(bc.count("/v3/promotions") <= 7, "{}", bc.count("/v3/promotions"));
}

fn woocommerce() -> (TestApp, MockStore<WooSite>, Store) {
    let (app, site) = (TestApp::start(), WooSite::start());
    let owner = app.owner();
    let page = owner.get("/settings/woocommerce");
    let fields = [
        ("address", site.base.as_str()),
        ("consumer_key", CONSUMER_KEY),
        ("consumer_secret", CONSUMER_SECRET),
    ];
    owner.submit(&page, "form[action='/settings/woocommerce']", &fields);
    let store = app.within(|conn| {
        let merchant_id = app.fixture.merchant_id;
        Ok(Store::connected(conn, merchant_id, Platform::Woocommerce)?.pop().unwrap())
    });
    app.within(|conn| {
        stores::set_discount_rules(conn, &app.actor(), &store, true, Some(&ten_percent().to_json()))
    });
    (app, site, store)
}

fn woo_coupon(code: &str, changes: &[(&str, Value)]) -> Value {
    let mut coupon = json!({
        "code": code, "discount_type": "percent", "amount": "10.00", "usage_limit_per_user": 1,
    });
    for (name, value) in changes {
        coupon[name] = value.clone();
    }
    coupon
}

#[test]
fn what_woocommerce_shows_of_its_coupons() {
    let (app, site, store) = woocommerce();
    triggers_of_all(&app);
    let ended = ("date_expires_gmt", json!("2020-01-01T00:00:00"));
    let used = [("usage_limit", json!(2)), ("usage_count", json!(2))];
    let mut held = site.store();
    for (code, changes) in [
        ("ADA10", &[][..]),
        ("OLD", &[]),
        ("VIP1", &[]),
        ("NEWS", &[]),
        ("OTHER", &[("usage_limit_per_user", Value::Null)]),
        ("ENDED", &[ended]),
        ("OFF", &[("status", json!("draft"))]),
        ("SOON", &[("status", json!("future"))]),
        ("USED", &used),
    ] {
        held.add_coupon(woo_coupon(code, changes));
    }
    drop(held);
    count_codes(&app, &store, "VIP*");
    ask(&app, &store);
    call_out(&app, clock::now());
    let expected = [
        ("ada10", "both"),
        ("ended", "off"),
        ("MISSING", "vouch_only"),
        ("off", "off"),
        ("old", "retired"),
        ("other", "different"),
        ("soon", "off"),
        ("used", "off"),
        ("vip1", "store_only"),
    ];
    assert_eq!(found(&app, &store), pairs(&expected));
    assert_eq!(shown(&app, &store).unwrap().other_count, 1);
    let page = look(&app.owner(), &store);
    assert!(page.one("#results [data-status=different] td").contains("10%"), "{}", page.text());
}

#[test]
fn coupons_that_are_deleted_while_they_are_read_hide_no_other() {
    let (app, site, store) = woocommerce();
    for n in 0..350 {
        site.store().add_coupon(woo_coupon(&format!("CODE{n:04}"), &[]));
    }
    for n in 300..350 {
        trigger(&app, &format!("CODE{n:04}"));
    }
    ask(&app, &store);
    site.once("/coupons", HttpFault::Late(std::time::Duration::ZERO));
    site.once("/coupons", HttpFault::Lost);
    let now = clock::now();
    call_out(&app, now);
    assert_eq!(running(&app, &store).unwrap().read_count, 100);
    site.store().coupons.drain(..60);
    call_out(&app, now + Duration::minutes(1));
    let shown = shown(&app, &store).unwrap();
    assert_eq!((shown.read_count, shown.count(SyncStatus::Both)), (350, 50));
    assert_eq!(shown.count(SyncStatus::VouchOnly), 1, "ADA10");
}
