//! The merchant's totals take an order once, though a royalty stands beside its winner.

use vouch::features::conversions::{self as acts, DenialReason, NewReview};
use vouch::features::rollups;
use vouch::kit::db::schema::{affiliate_daily_rollups, daily_rollups};

use super::*;

/// Ada's code on an order of $30.00 and a mug of $10.00, on which Ben has a royalty.
fn sold() -> (TestApp, i64, i64) {
    let app = TestApp::start();
    let ben = app.fixture.ben_id;
    trigger_at(&app, ben, TriggerKind::Sku, "MUG", then());
    send(&app, &mugs());
    let ada = app.fixture.ada_id;
    (app, ada, ben)
}

fn mugs() -> ShopifyOrder {
    order(1).without_lines().line("LEAVES", 1, "30.00").line("MUG", 1, "10.00").code("ADA10", "0")
}

/// Conversions, revenue, refunds and commission of the merchant's days.
fn merchants_day(app: &TestApp) -> (i64, i64, i64, i64) {
    let rows: Vec<(i64, i64, i64, i64)> = app.within(|conn| {
        daily_rollups::table
            .select((
                daily_rollups::conversions,
                daily_rollups::revenue_minor,
                daily_rollups::refunded_minor,
                daily_rollups::commission_minor,
            ))
            .load(conn)
    });
    rows.into_iter()
        .fold((0, 0, 0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1, sum.2 + row.2, sum.3 + row.3))
}

fn revenue_of(app: &TestApp, affiliate_id: i64) -> i64 {
    let rows: Vec<i64> = app.within(|conn| {
        affiliate_daily_rollups::table
            .filter(affiliate_daily_rollups::affiliate_id.eq(affiliate_id))
            .select(affiliate_daily_rollups::revenue_minor)
            .load(conn)
    });
    rows.iter().sum()
}

fn review(app: &TestApp, affiliate_id: i64, review: NewReview<'_>) {
    let id: i64 = app.within(|conn| {
        conversions::table
            .filter(conversions::affiliate_id.eq(affiliate_id))
            .select(conversions::id)
            .first(conn)
    });
    let actor = app.actor_at(noon() + hours(5));
    app.within(|conn| acts::review(conn, &actor, &[id], &review));
}

const DENY: NewReview<'static> = NewReview::Deny { reason: DenialReason::Other, note: "" };
const APPROVE: NewReview<'static> = NewReview::Approve { note: "" };

#[test]
fn a_line_with_a_royalty_is_in_the_revenue_once() {
    let (app, ada, ben) = sold();
    assert_eq!(earned(&app, &mugs()), [(ada, 400), (ben, 100)]);
    assert_eq!(merchants_day(&app), (2, 4000, 0, 500));
    assert_eq!((revenue_of(&app, ada), revenue_of(&app, ben)), (4000, 1000));

    let viewer = app.viewer();
    let day = "from=2026-06-01&to=2026-06-01";
    let dashboard = viewer.get(&format!("/dashboard?period=custom&{day}"));
    assert!(dashboard.all(".figure .figure-value").contains(&"$40.00".to_owned()));
    for list in [format!("/conversions?status=credited&{day}"), "/conversions".to_owned()] {
        let shown = viewer.get(&list).one(".pages-shown");
        assert!(shown.contains("$40.00") && !shown.contains("$50.00"), "{list}: {shown}");
    }
    let of_ben = viewer.get(&format!("/affiliates/{ben}/conversions")).one(".pages-shown");
    assert!(of_ben.contains("$10.00"), "{of_ben}");
}

#[test]
fn refunds_of_such_a_line_are_counted_once_too() {
    let (app, ..) = sold();
    send(&app, &mugs().refunded(7, 1, 0, "4.00", noon() + hours(1)));
    assert_eq!(merchants_day(&app), (2, 3600, 400, 420));
}

#[test]
fn a_royalty_alone_counts_for_itself() {
    let (app, ada, ben) = sold();
    review(&app, ada, DENY);
    assert_eq!(merchants_day(&app), (1, 1000, 0, 100));
    review(&app, ada, APPROVE);
    assert_eq!(merchants_day(&app), (2, 4000, 0, 500));
    review(&app, ben, DENY);
    assert_eq!(merchants_day(&app), (1, 4000, 0, 400));
    // The code goes off the order: the royalty is left.
    review(&app, ben, APPROVE);
    let plain = order(1).without_lines().line("LEAVES", 1, "30.00").line("MUG", 1, "10.00");
    send(&app, &plain.updated_at(noon() + hours(1)));
    assert_eq!(merchants_day(&app), (1, 1000, 0, 100));
}

#[test]
fn a_line_that_the_winners_offer_leaves_out_is_the_royaltys_alone() {
    let app = TestApp::start();
    let pays = Pays { excluded: vec!["MUG"], ..Pays::percent(1000) };
    let on_goods = offer(&app, "Goods", &pays);
    let carla = affiliate_on(&app, on_goods, "Carla");
    code(&app, carla, "CARLA10");
    trigger_at(&app, app.fixture.ben_id, TriggerKind::Sku, "MUG", then());
    let order = order(1).without_lines().line("LEAVES", 1, "30.00").line("MUG", 1, "10.00");
    send(&app, &order.code("CARLA10", "0"));
    assert_eq!(merchants_day(&app), (2, 4000, 0, 400));
}

#[test]
fn a_recount_finds_what_is_kept() {
    let (app, ada, _) = sold();
    send(&app, &mugs().refunded(7, 1, 0, "4.00", noon() + hours(1)));
    send(&app, &order(2).code("ADA10", "10.00"));
    review(&app, ada, DENY);
    let kept = merchants_day(&app);
    app.within(|conn| {
        diesel::update(daily_rollups::table).set(daily_rollups::revenue_minor.eq(7)).execute(conn)
    });
    app.within(|conn| rollups::recount(conn, app.fixture.merchant_id));
    assert_eq!(merchants_day(&app), kept);
}
