//! Refunds, whose lines are read from the store.

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::ingest::replay;
use vouch::features::stores::Store;
use vouch::features::triggers::TriggerKind;
use vouch::kit::clock;
use vouch::kit::db::schema::{conversions, deliveries, jobs, orders, stores};

use super::{connect, connected, work};
use crate::attribution::{Pays, affiliate_on, code, offer, trigger_at};
use crate::harness::stores::woocommerce::{Permission, WooSite};
use crate::harness::stores::{Fault, MockStore, Reply};
use crate::harness::woocommerce::{WooOrder, WooRefund, gmt};
use crate::harness::{Page, TestApp, pseudonyms, then};

/// A shop that sells, and a program that reads its refunds.
struct Shop {
    app: TestApp,
    site: MockStore<WooSite>,
    store: Store,
    now: DateTime<Utc>,
}

impl Shop {
    fn open() -> Self {
        let (app, site) = (TestApp::start(), WooSite::start());
        connect(&app, &site);
        let store = connected(&app);
        // What a new store makes due comes first: its webhooks.
        work(&app, clock::now() + Duration::seconds(1));
        Self { app, site, store, now: clock::now().trunc_subsecs(0) }
    }

    /// A message of the shop, signed with the secret that was made with its webhooks.
    fn tell(&self, topic: &str, body: &Value) {
        let secret = self.site.store().webhooks[0]["secret"].as_str().unwrap().to_owned();
        let bytes = serde_json::to_vec(body).unwrap();
        let delivery = format!("{:032x}", rand::random::<u128>());
        let signature = crate::harness::shopify::sign(&secret, &bytes);
        let sent = self.app.woocommerce_raw(&self.store, topic, &delivery, &bytes, &signature);
        assert_eq!(sent.status, 200, "{}", sent.text());
    }

    fn sell(&self, order: &WooOrder) {
        self.site.store().orders.push(order.0.clone());
        self.tell("order.created", &order.0);
    }

    fn order(&self) -> WooOrder {
        WooOrder::new(1, self.now).without_lines()
    }

    /// The shop gives back and tells so; nothing is read yet.
    fn refund(&self, refund: &WooRefund) {
        let at = self.now + Duration::seconds(2);
        let order = self.site.store().refund(1, refund, at);
        self.tell("order.updated", &order);
    }

    /// Does what is due so many seconds later.
    fn work(&self, seconds: i64) {
        work(&self.app, clock::now() + Duration::seconds(seconds));
    }

    /// What each affiliate has of the order.
    fn earned(&self) -> Vec<(i64, i64)> {
        self.app.within(|conn| {
            conversions::table
                .order(conversions::affiliate_id)
                .select((conversions::affiliate_id, conversions::commission_minor))
                .load(conn)
        })
    }

    fn ada(&self) -> i64 {
        let earned = self.earned();
        let of_ada = earned.iter().find(|(id, _)| *id == self.app.fixture.ada_id);
        of_ada.map_or(0, |(_, minor)| *minor)
    }

    /// The rows of what is still to be read: whether it is due, attempts and problem.
    fn reads(&self) -> Vec<(bool, i32, Option<String>)> {
        self.app.within(|conn| {
            jobs::table
                .filter(jobs::kind.eq("refunds"))
                .select((jobs::dead_at.is_null(), jobs::attempts, jobs::reason))
                .load(conn)
        })
    }

    fn page(&self) -> Page {
        let id: i64 = self.app.within(|conn| orders::table.select(orders::id).first(conn));
        self.app.owner().get(&format!("/orders/{id}"))
    }

    /// What the order's page says of the reading; none once it is done.
    fn shown(&self) -> Option<String> {
        self.page().attribute("[data-refund-details]", "data-refund-details")
    }
}

#[test]
fn a_refund_of_another_line_leaves_a_royalty_alone() {
    let shop = Shop::open();
    let ben = shop.app.fixture.ben_id;
    trigger_at(&shop.app, ben, TriggerKind::Sku, "BOWL", then());
    shop.sell(&shop.order().line("BOWL", 1, 1_250, 0).line("MUG", 1, 10_000, 0).named("ADA10"));
    let ada = shop.app.fixture.ada_id;
    assert_eq!(shop.earned(), [(ada, 1_125), (ben, 125)]);
    shop.refund(&WooRefund::new(21).line(2, 1, 10_000, 0));
    assert_eq!(shop.shown().as_deref(), Some("reading"));
    assert!(shop.earned()[1].1 < 125, "spread until its lines are known");
    shop.work(1);
    assert_eq!(shop.earned(), [(ada, 125), (ben, 125)]);
    assert_eq!((shop.shown(), shop.reads()), (None, vec![]));
}

#[test]
fn a_refund_of_shipping_takes_no_commission_on_goods() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 2_000).shipping(1_000, 200).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(1_000, 200));
    assert_eq!(shop.ada(), 900, "spread, without its tax");
    shop.work(1);
    assert_eq!(shop.ada(), 1_000);
    // Nor does one of a fee.
    shop.refund(&WooRefund::new(22).fee(1_000, 200));
    shop.work(2);
    assert_eq!(shop.ada(), 1_000);
}

#[test]
fn a_refund_of_what_earns_nothing_leaves_the_rest() {
    let shop = Shop::open();
    let pays = Pays { excluded: vec!["GIFT"], ..Pays::percent(1_000) };
    let cleo = affiliate_on(&shop.app, offer(&shop.app, "But gifts", &pays), "Cleo");
    code(&shop.app, cleo, "CLEO");
    shop.sell(&shop.order().line("MUG", 1, 5_000, 0).line("GIFT", 1, 5_000, 0).named("CLEO"));
    assert_eq!(shop.earned(), [(cleo, 500)]);
    shop.refund(&WooRefund::new(21).line(2, 1, 5_000, 0));
    shop.work(1);
    assert_eq!(shop.earned(), [(cleo, 500)]);
}

#[test]
fn a_flat_amount_per_item_shrinks_with_what_came_back() {
    let shop = Shop::open();
    let pays = Pays::flat("flat_per_item", 150, "USD");
    let cleo = affiliate_on(&shop.app, offer(&shop.app, "Per item", &pays), "Cleo");
    code(&shop.app, cleo, "CLEO");
    shop.sell(&shop.order().line("MUG", 3, 6_000, 0).named("CLEO"));
    assert_eq!(shop.earned(), [(cleo, 450)]);
    shop.refund(&WooRefund::new(21).line(1, 1, 2_000, 0));
    shop.work(1);
    assert_eq!(shop.earned(), [(cleo, 300)]);
    // Money alone leaves the items.
    shop.refund(&WooRefund::new(22).line(1, 0, 500, 0));
    shop.work(2);
    assert_eq!(shop.earned(), [(cleo, 300)]);
}

#[test]
fn a_refund_without_its_tax_is_not_without_tax() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 2, 10_000, 2_000).named("ADA10"));
    shop.refund(&WooRefund::new(21).money(6_000));
    assert_eq!(shop.ada(), 500, "by the order's own tax");
    shop.work(1);
    assert_eq!(shop.ada(), 500, "the store knows no more of it");
    assert_eq!(shop.reads(), []);
    let shop = Shop::open();
    shop.site.store().tells_refund_tax = true;
    shop.sell(&shop.order().line("MUG", 2, 10_000, 2_000).named("ADA10"));
    shop.refund(&WooRefund::new(21).line(1, 1, 5_000, 1_000));
    assert_eq!(shop.ada(), 500);
    shop.work(1);
    assert_eq!(shop.ada(), 500);
}

#[test]
fn a_refund_that_was_deleted_gives_back_although_the_orders_time_stands_still() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).line(1, 0, 4_000, 0));
    shop.work(1);
    assert_eq!(shop.ada(), 600);
    let order = shop.site.store().delete_refund(1, 21);
    shop.tell("order.updated", &order);
    assert_eq!(shop.ada(), 1_000);
    // Also before its lines were read.
    shop.refund(&WooRefund::new(22).line(1, 0, 4_000, 0));
    let order = shop.site.store().delete_refund(1, 22);
    shop.tell("order.updated", &order);
    assert_eq!((shop.ada(), shop.reads()), (1_000, vec![]));
}

#[test]
fn many_refunds_are_read_page_by_page_and_each_counts_once() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 60, 60_000, 0).line("BOWL", 1, 40_000, 0).named("ADA10"));
    for id in 101..=160 {
        shop.refund(&WooRefund::new(id).line(1, 1, 1_000, 0));
    }
    shop.work(1);
    assert_eq!(shop.ada(), 4_000);
    assert_eq!(shop.site.count("/refunds"), 3, "60 refunds, 25 at once");
    shop.work(600);
    assert_eq!(shop.site.count("/refunds"), 3, "nothing is read again");
    // A message that says nothing new of the refunds makes no work either.
    let order = shop.site.store().orders[0].clone();
    shop.tell("order.updated", &order);
    shop.work(601);
    assert_eq!(shop.site.count("/refunds"), 3);
}

#[test]
fn what_goes_wrong_is_tried_again_and_shown() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 5_000, 0).line("BOWL", 1, 5_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    let faults = [Fault::status(503), Fault::html(), Fault::Truncated, Fault::Lost];
    for (at, fault) in (0_i32..).zip(faults) {
        shop.site.once("/refunds", fault.clone());
        shop.work(i64::from(at) * 4_000 + 1);
        let problem = Some("no_answer".to_owned());
        assert_eq!(shop.reads(), [(true, at + 1, problem)], "{fault:?}");
        assert_eq!(shop.shown().as_deref(), Some("retrying"));
        assert_eq!(shop.ada(), 500, "it stays spread");
    }
    shop.work(40_000);
    assert_eq!((shop.ada(), shop.shown()), (1_000, None));
}

#[test]
fn an_order_that_the_store_no_longer_has_is_not_asked_for_again() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    shop.site.store().orders.clear();
    shop.work(1);
    assert_eq!(shop.reads(), [(false, 1, Some("refused".to_owned()))]);
    assert_eq!((shop.ada(), shop.shown().as_deref()), (500, Some("failed")));
    let calls = shop.site.count("/refunds");
    shop.work(90_000);
    assert_eq!(shop.site.count("/refunds"), calls);
}

#[test]
fn a_member_has_refunds_read_again_that_could_not_be_read() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    let orders = std::mem::take(&mut shop.site.store().orders);
    shop.work(1);
    assert_eq!((shop.ada(), shop.shown().as_deref()), (500, Some("failed")));
    let retry = "form[action$='/refund-reads']";
    let path = shop.page().attribute(retry, "action").unwrap();
    let viewer = shop.app.viewer();
    assert!(!viewer.get(path.trim_end_matches("/refund-reads")).has(retry));
    assert_eq!(viewer.post_signed(&path, &[]).status, 403);
    assert_eq!(shop.app.owner().post_signed("/orders/999/refund-reads", &[]).status, 404);
    shop.site.store().orders = orders;
    let done = shop.app.owner().post_signed(&path, &[]);
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(shop.shown().as_deref(), Some("reading"));
    shop.work(2);
    assert_eq!((shop.ada(), shop.shown()), (1_000, None));
    assert_eq!(shop.app.owner().post_signed(&path, &[]).status, 303, "once more does nothing");
    assert_eq!(shop.reads(), []);
}

#[test]
fn a_refund_that_the_store_does_not_list_stays_spread() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    shop.site.store().refunds.clear();
    for at in 0..8 {
        shop.work(at * 4_000 + 1);
    }
    assert_eq!(shop.site.count("/refunds"), 5);
    assert_eq!(shop.reads(), [(false, 5, Some("not_listed".to_owned()))]);
    assert_eq!((shop.ada(), shop.shown().as_deref()), (500, Some("failed")));
}

#[test]
fn an_answer_that_makes_no_sense_is_kept_with_its_reason() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).line(1, 1, 5_000, 0));
    shop.site.store().refunds[0]["line_items"][0]["total"] = json!("a lot");
    shop.work(1);
    assert_eq!(shop.reads(), [(false, 1, Some("unreadable".to_owned()))]);
    assert_eq!((shop.ada(), shop.shown().as_deref()), (500, Some("failed")));
    let failed: i64 = shop.app.within(|conn| {
        deliveries::table.filter(deliveries::outcome.eq("failed")).count().get_result(conn)
    });
    assert_eq!(failed, 1);
}

#[test]
fn a_key_that_is_refused_stops_the_store_and_a_new_one_goes_on() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    shop.site.store().permission = Permission::None;
    shop.work(1);
    assert_eq!(shop.reads(), [(true, 0, Some("access_denied".to_owned()))]);
    assert_eq!(shop.shown().as_deref(), Some("no-access"));
    let calls = shop.site.count("/refunds");
    shop.work(4_000);
    assert_eq!(shop.site.count("/refunds"), calls, "it rests");
    shop.site.store().permission = Permission::ReadWrite;
    let path = format!("/settings/woocommerce/{}/access", shop.store.id);
    assert_eq!(shop.app.owner().post_signed(&path, &[]).status, 303);
    shop.work(4_001);
    assert_eq!((shop.ada(), shop.shown()), (1_000, None));
}

#[test]
fn a_store_that_asks_for_a_pause_gets_it() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    let limited = Reply { status: 429, headers: Vec::new(), body: String::new() };
    shop.site.once("/refunds", Fault::Instead(limited.header("retry-after", "30")));
    shop.work(1);
    shop.work(20);
    assert_eq!((shop.site.count("/refunds"), shop.ada()), (1, 500));
    shop.work(40);
    assert_eq!((shop.site.count("/refunds"), shop.ada()), (2, 1_000));
}

#[test]
fn a_store_without_credentials_keeps_its_refunds_spread() {
    let app = TestApp::start();
    let store = app.connect_woocommerce("shop.acme.example");
    let now = clock::now().trunc_subsecs(0);
    let mut order = WooOrder::new(1, now).without_lines().line("MUG", 1, 10_000, 0).named("ADA10");
    order.0["refunds"] = json!([WooRefund::new(21).shipping(5_000, 0).outline(false)]);
    assert_eq!(app.woocommerce(&store, "order.updated", &order.0).status, 200);
    work(&app, now + Duration::hours(1));
    assert_eq!(super::commissions(&app), [500]);
    let id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let page = app.owner().get(&format!("/orders/{id}"));
    let shown = page.attribute("[data-refund-details]", "data-refund-details");
    assert_eq!(shown.as_deref(), Some("no-access"));
}

#[test]
fn the_catch_up_brings_refunds_with_their_lines() {
    let shop = Shop::open();
    let order = shop.order().line("MUG", 1, 5_000, 0).line("BOWL", 1, 5_000, 0).named("ADA10");
    shop.site.store().orders.push(order.0);
    shop.site.store().refund(1, &WooRefund::new(21).shipping(5_000, 0), shop.now);
    shop.work(1_200);
    shop.work(1_201);
    assert_eq!((shop.ada(), shop.reads()), (1_000, vec![]));
}

#[test]
fn a_replay_of_what_was_read_changes_nothing() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 2, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).line(1, 1, 5_000, 0));
    shop.work(1);
    let mut order = shop.site.store().delete_refund(1, 21);
    order["date_modified_gmt"] = json!(gmt(shop.now + Duration::seconds(9)));
    shop.tell("order.updated", &order);
    assert_eq!(shop.ada(), 1_000);
    let ids: Vec<i64> = shop.app.within(|conn| {
        deliveries::table
            .filter(deliveries::topic.eq("order.refunds"))
            .select(deliveries::id)
            .load(conn)
    });
    assert_eq!(ids.len(), 1);
    let actor = shop.app.actor();
    shop.app.within(|conn| Ok(replay(conn, &actor, &pseudonyms(), ids[0]).unwrap()));
    assert_eq!(shop.ada(), 1_000, "the refund is gone, whatever its lines were");
}

#[test]
fn a_refund_told_while_others_are_read_is_read_too() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(2_000, 0));
    // Between the question and the answer another refund is told.
    shop.site.once("/refunds", Fault::Late(std::time::Duration::from_millis(1_500)));
    std::thread::scope(|scope| {
        scope.spawn(|| work(&shop.app, clock::now()));
        std::thread::sleep(std::time::Duration::from_millis(500));
        let mut order = shop.site.store().orders[0].clone();
        let outline = WooRefund::new(22).shipping(3_000, 0).outline(false);
        order["refunds"].as_array_mut().unwrap().push(outline);
        order["date_modified_gmt"] = json!(gmt(shop.now + Duration::seconds(9)));
        shop.tell("order.updated", &order);
    });
    assert_eq!(shop.reads().len(), 1, "the second is still to be read");
    let refund = WooRefund::new(22).shipping(3_000, 0);
    shop.site.store().refund(1, &refund, shop.now + Duration::seconds(9));
    shop.work(60);
    assert_eq!((shop.ada(), shop.reads()), (1_000, vec![]));
}

#[test]
fn a_store_that_was_disconnected_says_so_on_the_order() {
    let shop = Shop::open();
    shop.sell(&shop.order().line("MUG", 1, 10_000, 0).named("ADA10"));
    shop.refund(&WooRefund::new(21).shipping(5_000, 0));
    shop.app.within(|conn| {
        diesel::update(stores::table.filter(stores::id.eq(shop.store.id)))
            .set(stores::disconnected_at.eq(Some(clock::now())))
            .execute(conn)
    });
    shop.work(1);
    assert_eq!((shop.ada(), shop.shown().as_deref()), (500, Some("no-access")));
}
