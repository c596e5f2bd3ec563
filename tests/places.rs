//! The places of affiliates and of support staff.

use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use vouch::db::schema::{stores, trigger_owners, triggers};

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn order(id: u64, code: &str) -> ShopifyOrder {
    let placed_at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    ShopifyOrder::new(id, placed_at).code(code, "10.00")
}

#[test]
fn an_affiliate_sees_their_codes_and_what_these_earned() {
    let app = TestApp::start();
    assert_eq!(app.shopify("orders/create", &order(1, "ADA10").0).status, 200);
    assert_eq!(app.shopify("orders/create", &order(2, "ADA10").0).status, 200);
    let page = app.affiliate().get("/portal");
    assert_eq!(page.one("h1"), "My Codes");
    assert!(page.has("[data-copy='ADA10']"));
    assert_eq!(page.all("tbody td.end"), ["2", "$180.00", "$18.00 Pending"]);
    assert!(page.one(".menu-merchant").ends_with("Acme Tea"));
}

#[test]
fn an_affiliate_sees_nothing_of_others() {
    let app = TestApp::start();
    let ada = app.affiliate();
    app.shopify("orders/create", &order(1, "ADA10").0);
    // The code was Ben's until May and made an order for him: that one stays his.
    let may = Utc.with_ymd_and_hms(2026, 7, 1, 0, 0, 0).unwrap();
    app.within(|conn| {
        diesel::update(trigger_owners::table)
            .set((
                trigger_owners::affiliate_id.eq(app.fixture.ben_id),
                trigger_owners::valid_until.eq(may),
            ))
            .execute(conn)?;
        diesel::insert_into(trigger_owners::table)
            .values((
                trigger_owners::merchant_id.eq(app.fixture.merchant_id),
                trigger_owners::trigger_id.eq(app.fixture.ada10_id),
                trigger_owners::valid_from.eq(may),
                trigger_owners::affiliate_id.eq(app.fixture.ada_id),
            ))
            .execute(conn)?;
        diesel::sql_query(format!("update conversions set affiliate_id = {}", app.fixture.ben_id))
            .execute(conn)
    });
    let page = ada.get("/portal");
    assert_eq!(page.all("tbody td.end"), ["0", "$0.00", "$0.00"], "Ben's order is not Ada's");
    app.within(|conn| {
        diesel::update(triggers::table)
            .set(triggers::affiliate_id.eq(app.fixture.ben_id))
            .execute(conn)
    });
    let page = ada.get("/portal");
    assert!(page.says("No codes yet") && !page.text().contains("ADA10"));
}

#[test]
fn codes_of_other_kinds_stay_out_and_retired_ones_say_so() {
    let app = TestApp::start();
    app.within(|conn| {
        diesel::update(triggers::table)
            .set(triggers::retired_at.eq(vouch::clock::now()))
            .execute(conn)?;
        diesel::insert_into(triggers::table)
            .values((
                triggers::merchant_id.eq(app.fixture.merchant_id),
                triggers::kind.eq("customer_email"),
                triggers::value.eq("shopper@example.com"),
                triggers::key.eq("shopper@example.com"),
                triggers::affiliate_id.eq(app.fixture.ada_id),
            ))
            .execute(conn)
    });
    let page = app.affiliate().get("/portal");
    assert_eq!(page.all("tbody th"), ["ADA10 Retired"]);
    assert!(!page.text().contains("shopper@example.com"));
}

#[test]
fn many_codes_are_shown_page_by_page() {
    let app = TestApp::start();
    app.within(|conn| {
        diesel::sql_query(format!(
            "insert into triggers (merchant_id, kind, value, key, affiliate_id) \
             select {}, 'coupon_code', 'CODE' || n, 'CODE' || n, {} from generate_series(1, 60) n",
            app.fixture.merchant_id, app.fixture.ada_id
        ))
        .execute(conn)
    });
    let ada = app.affiliate();
    let first = ada.get("/portal");
    assert_eq!(first.all("tbody tr").len(), 50);
    let next = ada.get(&first.attribute("a[rel=next]", "href").unwrap());
    assert_eq!(next.all("tbody tr").len(), 11);
    assert!(next.has("[data-copy='ADA10']"), "the oldest comes last");
    let back = ada.get(&next.attribute("a[rel=prev]", "href").unwrap());
    assert_eq!(back.all("tbody th"), first.all("tbody th"));
}

#[test]
fn support_staff_find_merchants_and_see_how_they_fare() {
    let app = TestApp::start();
    app.shopify("orders/create", &order(1, "ADA10").0);
    app.shopify("orders/create", &serde_json::json!({ "id": "no order" }));
    let support = app.support();
    let page = support.get("/support/merchants");
    assert_eq!(page.all("tbody th"), ["Acme Tea acme-tea", "Borealis Books borealis-books"]);
    assert_eq!(page.all("tbody tr:first-child td"), ["3", "1", "1", "1 Jun 2026, 12:00"]);
    assert_eq!(page.all("tbody tr:last-child td"), ["1", "0", "0", "None yet"]);
    let key: String = app.within(|conn| stores::table.select(stores::store_key).first(conn));
    assert!(!page.text().contains(&key), "no secrets");
    let found = support.submit(&page, "form[role=search]", &[("q", "OREA")]);
    assert_eq!(found.all("tbody th"), ["Borealis Books borealis-books"]);
    for nothing in ["%", "_", "\\", "zzz"] {
        let page = support.submit(&page, "form[role=search]", &[("q", nothing)]);
        assert!(page.says("No merchant found"), "{nothing}");
    }
}

#[test]
fn many_merchants_are_shown_page_by_page() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    vouch::db::in_scope(&mut conn, vouch::db::Scope::Installation, |conn| {
        diesel::sql_query(
            "insert into merchants (name, slug, currency) \
             select 'Shop', 'shop-' || n, 'USD' from generate_series(1, 60) n",
        )
        .execute(conn)
    })
    .unwrap();
    let support = app.support();
    let first = support.get("/support/merchants?q=shop-");
    assert_eq!(first.all("tbody tr").len(), 50);
    let next = support.get(&first.attribute("a[rel=next]", "href").unwrap());
    assert_eq!(next.all("tbody tr").len(), 10);
    let back = support.get(&next.attribute("a[rel=prev]", "href").unwrap());
    assert_eq!(back.all("tbody th"), first.all("tbody th"));
}
