//! Manage > Conversions, the conversions of one affiliate, Manual Credit.

use chrono::{DateTime, TimeZone, Utc};
use diesel::prelude::*;
use vouch::kit::db::schema::{
    affiliate_daily_rollups, audit_log, conversions, daily_rollups, orders,
};

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// Orders with Ada's code, each credited with 9.00.
fn credited(app: &TestApp, ids: &[u64]) {
    for id in ids {
        let order = ShopifyOrder::new(*id, noon()).code("ADA10", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
}

fn statuses(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::status).load(conn)
    })
}

/// Conversions and commission in the figures of the day, which are those of the list.
fn rollups(app: &TestApp) -> (i64, i64) {
    app.within(|conn| {
        let days: Vec<(i64, i64)> = daily_rollups::table
            .select((daily_rollups::conversions, daily_rollups::commission_minor))
            .load(conn)?;
        let of_affiliates: Vec<(i64, i64)> = affiliate_daily_rollups::table
            .select((
                affiliate_daily_rollups::conversions,
                affiliate_daily_rollups::commission_minor,
            ))
            .load(conn)?;
        let sum = |rows: Vec<(i64, i64)>| {
            rows.into_iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
        };
        let (days, of_affiliates) = (sum(days), sum(of_affiliates));
        assert_eq!(days, of_affiliates);
        let credited: i64 = conversions::table
            .filter(conversions::status.eq_any(["pending", "approved"]))
            .count()
            .get_result(conn)?;
        assert_eq!(days.0, credited);
        Ok(days)
    })
}

#[test]
fn a_list_yields_what_its_filters_say() {
    let app = TestApp::start();
    credited(&app, &[1001, 1002]);
    let test = ShopifyOrder::new(1003, noon()).code("ADA10", "10.00").with("test", true.into());
    app.shopify("orders/create", &test.0);
    let viewer = app.viewer();
    let rows = |path: &str| viewer.get(path).all("#results tbody tr").len();
    assert_eq!(rows("/conversions"), 3);
    assert_eq!(rows("/conversions?status=credited&from=2026-06-01&to=2026-06-01"), 2);
    assert_eq!(rows("/conversions?status=unqualified"), 1);
    assert_eq!(rows("/conversions?status=credited&from=2026-06-02"), 0);
    assert_eq!(rows("/conversions?q=ada10"), 3);
    assert_eq!(rows("/conversions?q=1002"), 1);
    assert_eq!(rows("/conversions?q=Ada+Act"), 3);
    assert_eq!(rows(&format!("/conversions?affiliate={}", app.fixture.ben_id)), 0);
    assert_eq!(rows(&format!("/conversions?trigger={}", app.fixture.ada10_id)), 3);
    assert_eq!(rows(&format!("/affiliates/{}/conversions", app.fixture.ada_id)), 3);
    assert_eq!(rows(&format!("/affiliates/{}/conversions", app.fixture.ben_id)), 0);
    let page = viewer.get("/conversions?status=credited&q=ada10&from=2026-06-01");
    assert_eq!(page.all(".chip").len(), 3);
    let totals = page.one(".pages-shown");
    assert!(["2 ", "$18.00", "$180.00"].iter().all(|part| totals.contains(part)), "{totals}");
    assert!(!page.has("input[name=ids]"), "a viewer chooses nothing");
    let part = viewer.get_with("/conversions", &[("hx-request", "true")]);
    assert!(part.has("#results") && !part.has("main"));
}

#[test]
fn a_search_that_looks_at_a_part_says_so() {
    let app = TestApp::start();
    let crowd = |from: i64, to: i64| {
        let insert = format!(
            "insert into affiliates (merchant_id, public_id, name, email, email_key, status, \
                 offer_id) \
             select {}, 'crowd' || n, 'Crowd', n || '@a.example', n || '@a.example', 'active', {} \
             from generate_series({from}, {to}) n",
            app.fixture.merchant_id, app.fixture.offer_id
        );
        app.within(|conn| diesel::sql_query(insert).execute(conn))
    };
    crowd(1, 199);
    let viewer = app.viewer();
    let notice = "#search-cut";
    assert!(!viewer.get("/conversions?q=crowd").has(notice));
    crowd(200, 201);
    assert!(viewer.get("/conversions?q=crowd").has(notice));
    assert!(!viewer.get("/conversions?q=ada").has(notice));
    assert!(!viewer.get("/conversions").has(notice));
}

#[test]
fn a_download_holds_exactly_what_is_filtered() {
    let app = TestApp::start();
    credited(&app, &[1001, 1002]);
    let file = app.viewer().get("/conversions.csv?q=1001");
    assert_eq!(file.status, 200);
    assert_eq!(file.csv().lines().count(), 2, "{}", file.text());
    assert!(file.text().contains("Ada Active") && file.text().contains(",USD,90.00,9.00,"));
}

#[test]
fn conversions_are_approved_and_denied_together_and_that_can_be_undone() {
    let app = TestApp::start();
    credited(&app, &[1001, 1002, 1003]);
    assert_eq!(rollups(&app), (3, 2700));
    let admin = app.admin();
    let list = admin.get("/conversions");
    let ids: Vec<String> = app.within(|conn| {
        let ids: Vec<i64> = conversions::table.select(conversions::id).load(conn)?;
        Ok(ids.iter().map(ToString::to_string).collect())
    });
    let token = list.value_of("input[name=csrf]");
    let decide = |status: &str, ids: &[&str]| {
        let mut fields =
            vec![("csrf", token.as_str()), ("status", status), ("note", "Looked at it")];
        fields.extend(ids.iter().map(|id| ("ids", *id)));
        admin.post("/conversions/statuses", &fields)
    };
    assert_eq!(decide("approved", &[&ids[0], &ids[1]]).status, 303);
    assert_eq!(statuses(&app), ["approved", "approved", "pending"]);
    assert_eq!(rollups(&app), (3, 2700));

    let denied = decide("denied", &[&ids[1], &ids[2]]);
    assert_eq!(statuses(&app), ["approved", "denied", "denied"]);
    assert_eq!(rollups(&app), (1, 900));
    let page = admin.follow(&denied);
    let result = page.one("[role=status].tone-good");
    assert!(result.contains('2'), "{result}");

    let undone = admin.submit(&page, ".notice form", &[]);
    assert_eq!(undone.status, 303, "{}", undone.text());
    assert_eq!(statuses(&app), ["approved", "approved", "pending"]);
    assert_eq!(rollups(&app), (3, 2700));
    let recorded: Vec<Option<serde_json::Value>> = app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_kind.eq("conversion"))
            .order(audit_log::id)
            .select(audit_log::params)
            .load(conn)
    });
    assert_eq!(recorded.len(), 6);
    let first = recorded[0].as_ref().unwrap();
    assert_eq!((&first["review"], &first["note"]), (&"approved".into(), &"Looked at it".into()));
    assert_eq!(first["conversion"]["affiliate"], "Ada Active");
    assert_eq!(first["conversion"]["order"], "#1001");
    let undone: Vec<bool> =
        recorded.iter().flatten().map(|params| params["is_undo"] == true).collect();
    assert_eq!(undone, [false, false, false, false, true, true]);
}

#[test]
fn a_decision_of_a_member_outlasts_updates_of_the_order() {
    let app = TestApp::start();
    credited(&app, &[1001]);
    let admin = app.admin();
    let page = admin.get("/conversions");
    let order = page.attribute("tbody .name", "href").unwrap();
    let page = admin.get(&order);
    let ids = page.value_of(".decide input[name=ids]");
    let fields = [("ids", ids.as_str()), ("status", "denied"), ("back", order.as_str())];
    let denied = admin.post_signed("/conversions/statuses", &fields);
    assert_eq!(denied.location(), Some(order.as_str()));
    let later = noon() + chrono::Duration::hours(1);
    let update = ShopifyOrder::new(1001, noon()).code("ADA10", "10.00").updated_at(later);
    app.shopify("orders/updated", &update.0);
    assert_eq!(statuses(&app), ["denied"]);
    assert_eq!(rollups(&app), (0, 0));
}

#[test]
fn an_unqualified_conversion_is_overruled_and_left_to_the_rules_again() {
    let app = TestApp::start();
    let test = ShopifyOrder::new(1001, noon()).code("ADA10", "10.00").with("test", true.into());
    app.shopify("orders/create", &test.0);
    assert_eq!(statuses(&app), ["unqualified"]);
    let admin = app.admin();
    let order = admin.get("/conversions").attribute("tbody .name", "href").unwrap();
    let page = admin.get(&order);
    assert!(page.has(".credit[data-status=unqualified][data-reason=test_order]"));
    let answer = admin.submit(&page, ".decide", &[("note", "Our own shop test")]);
    assert_eq!(answer.status, 303);
    assert_eq!(statuses(&app), ["pending"]);
    assert_eq!(rollups(&app), (1, 900));
    let page = admin.follow(&answer);
    assert!(page.has(".credit[data-status=pending][data-overridden=test_order]"));
    admin.submit(&page, ".notice form", &[]);
    assert_eq!(statuses(&app), ["unqualified"]);
    assert_eq!(rollups(&app), (0, 0));
}

#[test]
fn who_may_not_decide_changes_nothing() {
    let app = TestApp::start();
    credited(&app, &[1001]);
    let id: i64 = app.within(|conn| conversions::table.select(conversions::id).first(conn));
    let id = id.to_string();
    let fields = [("ids", id.as_str()), ("status", "denied")];
    assert_eq!(app.viewer().post_signed("/conversions/statuses", &fields).status, 403);
    assert_eq!(app.admin().post("/conversions/statuses", &fields).status, 403);
    let stranger = app.stranger().post_signed("/conversions/statuses", &fields);
    assert_eq!(stranger.status, 303);
    let overruling = format!("/conversions/{id}/overruling");
    assert_eq!(app.stranger().post_signed(&overruling, &[]).status, 404);
    assert_eq!(app.admin().post_signed("/conversions/statuses", &[("status", "x")]).status, 400);
    assert_eq!(app.admin().post_signed("/conversions/changes/99999999/undo", &[]).status, 404);
    assert_eq!(statuses(&app), ["pending"]);
}

#[test]
fn an_amount_is_given_by_hand_with_a_reason_and_can_be_undone() {
    let app = TestApp::start();
    let admin = app.admin();
    let path = format!("/affiliates/{}/manual-credit", app.fixture.ben_id);
    let page = admin.get(&path);
    let form = "form[action$=amounts]";
    let refused = admin.submit(&page, form, &[("amount", "1,5"), ("note", " ")]);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.value_of("#f-amount"), "1,5");
    assert!(refused.has("#f-amount-error") && refused.has("#f-note-error"));

    let fields = [("amount", "-12.50"), ("note", "Fee for samples")];
    let given = admin.submit(&page, form, &fields);
    assert_eq!(given.status, 303, "{}", given.text());
    assert_eq!(rollups(&app), (1, -1250));
    let list = admin.follow(&given);
    let row = list.one("tbody tr");
    assert!(row.contains("Fee for samples") && row.contains("−$12.50"), "{row}");
    admin.submit(&list, ".notice form", &[]);
    assert_eq!(statuses(&app), ["denied"]);
    assert_eq!(rollups(&app), (0, 0));
    assert_eq!(app.viewer().post_signed(&format!("{path}/amounts"), &fields).status, 403);
    assert_eq!(app.stranger().get(&path).status, 404);
}

#[test]
fn the_same_form_sent_twice_gives_an_amount_once() {
    let app = TestApp::start();
    let admin = app.admin();
    let path = format!("/affiliates/{}/manual-credit", app.fixture.ben_id);
    let form = "form[action$=amounts]";
    let page = admin.get(&path);
    let fields = [("amount", "12.50"), ("note", "Bonus")];
    // One that comes back keeps its key.
    let refused = admin.submit(&page, form, &[("amount", "much"), ("note", "Bonus")]);
    assert_eq!(
        refused.value_of("form[action$=amounts] [name=one_time_key]"),
        page.value_of("form[action$=amounts] [name=one_time_key]")
    );
    let first = admin.submit(&refused, form, &fields);
    for page in [&refused, &page] {
        let again = admin.submit(page, form, &fields);
        assert_eq!((again.status, again.location()), (303, first.location()));
        assert!(admin.follow(&again).has(".notice"), "it says what became of it");
    }
    assert_eq!(rollups(&app), (1, 1250));
    // Another form is another amount; one without a key is none.
    assert_eq!(admin.submit(&admin.get(&path), form, &fields).status, 303);
    assert_eq!(rollups(&app), (2, 2500));
    let keyless = admin
        .post_signed(&format!("{path}/amounts"), &[&fields[..], &[("currency", "USD")]].concat());
    assert_eq!(keyless.status, 422);
    assert_eq!(keyless.value_of("#f-amount"), "12.50");
    assert_eq!(admin.submit(&keyless, form, &[]).status, 303);
    assert_eq!(rollups(&app), (3, 3750));
}

#[test]
fn the_same_form_sent_at_the_same_moment_credits_once() {
    let app = TestApp::start();
    app.shopify("orders/create", &ShopifyOrder::new(1001, noon()).0);
    let order_id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let path = format!("/affiliates/{}/manual-credit", app.fixture.ben_id);
    let admin = app.admin();
    let amount = ("form[action$=amounts]", admin.get(&path), vec![("amount", "5"), ("note", "x")]);
    let order =
        ("form[action$=orders]", admin.get(&format!("{path}?order={order_id}")), Vec::new());
    for ((form, page, fields), sum) in [(amount, (1, 500)), (order, (2, 1500))] {
        let locations: Vec<Option<String>> = std::thread::scope(|scope| {
            let all = (0..8).map(|_| {
                let (admin, page, fields) = (admin.clone(), &page, &fields);
                scope.spawn(move || {
                    let answer = admin.submit(page, form, fields);
                    assert_eq!(answer.status, 303, "{}", answer.text());
                    answer.location().map(str::to_owned)
                })
            });
            all.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(locations.iter().all(|one| *one == locations[0]), "{locations:?}");
        assert_eq!(rollups(&app), sum);
    }
}

#[test]
fn an_order_is_credited_by_hand_once_and_follows_its_refunds() {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1001, noon());
    app.shopify("orders/create", &order.0);
    credited(&app, &[1002]);
    let admin = app.admin();
    let path = format!("/affiliates/{}/manual-credit", app.fixture.ben_id);

    let found = admin.submit(&admin.get(&path), "form[method=get]", &[("order_q", "1001")]);
    let choice = found.attribute("#order tbody a", "href").unwrap();
    let page = admin.get(choice.split('#').next().unwrap());
    let preview = page.one(".preview .verdict");
    assert!(preview.contains("Ben Second") && preview.contains("$10.00"), "{preview}");
    assert_eq!(rollups(&app), (1, 900), "looking changes nothing");
    let done = admin.submit(&page, "form[action$=orders]", &[("note", "Told us by phone")]);
    assert_eq!(done.status, 303);
    assert_eq!(rollups(&app), (2, 1900));

    let page = admin.follow(&done);
    assert!(page.says("Told us by phone"));
    let refund = order.refund(1, 0, 1, "100.00", noon() + chrono::Duration::hours(1));
    app.shopify("refunds/create", &refund);
    assert_eq!(rollups(&app), (2, 900));
    admin.submit(&page, ".notice form", &[]);
    assert_eq!(rollups(&app), (1, 900));

    let found = admin.get(&format!("{path}?order_q=1002"));
    let choice = found.attribute("#order tbody a", "href").unwrap();
    let page = admin.get(choice.split('#').next().unwrap());
    assert!(page.one("#already-credited").contains("Ada Active"));
    assert!(!page.has("form[action$=orders]"));
    let id = choice.split("&order=").nth(1).unwrap().split('#').next().unwrap().to_owned();
    let refused = admin.post_signed(&format!("{path}/orders"), &[("order", &id)]);
    assert!(admin.follow(&refused).has("[role=status].tone-wait"));
    assert_eq!(rollups(&app), (1, 900));
}
