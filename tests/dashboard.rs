//! The dashboard: numbers that are what their lists show.

use chrono::{Duration, TimeZone, Utc};
use vouch::app::demo::LOGINS;
use vouch::kit::clock;

use crate::demo::with_demo;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, TestApp};

/// Label, value and list of each number.
fn numbers(page: &Page) -> Vec<(String, String, String)> {
    let labels = page.all(".figure dt");
    let values = page.all(".figure .figure-value");
    let links = page.values(".figure a.figure-value", "href");
    assert_eq!((labels.len(), links.len()), (5, 5), "{}", page.text());
    labels.into_iter().zip(values).zip(links).map(|((l, v), h)| (l, v, h)).collect()
}

#[test]
fn every_number_is_what_its_list_shows() {
    let (app, _) = with_demo();
    let owner = app.sign_in(LOGINS[0].email);
    let days = |ago: i64| (clock::now() - Duration::days(ago)).date_naive();
    let own_days = format!("period=custom&from={}&to={}", days(70), days(41));
    for query in
        ["period=7", "period=30", "period=90", "period=month", "period=last-month", &own_days]
    {
        let page = owner.get(&format!("/dashboard?{query}"));
        for (label, value, href) in numbers(&page) {
            let list = owner.get(&href);
            assert_eq!(list.status, 200, "{href}");
            let shown = list.all(".pages-shown").join(" ");
            let (words, zero) = match label.as_str() {
                "Orders" | "Conversions" => (value.clone(), "0"),
                _ => (format!(" {value} {}", label.to_lowercase()), "$0.00"),
            };
            let fits = if value == zero {
                shown.is_empty() || !shown.contains(&label.to_lowercase())
            } else {
                format!(" {shown}").contains(&words)
            };
            assert!(fits, "{query}: {label} is {value}, and its list says {shown:?}");
        }
    }
}

#[test]
fn a_day_is_a_day_of_the_merchant() {
    let app = TestApp::start();
    // Half past eleven in the evening of 9 June in New York.
    let placed_at = Utc.with_ymd_and_hms(2026, 6, 10, 3, 30, 0).unwrap();
    let order = ShopifyOrder::new(1, placed_at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let owner = app.owner();
    let of = |day: &str| {
        let page = owner.get(&format!("/dashboard?period=custom&from={day}&to={day}"));
        numbers(&page).into_iter().map(|(_, value, _)| value).collect::<Vec<_>>()
    };
    assert_eq!(of("2026-06-09"), ["1", "1", "$90.00", "$9.00", "$0.00"]);
    assert_eq!(of("2026-06-10"), ["0", "0", "$0.00", "$0.00", "$0.00"]);
    let next_week = owner.get("/dashboard?period=custom&from=2026-06-10&to=2026-06-16");
    let notes = next_week.all(".figure .figure-note");
    assert!(notes[0].starts_with("1 ") && notes[2].starts_with("$90.00 "), "{notes:?}");
}

#[test]
fn what_waits_is_said_and_leads_on() {
    let app = TestApp::start();
    let owner = app.owner();
    let calm = owner.get("/dashboard");
    assert!(calm.has(".calm") && !calm.has(".tasks"));
    let order = ShopifyOrder::new(1, clock::now()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(app.shopify("carts/update", &serde_json::json!({})).status, 200);
    let page = owner.get("/dashboard");
    assert_eq!(page.values(".tasks li", "data-task"), ["conversions", "deliveries"]);
    assert!(page.all(".tasks a").iter().all(|task| task.starts_with("1 ")), "one of each");
    for href in page.values(".tasks a", "href") {
        assert_eq!(owner.get(&href).status, 200, "{href}");
    }
    assert!(page.has("svg.chart") && page.has("details table"));
    assert_eq!(page.all("table .name"), ["#1"]);
}

#[test]
fn a_new_program_sees_its_first_steps_until_they_are_done() {
    let app = TestApp::start();
    let stranger = app.stranger().get("/dashboard");
    assert_eq!(
        stranger.values(".steps a", "href"),
        ["/settings/shopify"],
        "it has an affiliate and a code already"
    );
    let owner = app.owner();
    assert!(owner.get("/dashboard").has(".steps"));
    let order = ShopifyOrder::new(1, clock::now());
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert!(!owner.get("/dashboard").has(".steps"));
}

#[test]
fn a_viewer_looks_and_an_admin_adds_triggers() {
    let app = TestApp::start();
    let button = ".head a[href='/triggers/new']";
    assert!(app.admin().get("/dashboard").has(button));
    let viewer = app.viewer().get("/dashboard");
    assert_eq!(viewer.status, 200);
    assert!(!viewer.has(button) && !viewer.has(".head .btn"));
    assert_eq!(app.anonymous().get("/dashboard").status, 303);
}
