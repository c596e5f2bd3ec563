//! What all lists have in common.

use chrono::{TimeZone, Utc};

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, TestApp};

#[test]
fn rows_of_one_moment_stand_on_one_page_each() {
    let app = TestApp::start();
    let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    for number in 1..=51 {
        let order = ShopifyOrder::new(number, noon).code("ADA10", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
    let owner = app.owner();
    let of_ada = format!("/affiliates/{}/conversions", app.fixture.ada_id);
    for list in ["/orders", "/deliveries", "/conversions", "/conversions?status=credited", &of_ada]
    {
        let first = owner.get(list);
        let second = owner.get(&first.attribute("a[rel=next]", "href").unwrap());
        let rows = |page: &Page| page.all("#results tbody tr");
        assert_eq!((rows(&first).len(), rows(&second).len()), (50, 1), "{list}");
        assert!(!rows(&first).contains(&rows(&second)[0]), "{list}");
        assert!(!second.has("a[rel=next]") && !first.has("a[rel=prev]"), "{list}");
        let back = owner.get(&second.attribute("a[rel=prev]", "href").unwrap());
        assert_eq!(rows(&back), rows(&first), "{list}");
        assert_eq!(back.one(".pages-shown"), first.one(".pages-shown"), "{list}");
    }
    for (file, rows) in [("/conversions.csv", 51), ("/conversions.csv?status=denied", 0)] {
        assert_eq!(owner.get(file).csv().lines().count(), 1 + rows, "{file}");
    }
}

#[test]
fn no_link_carries_on_what_is_not_understood() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let owner = app.owner();
    for (list, understood, rubbish) in [
        ("/affiliates", "?status=active", "&offer=mine&sort=rubbish&after=rubbish"),
        ("/triggers", "?q=ada&state=active", "&type=rubbish&push=rubbish&like=*"),
        ("/conversions", "?status=credited", "&affiliate=me&trigger=&from=soon&to=2026-13-01"),
        ("/settings/audit-log", "?by=member", "&about=rubbish&until=later"),
        ("/settings/coupon-exclusions", "?sort=code", "&scope=rubbish&state=rubbish"),
    ] {
        let page = owner.get(&format!("{list}{understood}{rubbish}&unknown=1"));
        assert_eq!(page.status, 200, "{list}");
        let file = page.attribute("#results", "data-export").unwrap();
        assert_eq!(file, format!("{list}.csv{understood}"));
        assert_eq!(owner.get(&file).status, 200, "{file}");
    }
}

#[test]
fn of_a_parameter_that_comes_twice_the_last_counts() {
    let app = TestApp::start();
    let lists =
        ["/affiliates", "/triggers", "/conversions", "/orders"].map(|list| (list, app.owner()));
    let of_support = ["/support/merchants", "/support/users"].map(|list| (list, app.support()));
    for (list, person) in lists.into_iter().chain(of_support) {
        let page = person.get(&format!("{list}?q=first&q=+second+"));
        assert_eq!(page.status, 200, "{list}");
        assert_eq!(page.attribute("input[name=q]", "value").as_deref(), Some("second"), "{list}");
    }
}

#[test]
fn a_list_of_one_page_that_counts_nothing_has_no_bar_of_pages() {
    let app = TestApp::start();
    let owner = app.owner();
    let token = owner.token();
    let file = ("file", "codes.csv", "AFFILIATE_ID,TYPE,TRIGGER\nada,COUPON,ADA20\n".as_bytes());
    assert_eq!(owner.post_file("/triggers/imports", &[("csrf", &token)], file).status, 303);
    for (person, list) in [(owner, "/triggers/imports"), (app.support(), "/support/users")] {
        let page = person.get(list);
        assert!(page.has("tbody tr") && !page.has("nav.pages"), "{list}");
    }
}
