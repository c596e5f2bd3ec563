//! What stores can do to a worker's memory: real processes, measured from outside. A bound here is of
//! all three platforms at once, each with its worker threads.

use std::fs;
use std::time::Duration;

use diesel::prelude::*;
use serde_json::json;
use vouch::features::code_syncs::{self, CodeSync};
use vouch::features::stores::Store;
use vouch::features::sync_notes::SyncStatus;
use vouch::kit::db::schema::pushes;
use vouch_platforms::Reason;

use super::cases::{bigcommerce_in, woocommerce_in};
use super::processes::Worker;
use super::{code, creating_in};
use crate::harness::TestApp;
use crate::harness::program::eventually_within;
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::shopify::Shop;
use crate::harness::stores::woocommerce::WooSite;
use crate::harness::stores::{Fault, MockStore};

/// More than this no answers of stores may cost, whatever their size: MiB.
const ANSWERS: u64 = 32;
/// More than this the comparison of 10,000 codes may not cost: MiB.
const COMPARISONS: u64 = 16;

/// A store of each platform, and the application that creates codes in all of them.
struct Stores {
    app: TestApp,
    shop: MockStore<Shop>,
    bc: MockStore<Bigcommerce>,
    site: MockStore<WooSite>,
    all: [Store; 3],
}

impl Stores {
    fn open() -> Self {
        let (shop, bc, site) = (MockStore::shopify(), Bigcommerce::start(), WooSite::start());
        {
            let mut shop = shop.store();
            (shop.maximum, shop.restore_rate) = (1e9, 1e9);
        }
        bc.store().requests_left = 1_000_000;
        let app = creating_in(&shop);
        let all = [super::store(&app), bigcommerce_in(&app, &bc), woocommerce_in(&app, &site)];
        Self { app, shop, bc, site, all }
    }

    /// The next creation of a code goes wrong in every store, then the next, and so on.
    fn spoil(&self, faults: &[Fault]) {
        for fault in faults {
            self.shop.once("discountCodeBasicCreate", fault.clone());
            self.bc.once("redemption_type", fault.clone());
            self.site.once("created by Vouch", fault.clone());
        }
    }

    /// How often every store has that code.
    fn count(&self, code: &str) -> [usize; 3] {
        let held = [self.shop.store().codes(), self.bc.store().codes(), self.site.store().codes()];
        held.map(|codes| codes.iter().filter(|held| held.eq_ignore_ascii_case(code)).count())
    }

    fn pushed(&self) -> i64 {
        let pushed = pushes::table.filter(pushes::status.eq("pushed")).count();
        self.app.within(|conn| pushed.get_result(conn))
    }

    /// How many stores' codes say that.
    fn saying(&self, reason: &Reason) -> i64 {
        let with = pushes::table.filter(pushes::details.eq(json!(reason))).count();
        self.app.within(|conn| with.get_result(conn))
    }

    /// Has every store compared, and waits until each read so many codes.
    fn compare(&self, read: i64) {
        for store in &self.all {
            self.app.within(|conn| code_syncs::ask(conn, &self.app.actor(), store));
        }
        let shown = |store| self.app.within(|conn| CodeSync::shown(conn, store));
        eventually_within(Duration::from_secs(120), "the comparison", || {
            self.all.iter().all(|store| shown(store).is_some_and(|run| run.read_count == read))
        });
    }
}

/// The most memory that a process ever had, in KiB.
fn peak(worker: &Worker) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", worker.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn assert_grew_little(worker: &Worker, before: u64, mebibytes: u64) {
    let grown = (peak(worker) - before).div_ceil(1024);
    eprintln!("grew by {grown} MiB from {} MiB", before / 1024);
    assert!(grown <= mebibytes, "grew by {grown} MiB from {} MiB", before / 1024);
}

#[test]
fn answers_without_end_packed_or_late_cost_little_memory_and_make_no_second_code() {
    let stores = Stores::open();
    let worker = Worker::start(&stores.app, "memory");
    code(&stores.app, "FIRST");
    eventually_within(Duration::from_secs(30), "a code that nothing spoils", || {
        stores.pushed() == 3
    });
    let before = peak(&worker);
    let late = Fault::Late(Duration::from_secs(11));
    stores.spoil(&[Fault::Huge, Fault::HugeInChunks, Fault::Bomb, late]);
    let values = ["HUGE", "CHUNKS", "BOMB", "LATE"];
    let ids = values.map(|value| code(&stores.app, value));
    eventually_within(Duration::from_secs(30), "giving up", || {
        stores.saying(&Reason::ResponseTooLarge) == 9
    });
    let owner = stores.app.owner();
    let said = owner.get(&format!("/triggers/{}", ids[2])).all("[data-status=queued] .push-reason");
    assert!(said.len() == 3 && said.iter().all(|said| said.contains("4 MiB")), "{said:?}");
    eventually_within(Duration::from_secs(30), "waiting", || stores.saying(&Reason::Timeout) == 3);
    eventually_within(Duration::from_secs(60), "the next tries", || stores.pushed() == 3 + 12);
    for value in values {
        assert_eq!(stores.count(value), [1, 1, 1], "{value}");
    }
    assert_eq!(stores.bc.store().promotions.len(), 5);
    assert_grew_little(&worker, before, ANSWERS);
}

#[test]
fn ten_thousand_codes_of_each_platform_are_compared_in_little_memory() {
    let stores = Stores::open();
    let worker = Worker::start(&stores.app, "code_syncs");
    stores.compare(0);
    let before = peak(&worker);
    let (mut shop, mut bc, mut site) =
        (stores.shop.store(), stores.bc.store(), stores.site.store());
    for n in 0..10_000_u32 {
        let code = format!("CODE{n:05}");
        shop.add_discount(&code, 0.1);
        bc.promotions.push(json!({
            "id": n + 1, "name": code, "redemption_type": "COUPON", "coupon_type": "SINGLE",
            "currency_code": "*", "status": "ENABLED", "can_be_used_with_other_promotions": false,
            "rules": [{ "action": { "cart_value": { "discount": { "percentage_amount": "10" } } },
                "apply_once": true }],
            "codes": { "id": n, "code": code, "max_uses": 0, "max_uses_per_customer": 0 },
        }));
        site.add_coupon(json!({
            "code": code, "discount_type": "percent", "amount": "10.00", "usage_limit_per_user": 1,
        }));
    }
    drop((shop, bc, site));
    stores.app.within(|conn| {
        diesel::sql_query(
            "INSERT INTO triggers (merchant_id, kind, value, key, look_alike, affiliate_id, created_at) \
             SELECT merchant_id, 'coupon_code', c, c, c, affiliate_id, created_at FROM triggers, \
                 (SELECT 'CODE' || lpad(n::text, 5, '0') AS c FROM generate_series(0, 9999) n) n",
        )
        .execute(conn)
    });
    stores.compare(10_000);
    for store in &stores.all {
        let shown = stores.app.within(|conn| CodeSync::shown(conn, store)).unwrap();
        assert_eq!(shown.count(SyncStatus::Both), 10_000, "{}", store.name);
        assert_eq!(shown.count(SyncStatus::VouchOnly), 1, "ADA10");
    }
    assert_grew_little(&worker, before, COMPARISONS);
}
