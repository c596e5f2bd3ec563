use chrono::{TimeZone, Utc};

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;
use crate::triggers::code;

#[test]
fn the_programs_list_shows_holders_and_figures() {
    let app = TestApp::start();
    let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let order = ShopifyOrder::new(1, noon).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let list = app.owner().get("/triggers");
    assert_eq!(list.all("tbody th code"), ["ADA10"]);
    let cells = list.all("tbody td");
    assert!(cells[0].starts_with("Ada Active"), "{cells:?}");
    assert_eq!(cells[2..], ["1", "$90.00", "$10.00", "$9.00", "$0.00"]);
    assert_eq!(list.one(".pages-shown"), "1 conversion trigger");
    let page = app.owner().get(&format!("/triggers/{}", app.fixture.ada10_id));
    assert_eq!(page.all(".figure-value"), ["1", "$90.00", "$10.00", "$9.00", "$0.00"]);
    let link = page.attribute("a.figure-value", "href").unwrap();
    let conversions = app.owner().get(&link);
    assert_eq!(conversions.status, 200);
    assert_eq!(conversions.all("tbody tr").len(), 1, "the figure leads to what it counts");
    assert!(page.has("#create-in-store"));
}

#[test]
fn search_takes_signs_as_they_are_and_finds_any_spelling() {
    let app = TestApp::start();
    for value in ["SAVE_10", "SAVEX10", "50%OFF", "quer%y", "Z9"] {
        code(&app, app.fixture.ben_id, value, &app.actor());
    }
    let owner = app.owner();
    for (q, expected) in [
        ("e_1", vec!["SAVE_10"]),
        ("0%o", vec!["50%OFF"]),
        ("%25", vec![]),
        ("ave", vec!["SAVEX10", "SAVE_10"]),
        ("z", vec!["Z9"]),
        ("_", vec![]),
        ("%", vec![]),
        ("\\", vec![]),
        ("ada10", vec!["ADA10"]),
        ("nothing like it", vec![]),
    ] {
        let list = owner.get(&format!("/triggers?q={}", vouch::kit::urls::encode(q)));
        assert_eq!(list.status, 200, "{q}");
        assert_eq!(list.all("tbody th code"), expected, "{q}");
        assert_eq!(list.has(".empty"), expected.is_empty());
    }
    let part = owner.get_with("/triggers?q=ave", &[("hx-request", "true")]);
    assert!(part.has("#results") && !part.has("nav[aria-label=Main]"));
}

#[test]
fn filters_are_chips_and_stay_in_the_address() {
    let app = TestApp::start();
    let owner = app.owner();
    owner.post_signed(&format!("/triggers/{}/retirement", app.fixture.ada10_id), &[]);
    let ben = app.fixture.ben_id;
    let form = [("type", "sku"), ("sku", "MUG")];
    assert_eq!(owner.post_signed(&format!("/affiliates/{ben}/triggers"), &form).status, 303);
    for (query, expected) in [
        ("state=retired", vec!["ADA10"]),
        ("state=active", vec!["MUG"]),
        ("type=sku", vec!["MUG"]),
        ("type=sku&state=retired", vec![]),
        ("type=rubbish&after=rubbish&sort=rubbish", vec!["MUG", "ADA10"]),
        ("sort=value", vec!["ADA10", "MUG"]),
        ("sort=oldest", vec!["ADA10", "MUG"]),
    ] {
        let list = owner.get(&format!("/triggers?{query}"));
        assert_eq!(list.all("tbody th code"), expected, "{query}");
    }
    let list = owner.get("/triggers?type=sku&state=retired");
    assert_eq!(list.all(".chip").len(), 2);
    assert_eq!(list.attribute(".chip", "href").as_deref(), Some("/triggers?state=retired"));
    assert!(list.has(".empty a[href='/triggers']"));
}

#[test]
fn fifty_rows_a_page_lead_on_and_back_in_every_order() {
    let app = TestApp::start();
    let actor = app.actor();
    // All at one moment, as an import makes them.
    app.within(|conn| {
        for n in 0..119 {
            let kind = vouch::features::triggers::TriggerKind::CouponCode;
            vouch::features::triggers::create(
                conn,
                &actor,
                app.fixture.ben_id,
                kind,
                &format!("C{n:03}"),
            )
            .unwrap();
        }
        Ok(())
    });
    let owner = app.owner();
    for start in ["/triggers", "/triggers?sort=oldest", "/triggers?sort=value", "/triggers?q=C0"] {
        let mut page = owner.get(start);
        let first = page.all("tbody th code");
        assert_eq!(first.len(), 50, "{start}");
        let mut seen = first.clone();
        while let Some(next) = page.attribute("a[rel=next]", "href") {
            page = owner.get(&next);
            seen.extend(page.all("tbody th code"));
        }
        let whole = if start.contains("q=") { 100 } else { 120 };
        let distinct: std::collections::HashSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (whole, whole), "{start}");
        let file = owner.get(&start.replacen("/triggers", "/triggers.csv", 1)).csv();
        let values = file.lines().skip(1).map(|line| line.split(',').nth(1).unwrap());
        assert!(values.eq(&seen), "{start}");
        while let Some(previous) = page.attribute("a[rel=prev]", "href") {
            page = owner.get(&previous);
        }
        assert_eq!(page.all("tbody th code"), first, "{start}");
    }
}

#[test]
fn the_download_holds_what_is_filtered_and_no_formula() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    for (holder, value) in [(ben, "=1+1"), (ben, "SAVE-5"), (ada, "@SUM(A1)")] {
        code(&app, holder, value, &app.actor());
    }
    let viewer = app.viewer();
    let file = viewer.get("/triggers.csv?sort=value");
    assert_eq!(file.status, 200);
    assert!(file.header("content-type").unwrap().starts_with("text/csv"));
    let text = file.csv();
    let values: Vec<&str> =
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(values, ["'=1+1", "'@SUM(A1)", "ADA10", "SAVE-5"]);
    let filtered = viewer.get("/triggers.csv?q=save").text();
    assert_eq!(filtered.lines().count(), 2);
    assert!(!app.stranger().get("/triggers.csv").text().contains("SAVE-5"));
}

#[test]
fn nothing_of_another_program_is_listed() {
    let app = TestApp::start();
    let list = app.stranger().get("/triggers");
    assert_eq!(list.all("tbody tr").len(), 1);
    assert!(!list.has(&format!("a[href='/triggers/{}']", app.fixture.ada10_id)));
}
