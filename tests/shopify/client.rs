//! The client against the mock store.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::http::Http;
use vouch_platforms::shopify::{
    Combines, Credentials, DiscountAmount, Items, Minimum, Reference, Rules, Shopify, Target,
};
use vouch_platforms::{CallError, Client, CodeState, ItemKind, Mark, Reason, TimeRange};

use super::{client, new_code, rules};
use crate::harness::stores::shopify::{CLIENT_ID, CLIENT_SECRET, TOKEN};
use crate::harness::stores::{Fault, MockStore};
use crate::harness::then;

const SHOPIFY: Platform = Platform::Shopify;

fn full_rules() -> Rules {
    Rules {
        takeoff: DiscountAmount::Amount { minor: 500, each_item: true },
        minimum: Minimum::Subtotal { minor: 2_500 },
        total_uses: Some(100),
        once_per_customer: true,
        subscription: true,
        combines: Combines { order: false, product: true, shipping: true },
        ..rules()
    }
}

#[test]
fn a_code_is_made_with_its_rules_and_mark_and_found_in_any_case() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, Some(full_rules()));
    assert_eq!(client.find_code("MAYA10").unwrap(), None);
    let made = client.create_code(&new_code("MAYA10", 4_001)).unwrap();
    assert_eq!(made.mark, Some(Mark { merchant_id: 7, trigger_id: 4_001 }));
    assert_eq!((made.state, made.same_rules), (CodeState::Live, true));
    assert!(
        made.admin_url.as_ref().unwrap().starts_with(&format!("{}/admin/discounts/1", shop.base))
    );
    let held = shop.store().discounts[0].clone();
    assert_eq!(
        held.input,
        json!({
            "title": "Affiliate Maya Lin: MAYA10",
            "code": "MAYA10",
            "startsAt": "2026-11-23T10:00:00Z",
            "endsAt": null,
            "context": { "all": "ALL" },
            "customerGets": {
                "value": { "discountAmount": { "amount": "5.00", "appliesOnEachItem": true } },
                "items": { "all": true },
                "appliesOnOneTimePurchase": true,
                "appliesOnSubscription": true,
            },
            "minimumRequirement": { "subtotal": { "greaterThanOrEqualToSubtotal": "25.00" } },
            "usageLimit": 100,
            "appliesOncePerCustomer": true,
            "combinesWith": {
                "orderDiscounts": false, "productDiscounts": true, "shippingDiscounts": true,
            },
            "tags": ["vouch", "vouch:7-4001"],
        })
    );
    let found = client.find_code("maya10").unwrap().unwrap();
    assert_eq!(found.code, "MAYA10", "as the store spells it");
    assert_eq!((found.remote_ref, found.mark), (made.remote_ref, made.mark));
    let mut other = super::client(&shop, Some(rules()));
    assert!(!other.find_code("MAYA10").unwrap().unwrap().same_rules);
}

#[test]
fn a_code_that_is_there_in_another_case_is_taken() {
    let shop = MockStore::shopify();
    shop.store().add_discount("maya10", 0.2);
    let mut client = client(&shop, Some(rules()));
    assert_eq!(client.create_code(&new_code("MAYA10", 1)).unwrap_err(), CallError::Taken);
    let found = client.find_code("MAYA10").unwrap().unwrap();
    assert_eq!((found.code.as_str(), found.mark), ("maya10", None));
    shop.store().discounts[0].status = "EXPIRED";
    assert_eq!(client.find_code("MAYA10").unwrap().unwrap().state, CodeState::Expired);
}

#[test]
fn an_answer_lost_after_the_write_leaves_one_code_that_is_found_by_its_mark() {
    let shop = MockStore::shopify();
    shop.once("mutation CreateCode", Fault::LostAfterWrite);
    let mut client = client(&shop, Some(rules()));
    let lost = client.create_code(&new_code("MAYA10", 4_001)).unwrap_err();
    assert!(matches!(lost, CallError::Unanswered(_)), "{lost:?}");
    let found = client.find_code("MAYA10").unwrap().unwrap();
    assert_eq!(found.mark.unwrap().trigger_id, 4_001);
    assert_eq!(shop.store().codes(), ["MAYA10"]);
}

#[test]
fn the_stores_own_words_come_through() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, Some(Rules { title: " ".trim().to_owned(), ..rules() }));
    let refused = client.create_code(&new_code("MAYA10", 1)).unwrap_err();
    let said = "Title can't be blank".to_owned();
    assert_eq!(refused, CallError::Refused(Reason::Said { platform: SHOPIFY, said }));
    let mut without = super::client(&shop, None);
    let refused = without.create_code(&new_code("MAYA10", 1)).unwrap_err();
    assert_eq!(refused, CallError::Refused(Reason::NoDiscount { platform: SHOPIFY }));
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, Some(rules()));
    let mut after = |fault: Fault| {
        shop.once("graphql.json", fault);
        client.find_code("MAYA10").unwrap_err()
    };
    let pause = after(Fault::shopify_throttled(3.5));
    assert_eq!(pause, CallError::Throttled { wait: Duration::from_secs_f64(3.5) });
    let pause = after(match Fault::status(429) {
        Fault::Instead(reply) => Fault::Instead(reply.header("retry-after", "4.0")),
        fault => fault,
    });
    assert_eq!(pause, CallError::Throttled { wait: Duration::from_secs(4) });
    let unanswered = [
        (Fault::status(503), Reason::Unavailable { platform: SHOPIFY, status: Some(503) }),
        (Fault::html(), Reason::NotJson { status: 200, is_web_page: true }),
        (Fault::Truncated, Reason::Interrupted),
        (Fault::Lost, Reason::Interrupted),
        (Fault::Huge, Reason::ResponseTooLarge),
        (
            Fault::redirect("http://127.0.0.1:1/"),
            Reason::Redirected { platform: SHOPIFY, target: None },
        ),
    ];
    for (fault, reason) in unanswered {
        assert_eq!(after(fault), CallError::Unanswered(reason));
    }
    for (status, reason) in [
        (402, Reason::StoreFrozen),
        (404, Reason::NoStore { platform: SHOPIFY }),
        (423, Reason::StoreLocked),
    ] {
        assert_eq!(after(Fault::status(status)), CallError::Denied(reason));
    }
    assert_eq!(client.find_code("MAYA10"), Ok(None), "and then all is well");
}

#[test]
fn a_revoked_token_and_a_missing_scope_are_denied_in_words() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, Some(rules()));
    shop.store().scopes.retain(|scope| scope != "write_discounts");
    let denied = client.create_code(&new_code("MAYA10", 1)).unwrap_err();
    let lacking = Reason::MissingScope { scope: "write_discounts".to_owned() };
    assert_eq!(denied, CallError::Denied(lacking.clone()));
    let access = client.access().unwrap();
    assert_eq!((access.creates_codes, access.reads_orders), (false, true));
    assert_eq!(access.missing, [lacking]);
    shop.store().tokens.clear();
    let denied = client.access().unwrap_err();
    assert_eq!(denied, CallError::Denied(Reason::TokenRejected { platform: SHOPIFY }));
}

#[test]
fn a_token_is_got_with_the_client_secret_used_again_and_renewed_when_revoked() {
    let shop = MockStore::shopify();
    let secret = SecretString::from(CLIENT_SECRET);
    let credentials = Credentials::Client { id: CLIENT_ID.to_owned(), secret };
    let open =
        |token| Shopify::new(Http::new(true), &shop.base, credentials.clone(), token, None, then());
    let mut client = open(None);
    let access = client.access().unwrap();
    assert_eq!((access.store_name.as_str(), access.currency.as_deref()), ("Acme Tea", Some("USD")));
    assert!(client.access().is_ok());
    assert_eq!(shop.store().granted, 1);
    let fresh = client.fresh_token().unwrap();
    assert!(client.fresh_token().is_none(), "answered once");
    let lasts = (fresh.expires_at - then()).num_minutes();
    assert!((23 * 60..24 * 60).contains(&lasts), "renewed before it ends: {lasts}");

    let mut later = open(Some(fresh.token.clone()));
    assert!(later.access().is_ok() && later.fresh_token().is_none());
    assert_eq!(shop.store().granted, 1);
    shop.store().tokens.retain(|token| token != fresh.token.expose_secret());
    assert!(later.access().is_ok(), "a revoked token is asked for anew");
    assert_eq!(shop.store().granted, 2);

    shop.store().client = None;
    shop.store().tokens.clear();
    let denied = later.access().unwrap_err();
    assert_eq!(denied, CallError::Denied(Reason::ClientRejected));
    assert!(!format!("{credentials:?}").contains("shpss"));
}

#[test]
fn credentials_survive_being_kept() {
    let secret = SecretString::from(CLIENT_SECRET);
    let kept = Credentials::Client { id: CLIENT_ID.to_owned(), secret }.to_json();
    let again = Credentials::from_json(&kept).unwrap();
    assert_eq!(again.ending(), "c0de");
    assert!(matches!(again, Credentials::Client { id, .. } if id == CLIENT_ID));
    assert!(Credentials::from_json(b"{\"other\": 1}").is_none());
}

#[test]
fn all_codes_are_read_page_by_page_also_of_discounts_with_many() {
    let shop = MockStore::shopify();
    {
        let mut store = shop.store();
        store.page = 3;
        for number in 0..7 {
            store.add_discount(&format!("ONE{number}"), 0.1);
        }
        let many = (0..8).map(|number| format!("MANY{number}")).collect();
        store.hold(
            "DiscountCodeFreeShipping",
            json!({ "title": "Free", "tags": ["vouch:7-9"] }),
            many,
        );
    }
    let mut client = client(&shop, Some(rules()));
    let (mut codes, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let batch = client.codes(cursor.as_deref()).unwrap();
        codes.extend(batch.rows);
        pages += 1;
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut spelt: Vec<&str> = codes.iter().map(|code| code.code.as_str()).collect();
    spelt.sort_unstable();
    assert_eq!(spelt.len(), 15, "{spelt:?}");
    spelt.dedup();
    assert_eq!(spelt.len(), 15, "each once");
    assert_eq!(pages, 5, "three pages, and two more of the last discount");
    let free = codes.iter().find(|code| code.code == "MANY7").unwrap();
    assert_eq!((free.mark.unwrap().trigger_id, free.same_rules), (9, false));
    assert!(codes.iter().find(|code| code.code == "ONE1").unwrap().same_rules);
}

#[test]
fn webhooks_are_made_once_and_stale_ones_of_vouch_removed() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, None);
    let here = "https://vouch.example/hooks/shopify/7-abc";
    {
        let mut store = shop.store();
        let stale = "https://old.example/hooks/shopify/7-abc".to_owned();
        store.webhooks.push(("1".to_owned(), "ORDERS_CREATE".to_owned(), stale));
        let foreign = "https://other.example/orders".to_owned();
        store.webhooks.push(("2".to_owned(), "ORDERS_CREATE".to_owned(), foreign));
        let other_store = "https://vouch.example/hooks/shopify/8-def".to_owned();
        store.webhooks.push(("3".to_owned(), "ORDERS_CREATE".to_owned(), other_store));
    }
    let made = client.ensure_webhooks(here).unwrap();
    assert_eq!((made.made, made.problem), (8, None));
    let topics = shop.store().webhooks.iter().filter(|(_, _, uri)| uri == here).count();
    assert_eq!(topics, 8);
    let left: Vec<String> =
        shop.store().webhooks.iter().map(|(id, _, _)| id.clone()).take(2).collect();
    assert_eq!(left, ["2", "3"], "what others made stays");
    assert_eq!(client.ensure_webhooks(here).unwrap().made, 0);
    shop.store().webhooks.pop();
    assert_eq!(client.ensure_webhooks(here).unwrap().made, 1, "what was lost is made again");
    let plain = "http://127.0.0.1:8080/hooks/shopify/7-abc";
    let refused = client.ensure_webhooks(plain).unwrap().problem.unwrap();
    assert!(
        matches!(&refused, Reason::WebhookRejected { said, .. }
            if said == "Address protocol http:// is not supported"),
        "{refused:?}"
    );
    // A real one is not even asked.
    let token = Credentials::Token(SecretString::from(TOKEN));
    let real = "acme-tea.myshopify.com";
    let mut real = Shopify::new(Http::new(true), real, token, None, None, then());
    assert_eq!(real.ensure_webhooks(plain).unwrap().problem, Some(Reason::WebhooksNeedHttps));
}

#[test]
fn products_and_collections_are_found_by_number_handle_and_address() {
    let shop = MockStore::shopify();
    let mut client = client(&shop, None);
    for typed in [
        "488001",
        "green-tea",
        "https://acme.example/collections/green-tea?x=1",
        "https://admin.shopify.com/store/acme-tea/collections/488001",
    ] {
        let reference = Reference::parse(typed).unwrap();
        let item = client.find_item(Target::Collections, &reference).unwrap();
        assert_eq!((item.id, item.title.as_str()), (488_001, "Green tea"), "{typed}");
    }
    let missing = client.find_item(Target::Products, &Reference::parse("oolong").unwrap());
    let reason = Reason::NoItem { kind: ItemKind::Product, item: "oolong".to_owned() };
    assert_eq!(missing, Err(CallError::Refused(reason)));
    assert!(Reference::parse("two words").is_err());
}

#[test]
fn a_preview_says_what_a_shopper_gets() {
    assert!(rules().sentence().contains("10%"), "{}", rules().sentence());
    for value in ["$5.00", "$25.00", "100"] {
        assert!(full_rules().sentence().contains(value), "{value}: {}", full_rules().sentence());
    }
    let yen = Rules {
        takeoff: DiscountAmount::Amount { minor: 500, each_item: false },
        currency: Currency::from_code("JPY").unwrap(),
        items: Items::Products(Vec::new()),
        minimum: Minimum::Quantity { items: 3 },
        ..rules()
    };
    for value in ["¥500", "0", "3"] {
        assert!(yen.sentence().contains(value), "{value}: {}", yen.sentence());
    }
    let sentences = [rules(), full_rules(), yen].map(|rules| rules.sentence());
    assert_eq!(BTreeSet::from(sentences).len(), 3, "each of its own");
    assert_eq!(rules().title_of("{code}", "MAYA10"), "Affiliate {code}: MAYA10");
}

#[test]
fn a_period_without_orders_is_an_empty_page() {
    let shop = MockStore::shopify();
    let period = TimeRange { from: then(), until: then() };
    let batch = client(&shop, None).orders(&period, None).unwrap();
    assert!(batch.rows.is_empty() && batch.next.is_none());
}
