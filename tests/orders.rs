//! Manage > Orders, the page of one order, and what stores sent.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use vouch::kit::db::schema::deliveries;

use crate::harness::browser::Browser;
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{PASSWORD, SHOP_SECRET, TestApp};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn page_of(app: &TestApp, name: &str) -> String {
    let list = app.viewer().get(&format!("/orders?q={name}"));
    list.attribute("tbody .name", "href").unwrap_or_else(|| panic!("no order: {}", list.text()))
}

#[test]
fn orders_are_found_by_number_and_address_and_filtered() {
    let app = TestApp::start();
    for (id, code) in [(1001, Some("ADA10")), (1002, Some("SUMMER")), (1003, None)] {
        let mut order = ShopifyOrder::new(id, noon());
        if let Some(code) = code {
            order = order.code(code, "10.00");
        }
        app.shopify("orders/create", &order.0);
    }
    let test = ShopifyOrder::new(2001, noon() + Duration::days(1)).with("test", true.into());
    app.shopify("orders/create", &test.0);
    let viewer = app.viewer();
    let rows = |path: &str| viewer.get(path).all("#results tbody tr").len();
    assert_eq!(rows("/orders"), 4);
    assert_eq!(rows("/orders?q=100"), 3);
    assert_eq!(rows("/orders?q=%231002"), 1);
    assert_eq!(rows("/orders?q=Shopper%40cust"), 4);
    assert_eq!(rows("/orders?q=%25"), 0);
    assert_eq!(rows("/orders?kind=credited"), 1);
    assert_eq!(rows("/orders?kind=nobody"), 3);
    assert_eq!(rows("/orders?kind=test"), 1);
    assert_eq!(rows("/orders?kind=real&from=2026-06-01&to=2026-06-30"), 3);
    assert_eq!(rows("/orders?from=2026-06-02"), 1);
    let page = viewer.get("/orders?kind=nobody");
    let mut reasons = page.values("[data-not-credited]", "data-not-credited");
    reasons.sort();
    assert_eq!(reasons, ["no_match", "no_match", "unassigned"]);
    assert_eq!(app.stranger().get("/orders").all("tbody tr").len(), 0);
}

#[test]
fn an_orders_page_says_who_is_credited_and_why() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1001, noon()).code("ada10", "10.00").code("SUMMER", "0.00");
    app.shopify("orders/create", &order.0);
    let refund = order.refund(7, 0, 1, "90.00", noon() + Duration::hours(1));
    app.shopify("refunds/create", &refund);
    let path = page_of(&app, "1001");
    let page = app.viewer().get(&path);
    assert_eq!(page.status, 200);
    let sentences = page.all(".verdict");
    assert!(sentences[0].contains("Ada Active"), "{sentences:?}");
    assert!(sentences[1].contains("SUMMER"), "{sentences:?}");
    let ada10 = format!("[data-trigger='{}'][data-won=true]", app.fixture.ada10_id);
    assert!(page.one(&ada10).contains("ADA10"));
    let terms = page.one("[aria-labelledby^=commission] .panel-head");
    assert!(terms.contains("Standard") && terms.contains("10%"), "{terms}");
    assert_eq!(page.all("[aria-labelledby^=ledger] tbody tr").len(), 2);
    let topics = page.values("[data-topic]", "data-topic");
    assert_eq!(topics, ["orders/create", "refunds/create"]);
    assert!(page.has("#no-history"));
    assert!(!page.has(".decide"), "a viewer decides nothing");
    assert_eq!(app.stranger().get(&path).status, 404);
    assert_eq!(app.viewer().get("/orders/999999999").status, 404);
}

#[test]
fn what_a_member_denied_is_not_called_credited() {
    let app = TestApp::start();
    app.shopify("orders/create", &ShopifyOrder::new(1001, noon()).code("ADA10", "10.00").0);
    let (path, admin) = (page_of(&app, "1001"), app.admin());
    let ids = admin.get(&path).value_of(".decide [name=ids]");
    let mut explanations = std::collections::BTreeMap::new();
    for (status, is_denied) in [("pending", false), ("denied", true), ("approved", false)] {
        let fields = [("ids", ids.as_str()), ("status", status)];
        assert_eq!(admin.post_signed("/conversions/statuses", &fields).status, 303);
        let page = admin.get(&path);
        assert_eq!(page.has(".credit[data-status=denied]"), is_denied, "{status}");
        assert_eq!(page.has("[data-denied]"), is_denied, "the total of a denial is nothing");
        assert_eq!(page.has(".credit .money"), !is_denied, "{status}");
        let credited = page.one(".verdict");
        explanations.entry(is_denied).or_insert_with(Vec::new).push(credited);
    }
    assert_ne!(explanations[&true][0], explanations[&false][0], "a denial is explained");
}

#[test]
fn an_order_that_credits_nobody_says_why_and_leads_on() {
    let app = TestApp::start();
    app.shopify("orders/create", &ShopifyOrder::new(1001, noon()).code("SUMMER", "5.00").0);
    let page = app.admin().get(&page_of(&app, "1001"));
    assert!(page.has("[data-not-credited=unassigned]"));
    let link = "/triggers/new?coupon_code=SUMMER&only_in_vouch=true";
    assert!(page.has(&format!("a[href=\"{link}\"]")), "{}", page.text());
    assert!(app.admin().get(link).has("input[value=SUMMER]"));
}

#[test]
fn what_failed_is_kept_with_its_reason_and_can_be_replayed() {
    let app = TestApp::start();
    let body = br#"{"id": "x<script>"}"#;
    let answer = app.shopify_raw("orders/create", "d-1", body, &sign(SHOP_SECRET, body));
    assert_eq!(answer.status, 200);
    app.shopify("orders/create", &ShopifyOrder::new(1001, noon()).0);
    let admin = app.admin();
    let all = admin.get("/deliveries");
    assert_eq!(all.all("tbody tr").len(), 2);
    // Each leads to its order, by its name.
    let order = format!("tbody a[href=\"{}\"]", page_of(&app, "1001"));
    assert_eq!(all.one(&order), "#1001");
    let failed = admin.get("/deliveries?outcome=failed");
    assert_eq!(failed.all("tbody tr").len(), 1);
    let path = failed.attribute("tbody .name", "href").unwrap();
    let page = admin.get(&path);
    assert!(page.one("pre").contains("x<script>"));
    assert_eq!(app.viewer().get(&path).status, 403, "it holds a customer's data");
    assert_eq!(app.stranger().get(&path).status, 404);

    let again = admin.submit(&page, "form[action$=replay]", &[]);
    assert!(admin.follow(&again).has("[role=status].tone-wait"));

    // A fix of what could not be understood: the message is taken in.
    let order = ShopifyOrder::new(1002, noon()).code("ADA10", "10.00");
    let body = vouch::features::ingest::intake::gzip(order.0.to_string().as_bytes());
    app.within(|conn| {
        diesel::update(deliveries::table.filter(deliveries::outcome.eq("failed")))
            .set(deliveries::body_gzip.eq(body))
            .execute(conn)
    });
    let failed = admin.get("/deliveries?outcome=failed");
    let all = admin.submit(&failed, "form[action=\"/deliveries/replay\"]", &[]);
    assert!(admin.follow(&all).has("[role=status].tone-good"));
    assert!(!admin.get("/deliveries?outcome=failed").has("tbody tr"));
    let credit = admin.get(&page_of(&app, "1002")).one(".credit");
    assert!(credit.contains("Ada Active") && credit.contains("$9.00"), "{credit}");
    assert_eq!(app.viewer().post_signed("/deliveries/replay", &[]).status, 403);
    assert_eq!(app.viewer().post_signed(&format!("{path}/replay"), &[]).status, 403);
}

#[actix_web::test]
async fn the_pages_pass_axe_in_light_and_dark_and_fit_320_pixels() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1001, noon()).code("ADA10", "10.00").code("SUMMER", "1.00");
    app.shopify("orders/create", &order.0);
    app.shopify("refunds/create", &order.refund(7, 0, 1, "50.00", noon() + Duration::hours(1)));
    let test = ShopifyOrder::new(1002, noon()).code("ADA10", "10.00").with("test", true.into());
    app.shopify("orders/create", &test.0);
    app.shopify("orders/create", &ShopifyOrder::new(1003, noon()).0);
    let body = b"{}";
    app.shopify_raw("orders/create", "d-1", body, &sign(SHOP_SECRET, body));
    let failed = app.admin().get("/deliveries?outcome=failed");
    let ben = app.fixture.ben_id;
    let unknown = page_of(&app, "1003").replace("/orders/", "");
    let pages = [
        ("conversions", "/conversions".to_owned()),
        ("affiliate-conversions", format!("/affiliates/{}/conversions", app.fixture.ada_id)),
        ("manual-credit", format!("/affiliates/{ben}/manual-credit?order_q=100&order={unknown}")),
        ("orders", "/orders?kind=nobody".to_owned()),
        ("order", page_of(&app, "1001")),
        ("order-test", page_of(&app, "1002")),
        ("deliveries", "/deliveries".to_owned()),
        ("delivery", failed.attribute("tbody .name", "href").unwrap()),
        ("settings-api", "/settings/api".to_owned()),
    ];
    let browser = Browser::open(&app.base).await;
    browser.goto("/login").await;
    browser.fill("#f-email", "owner@acme.example").await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("main h1").await;
    for (name, path) in pages {
        browser.goto(&path).await;
        browser.check_page(name).await;
    }
}
