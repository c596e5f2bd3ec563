//! The affiliate's side: what is theirs, and nothing of anybody else.

pub(crate) mod further;
mod settings;
mod taken_back;

use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use vouch::app::routes::TABLE;
use vouch::features::affiliates::{self, OwnChange};
use vouch::features::auth::{self, Access};
use vouch::features::code_requests;
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::audit::{Actor, ActorKind};
use vouch::kit::db::schema::{conversions, orders, pushes};

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;
use crate::registration::verdict;

fn order(app: &TestApp, number: u64, code: &str) {
    let placed_at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let order = ShopifyOrder::new(number, placed_at).code(code, "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
}

/// Ben holds a code, too, and everything that is not Ada's has a canary in its name.
fn planted() -> TestApp {
    let app = TestApp::start();
    let actor = app.actor_at(crate::harness::then());
    let ben = app.fixture.ben_id;
    app.within(|conn| {
        triggers::create(conn, &actor, ben, TriggerKind::CouponCode, "CANARY10").unwrap();
        diesel::update(vouch::kit::db::schema::affiliates::table.find((actor.merchant_id, ben)))
            .set(vouch::kit::db::schema::affiliates::name.eq("Canary Ben"))
            .execute(conn)
    });
    further::allow(&app, true);
    let asking = Actor { kind: ActorKind::Affiliate, ..app.actor() };
    app.within(|conn| code_requests::ask(conn, &asking, ben, "CANARY-TEA"));
    app.within(|conn| {
        let own =
            OwnChange { name: "Canary Ben".into(), payout_details: "canary@pay.example".into() };
        affiliates::update_own(conn, &asking, ben, &own)
    });
    for (number, code) in [(1, "ADA10"), (2, "ADA10"), (3, "CANARY10")] {
        order(&app, number, code);
    }
    app.within(|conn| {
        diesel::update(orders::table)
            .set((
                orders::name.eq("#CANARY"),
                orders::customer_name.eq("Canary Shopper"),
                orders::customer_email.eq("canary@shopper.example"),
            ))
            .execute(conn)
    });
    app
}

#[test]
fn an_affiliate_sees_their_conversions_and_no_shopper() {
    let app = planted();
    let ada = app.affiliate();
    // Every page of the portal, and what they filter by.
    let table = TABLE.iter().filter(|row| row.method == "GET" && row.access == Access::Affiliate);
    let pages = table.map(|row| row.path).chain(["/portal/conversions?status=pending"]);
    let script = [("hx-request", "true")];
    for path in pages {
        // Typed by hand, the code of somebody else is taken, and that is all one learns.
        let page = match path {
            "/portal/code-requests/code" => ada.get_with(&format!("{path}?code=ADA10"), &script),
            path => ada.get(path),
        };
        assert_eq!(page.status, 200, "{path}");
        assert!(page.says("ADA10") || path == "/portal/settings", "{path}");
        let text = page.text().to_lowercase();
        assert!(!text.contains("canary"), "{path}: {text}");
        assert!(!text.contains("shopper@") && !text.contains("canary shopper"), "{path}: {text}");
    }
    let refused = further::ask(&ada, "CANARY-TEA");
    assert_eq!(verdict(&refused).as_deref(), Some("taken"));
    assert!(!refused.text().contains("Canary Ben") && !refused.text().contains("pay.example"));
    let page = ada.get("/portal/conversions");
    assert_eq!(page.all("tbody td[data-label='Credited for']"), ["ADA10", "ADA10"]);
    assert!(page.one(".pages-shown").contains("2 conversions"));
    assert_eq!(
        page.all("dl.figures .figure-note"),
        ["0 conversions", "2 conversions", "0 conversions"]
    );
}

#[test]
fn a_conversion_says_where_it_stands_and_why() {
    let app = planted();
    let ids: Vec<i64> = app.within(|conn| {
        conversions::table
            .filter(conversions::affiliate_id.eq(app.fixture.ada_id))
            .order(conversions::id)
            .select(conversions::id)
            .load(conn)
    });
    app.within(|conn| {
        diesel::update(conversions::table.filter(conversions::id.eq(ids[0])))
            .set(conversions::unqualified_reason.eq("own_purchase"))
            .execute(conn)?;
        // Through a shopper's address.
        diesel::update(conversions::table.filter(conversions::id.eq(ids[1])))
            .set((
                conversions::review.eq("denied"),
                conversions::reviewed_by.eq("Olga Owner"),
                conversions::reviewed_at.eq(crate::harness::then()),
                conversions::denial_reason.eq("terms"),
                conversions::via.eq("email"),
            ))
            .execute(conn)
    });
    let ada = app.affiliate();
    let page = ada.get("/portal/conversions");
    assert!(page.has("tbody [data-status=unqualified][data-reason=own_purchase]"));
    let codes = page.all("tbody td[data-label='Credited for']");
    assert!(codes.iter().all(|code| !code.contains('@')) && codes.len() == 2, "{codes:?}");
    let denied = ada.get("/portal/conversions?status=denied");
    assert_eq!(denied.all("tbody tr").len(), 1);
    assert!(
        ada.get("/portal/conversions?status=approved").has(".empty a[href='/portal/conversions']")
    );
}

#[test]
fn a_code_names_the_stores_that_have_it() {
    let app = TestApp::start();
    let now = crate::harness::then();
    app.within(|conn| {
        diesel::insert_into(pushes::table)
            .values((
                pushes::merchant_id.eq(app.fixture.merchant_id),
                pushes::trigger_id.eq(app.fixture.ada10_id),
                pushes::store_id.eq(app.fixture.store_id),
                pushes::status.eq("pushed"),
                pushes::created_at.eq(now),
            ))
            .execute(conn)
    });
    let page = app.affiliate().get("/portal");
    assert_eq!(page.all("tbody td[data-label='Works in']"), ["Acme Tea on Shopify"]);
}

#[test]
fn whoever_has_no_orders_yet_reads_what_will_stand_there() {
    let app = TestApp::start();
    let page = app.affiliate().get("/portal/conversions");
    assert!(page.has(".empty") && !page.has(".empty a"));
    assert_eq!(app.owner().get("/portal/conversions").status, 403);
}

#[test]
fn several_programs_under_one_address_are_switched_between_and_kept_apart() {
    let app = TestApp::start();
    let borealis = app.fixture.stranger_merchant_id;
    further::allow(&app, true);
    // Ada is an affiliate of both; in Borealis Books she holds a canary, beside the code of the same
    // name.
    app.within_merchant(borealis, |conn| {
        use vouch::kit::db::schema::affiliates::dsl;
        let actor = Actor::system(borealis, crate::harness::then());
        let ada = app.fixture.stranger_affiliate_id;
        triggers::create(conn, &actor, ada, TriggerKind::CouponCode, "CANARY10").unwrap();
        diesel::update(dsl::affiliates.find((borealis, ada)))
            .set((
                dsl::user_id.eq(app.fixture.ada_user_id),
                dsl::name.eq("Ada of Borealis"),
                dsl::payout_details.eq("Canary Bank"),
            ))
            .execute(conn)?;
        auth::count_membership(conn, app.fixture.ada_user_id, 1)
    });
    let ada = app.sign_in("ada@affiliates.example");
    let places = ada.get("/programs");
    assert_eq!(places.all(".place"), ["Acme Tea Affiliate", "Borealis Books Affiliate"]);
    let go = |name: &str| {
        let places = ada.get("/programs");
        let at = places.all(".place").iter().position(|place| place.starts_with(name)).unwrap();
        ada.submit(&places, &format!(".places li:nth-child({}) form", at + 1), &[])
    };
    let answer = go("Acme Tea");
    assert_eq!(answer.location(), Some("/portal"));
    for path in ["/portal", "/portal/conversions", "/portal/settings"] {
        let page = ada.get(path);
        assert!(
            page.has("a[href='/programs']") && page.one(".menu-merchant").ends_with("Acme Tea")
        );
        let text = page.text().to_lowercase();
        assert!(!text.contains("canary") && !text.contains("borealis"), "{path}: {text}");
    }
    let places = ada.get("/programs");
    assert!(places.one(".place[aria-current]").starts_with("Acme Tea"));
    // A form of the one program changes nothing of the other.
    let form = ada.get("/portal/settings");
    go("Borealis Books");
    let page = ada.get("/portal");
    assert!(page.says("CANARY10") && page.one(".menu-name").contains("Ada of Borealis"));
    assert!(!page.has("form[action='/portal/code-requests']"), "allowed by Acme Tea alone");
    assert!(ada.get("/portal/settings").says("Canary Bank"));
    let late = ada.submit(&form, "form[action='/portal/settings']", &[("name", "Ada of Acme")]);
    assert_eq!(late.status, 403, "it was opened in Acme Tea");
    assert!(app.stranger().get("/affiliates").says("Ada of Borealis"));
    go("Acme Tea");
    let form = ada.get("/portal/settings");
    ada.submit(&form, "form[action='/portal/settings']", &[("name", "Ada of Acme")]);
    assert!(app.owner().get("/affiliates").says("Ada of Acme"));
    assert!(app.stranger().get("/affiliates").says("Ada of Borealis"));
}
