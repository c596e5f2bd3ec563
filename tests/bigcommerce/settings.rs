//! Account > Settings > BigCommerce.

use chrono::Duration;
use diesel::prelude::*;
use vouch::kit::clock;
use vouch::kit::db::schema::stores;

use super::Shop;
use crate::harness::stores::Fault;
use crate::harness::stores::bigcommerce::{Bigcommerce, CLIENT_ID, CLIENT_SECRET, TOKEN};
use crate::harness::{Page, Person, TestApp};

/// The result of a test without a problem.
const CONNECTED: &str = "[role=status].tone-good";
/// The result of a test with a problem.
const WARNED: &str = "[role=status].tone-wait";
const HERE: &str = "/settings/bigcommerce";

fn fields<'a>(base: &'a str, token: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("address", base),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("access_token", token),
    ]
}

fn connect(owner: &Person, base: &str, token: &str) -> Page {
    let page = owner.get("/settings/bigcommerce/credentials");
    owner.submit(&page, "form.stack", &fields(base, token))
}

#[test]
fn a_store_is_connected_by_following_the_page() {
    let (app, bc) = (TestApp::start(), Bigcommerce::start());
    let owner = app.owner();
    let page = owner.get(HERE);
    assert!(page.has(".notice.tone-wait a[data-dialog]"));
    assert_eq!(page.all("nav.local a[aria-current]"), ["BigCommerce"]);
    let link = page.attribute(".notice a", "href").unwrap();
    let steps = owner.get(&link);
    for words in ["API Accounts", "V2/V3 API Token", "Marketing to modify", "Orders"] {
        assert!(steps.says(words), "{words}");
    }
    let answer = connect(&owner, &bc.base, TOKEN);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    assert!(page.one(CONNECTED).contains("Acme Tea"), "{}", page.text());
    assert!(page.one("[data-fact=credentials]").contains("9f2c"));
    for secret in [TOKEN, CLIENT_SECRET] {
        assert!(!page.text().contains(secret));
    }
    // The same store again is refused, with nothing secret echoed.
    let again = connect(&owner, &bc.base, TOKEN);
    assert_eq!(again.status, 422);
    assert!(again.has("#f-address-error"));
    assert!(!again.text().contains(TOKEN) && !again.text().contains(CLIENT_SECRET));
}

#[test]
fn credentials_that_are_no_good_are_kept_and_the_page_says_what_is_wrong() {
    let (app, bc) = (TestApp::start(), Bigcommerce::start());
    let owner = app.owner();
    let page = owner.follow(&connect(&owner, &bc.base, "a-wrong-access-token"));
    assert!(page.has(WARNED) && page.has("[data-problem=access]"));
    // Replaced by those of an account that lacks a right.
    bc.store().denied = vec!["/v3/promotions"];
    let link = page.attribute("dl.facts a", "href").unwrap();
    let form = owner.get(&link);
    let answer = owner.submit(&form, "form.stack", &fields("", TOKEN)[1..]);
    let page = owner.follow(&answer);
    assert!(page.one(WARNED).contains("Marketing") && !page.has("[data-problem=access]"));
    bc.store().denied.clear();
    let answer = owner.submit(&page, "form[action$='/access']", &[]);
    assert!(owner.follow(&answer).has(CONNECTED));
    bc.once("/v2/store", Fault::status(503));
    let answer = owner.submit_again(&page, "form[action$='/access']", &[]);
    let page = owner.follow(&answer);
    assert!(page.one(WARNED).contains("HTTP 503") && !page.has("[data-problem=access]"));
    bc.once("/v2/store", Fault::status(404));
    let answer = owner.submit_again(&page, "form[action$='/access']", &[]);
    let page = owner.follow(&answer);
    assert!(page.has(WARNED) && page.has("[data-problem=access]"));
}

#[test]
fn rubbish_in_the_credentials_comes_back_with_its_reason() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/bigcommerce/credentials");
    let rubbish = [
        ("address", "shop.example.com"),
        ("client_id", "two words"),
        ("client_secret", "short"),
        ("access_token", ""),
    ];
    let answer = owner.submit(&page, "form.stack", &rubbish);
    assert_eq!(answer.status, 422);
    for (field, _) in rubbish {
        assert!(answer.has(&format!("#f-{field}-error")), "{field}");
    }
    assert_eq!(answer.value_of("#f-address"), "shop.example.com");
    assert_eq!(answer.value_of("#f-client_id"), "two words");
}

#[test]
fn the_preview_follows_what_is_typed_and_saves_nothing() {
    let shop = Shop::open();
    let owner = shop.app.owner();
    let form = owner.get(HERE).form("form[action$='/discounts']");
    let sentence = |typed: &[(&str, &str)]| {
        let known = form.fields.iter().filter(|(name, _)| name != "amount" && name != "csrf");
        let known = known.map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = typed.iter().copied().chain(known).collect();
        let answer = owner.post_signed(&form.action, &fields);
        assert_eq!(answer.status, 200, "a preview refuses nothing: {}", answer.text());
        assert_eq!(answer.value_of("#f-amount"), typed[0].1, "it comes back as typed");
        answer.one("#preview p:last-child")
    };
    let half = sentence(&[("amount", "50"), ("preview", "live")]);
    assert!(half.starts_with("50%"), "{half}");
    let unclear = sentence(&[("amount", "much"), ("preview", "page")]);
    assert!(unclear.contains("0.01") && !unclear.contains("50%"), "{unclear}");
    let now = owner.get(HERE).one("#preview p:last-child");
    assert!(now.starts_with("10%"), "{now}");
    let viewer = shop.app.viewer();
    assert!(!viewer.get(HERE).has("#preview[hx-post]"), "who only looks posts nothing");
}

#[test]
fn rules_are_saved_and_said_in_one_sentence() {
    let shop = Shop::open();
    let owner = shop.app.owner();
    let page = owner.get(HERE);
    assert!(page.one("#preview p:last-child").starts_with("10%"));
    let form = "form[action$='/discounts']";
    let typed = [
        ("creates_codes", "yes"),
        ("discount", "per_order"),
        ("amount", "5.00"),
        ("currency", "usd"),
        ("minimum", "30"),
    ];
    let answer = owner.submit(&page, form, &typed);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = owner.follow(&answer);
    let gets = page.one("#preview p:last-child");
    assert!(gets.contains("$5.00") && gets.contains("$30.00"), "{gets}");
    let answer = owner.submit(&page, form, &[("kind", "coupon")]);
    let page = owner.follow(&answer);
    let gets = page.one("#preview p:last-child");
    assert!(gets.starts_with("5 ") && !gets.contains('$'), "without a currency: {gets}");
    assert_eq!(page.value_of("input[name=creates_codes][checked]"), "yes");
    let answer = owner.submit(&page, form, &[("amount", "much"), ("max_uses", "many")]);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#f-amount-error") && answer.has("#f-max_uses-error"));
    assert_eq!(answer.value_of("#f-amount"), "much");
}

#[test]
fn a_store_that_is_connected_again_goes_on_where_it_was() {
    let shop = Shop::open();
    let owner = shop.app.owner();
    let page = owner.get(HERE);
    let answer = owner.submit(&page, "form[action$='/disconnection']", &[]);
    assert!(owner.follow(&answer).has(CONNECTED));
    assert_eq!(shop.send("store/order/created", 250).status, 401);
    assert_eq!(connect(&owner, &shop.bc.base, TOKEN).status, 303);
    let known: Vec<(i64, String)> = shop.app.within(|conn| {
        stores::table
            .filter(stores::platform.eq("bigcommerce"))
            .select((stores::id, stores::store_key))
            .load(conn)
    });
    assert_eq!(known, [(shop.store.id, shop.store.store_key.clone())]);
    assert_eq!(shop.send("store/order/created", 250).status, 200);
    shop.work(clock::now() + Duration::seconds(1));
}

#[test]
fn a_viewer_looks_and_finds_nothing_to_send() {
    let shop = Shop::open();
    let page = shop.app.viewer().get(HERE);
    assert_eq!(page.status, 200);
    assert_eq!(page.all("main form[method=post]:has(.btn)").len(), 0);
    assert!(!page.has("a[href$='/credentials']"));
    assert_eq!(shop.app.stranger().get(HERE).all("[id^=store-]"), Vec::<String>::new());
}
