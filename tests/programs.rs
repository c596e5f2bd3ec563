//! The places of affiliates and of support staff.

use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use vouch::features::auth::{self, Person};
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{members, stores, trigger_owners, triggers};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::session::Role;

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;
use crate::registration::link_to;

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
    assert!(page.has(".empty") && !page.text().contains("ADA10"));
}

#[test]
fn codes_of_other_kinds_stay_out_and_retired_ones_say_so() {
    let app = TestApp::start();
    app.within(|conn| {
        diesel::update(triggers::table)
            .set(triggers::retired_at.eq(vouch::kit::clock::now()))
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
            "insert into triggers (merchant_id, kind, value, key, look_alike, affiliate_id) \
             select {}, 'coupon_code', 'CODE' || n, 'CODE' || n, 'C0DE' || n, {} from generate_series(1, 60) n",
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
fn a_place_that_is_gained_or_lost_elsewhere_shows_on_the_next_page() {
    const SWITCH: &str = ".menu-person a[href='/programs']";
    let app = TestApp::start();
    let (owner, ada, stranger) = (app.owner(), app.affiliate(), app.stranger());
    assert!(!owner.get("/dashboard").has(SWITCH) && !ada.get("/portal").has(SWITCH));
    for user_id in [app.fixture.owner_id, app.fixture.ada_user_id] {
        let actor = Actor::system(app.fixture.stranger_merchant_id, vouch::kit::clock::now());
        app.within_merchant(actor.merchant_id, |conn| {
            auth::join(conn, &actor, user_id, Role::Viewer)
        });
    }
    assert!(owner.get("/dashboard").has(SWITCH) && ada.get("/portal").has(SWITCH));
    assert!(ada.get("/account/two-factor").has(SWITCH));
    for user_id in [app.fixture.owner_id, app.fixture.ada_user_id] {
        let removal = format!("/settings/team/members/{user_id}/removal");
        assert_eq!(stranger.post_signed(&removal, &[]).status, 303);
    }
    assert!(!owner.get("/dashboard").has(SWITCH) && !ada.get("/portal").has(SWITCH));
    // An account as an affiliate counts as one made by an invitation does.
    let invitation = format!("/affiliates/{}/invitation", app.fixture.stranger_affiliate_id);
    assert_eq!(stranger.post_signed(&invitation, &[]).status, 303);
    let (link, elsewhere) = (link_to(&app, "ada@affiliates.example"), app.anonymous());
    assert_eq!(elsewhere.submit(&elsewhere.get(&link), "main form", &[]).status, 303);
    assert!(ada.get("/portal").has(SWITCH));
    let (counted, held) = workspaces_of(&app, app.fixture.ada_user_id);
    assert_eq!((counted, held), (2, 2));
}

/// How many places a person has as it was counted, and as they are.
fn workspaces_of(app: &TestApp, user_id: i64) -> (i32, usize) {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Person(user_id), |conn| {
        let person = Person::find(conn, user_id)?;
        QueryResult::Ok((person.memberships, auth::workspaces_of(conn, &person)?.len()))
    })
    .unwrap()
}

#[test]
fn the_pages_of_ones_account_stand_in_the_menu_of_the_place_one_is_at() {
    let app = TestApp::start();
    let pages = ["/account/password", "/account/two-factor", "/account/sessions"];
    let ada = app.affiliate();
    for path in pages {
        let page = ada.get(path);
        assert_eq!(page.all(".menu-nav a"), ["My Codes", "Conversions", "Settings"], "{path}");
        assert_eq!(page.one(".menu-nav [aria-current]"), "Settings");
        assert_eq!(page.one(".crumbs"), "Settings");
        assert!(page.one(".menu-merchant").ends_with("Acme Tea") && !page.has(".local"));
        let page = app.viewer().get(path);
        assert!(page.has(".menu-nav a[href='/affiliates']"), "{path}");
        assert_eq!(page.all(".local a"), ["Password", "Two-factor sign-in", "Devices"]);
        assert_eq!(page.attribute(".local [aria-current]", "href").as_deref(), Some(path));
        let page = app.support().get(path);
        let support = ["merchants", "users", "emails", "jobs"];
        let support = support.map(|page| format!("/support/{page}"));
        assert_eq!(page.values(".menu-nav a", "href"), support, "{path}");
    }
    // Menus whose pages do not open before two-factor sign-in are not shown.
    let viewer = app.viewer();
    app.within(|conn| vouch::features::team::require_two_factor(conn, &app.actor(), true));
    let page = viewer.get("/account/two-factor");
    assert!(!page.has(".menu-nav") && page.has("form[action='/logout']"), "{}", page.text());
    // A place that is no more leaves the account alone.
    app.within(|conn| {
        diesel::delete(members::table.filter(members::role.eq(Role::Viewer))).execute(conn)
    });
    assert_eq!(viewer.get("/account/two-factor").status, 200);
}

#[test]
fn support_staff_find_merchants_and_see_how_they_fare() {
    let app = TestApp::start();
    app.shopify("orders/create", &order(1, "ADA10").0);
    app.shopify("orders/create", &serde_json::json!({ "id": "no order" }));
    let support = app.support();
    let page = support.get("/support/merchants");
    assert_eq!(page.all("tbody th"), ["Acme Tea acme-tea", "Borealis Books borealis-books"]);
    assert_eq!(page.all("tbody tr:first-child td"), ["3", "1", "1", "Jun 1, 2026, 12:00 PM"]);
    assert_eq!(page.all("tbody tr:last-child td"), ["1", "0", "0", "None yet"]);
    let key: String = app.within(|conn| stores::table.select(stores::store_key).first(conn));
    assert!(!page.text().contains(&key), "no secrets");
    let found = support.submit(&page, "form[role=search]", &[("q", "OREA")]);
    assert_eq!(found.all("tbody th"), ["Borealis Books borealis-books"]);
    for nothing in ["%", "_", "\\", "zzz"] {
        let page = support.submit(&page, "form[role=search]", &[("q", nothing)]);
        assert!(page.has(".empty a[href='/support/merchants']"), "{nothing}");
    }
}

#[test]
fn many_merchants_are_shown_page_by_page() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    vouch::kit::db::in_scope(&mut conn, vouch::kit::db::Scope::Instance, |conn| {
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

#[test]
fn pages_answer_at_the_paths_they_had_before() {
    let app = TestApp::start();
    let owner = app.owner();
    let store = app.within(|conn| stores::table.select(stores::id).first::<i64>(conn));
    let sync = format!("/settings/stores/{store}");
    let paths = [
        ("/places".to_owned(), "/programs".to_owned()),
        (format!("{sync}/comparison"), format!("{sync}/code-sync")),
        (format!("{sync}/catch-ups"), format!("{sync}/backfills")),
    ];
    for (old, new) in paths {
        let (before, now) = (owner.get(&old), owner.get(&new));
        assert_eq!((before.status, now.status), (200, 200), "{old}");
        assert_eq!(before.one("h1"), now.one("h1"), "{old}");
    }
}
