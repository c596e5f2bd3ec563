//! Real worker processes, one of which is killed.

use std::collections::HashSet;
use std::process::{Child, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use vouch::features::stores::jobs::PUSH;
use vouch::kit::clock;
use vouch::kit::db::schema::pushes;
use vouch::kit::jobs::{Queue, enqueue};

use super::creating_in;
use crate::harness::TestApp;
use crate::harness::program::{DataFolder, eventually_within, vouch};
use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::Shop;

const CODES: usize = 2_000;

/// `vouch serve --workers-only`; killed when it goes, as by a power cut.
pub(super) struct Worker {
    child: Child,
    _folder: DataFolder,
}

impl Worker {
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn start(app: &TestApp, name: &str) -> Self {
        let folder = DataFolder::new(&format!("worker-{name}"));
        let child = vouch(&app.database_url, &folder, &["serve", "--workers-only"])
            .env("VOUCH_LOCAL_STORES", "1")
            .env("VOUCH_PUBLIC_URL", "http://127.0.0.1:8080")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, _folder: folder }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// As if somebody had just created so many codes.
fn queue(app: &TestApp) {
    let (merchant_id, store_id, ada) =
        (app.fixture.merchant_id, app.fixture.store_id, app.fixture.ada_id);
    app.within(|conn| {
        sql_query(format!(
            "WITH made AS (INSERT INTO triggers \
                 (merchant_id, kind, value, key, look_alike, affiliate_id, created_at) \
             SELECT {merchant_id}, 'coupon_code', 'BULK' || n, 'BULK' || n, 'BU1K' || n, {ada}, now() \
             FROM generate_series(1, {CODES}) n RETURNING id) \
             INSERT INTO pushes (merchant_id, trigger_id, store_id, status, created_at) \
             SELECT {merchant_id}, id, {store_id}, 'queued', now() FROM made"
        ))
        .execute(conn)?;
        let ids: Vec<i64> = pushes::table.select(pushes::id).load(conn)?;
        let keys: Vec<String> = ids.iter().map(i64::to_string).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let queue = Queue { merchant_id, kind: PUSH, store_id: Some(store_id) };
        enqueue(conn, &queue, &keys, clock::now())
    });
}

fn pushed(app: &TestApp) -> i64 {
    app.within(|conn| pushes::table.filter(pushes::status.eq("pushed")).count().get_result(conn))
}

fn generous() -> MockStore<Shop> {
    let shop = MockStore::shopify();
    {
        let mut store = shop.store();
        (store.maximum, store.restore_rate) = (1e9, 1e9);
    }
    shop
}

#[test]
fn two_processes_push_2000_codes_once_each_though_one_of_them_is_killed() {
    let shop = generous();
    let app = creating_in(&shop);
    queue(&app);
    let first = Worker::start(&app, "first");
    eventually_within(Duration::from_secs(60), "the first process", || {
        shop.store().codes().len() > CODES / 8
    });
    let _second = Worker::start(&app, "second");
    eventually_within(Duration::from_secs(60), "the first process", || {
        shop.store().codes().len() > CODES / 4
    });
    drop(first);
    assert!(shop.store().codes().len() < CODES, "it was killed in the middle");
    eventually_within(Duration::from_secs(240), "the second process", || {
        pushed(&app) == i64::try_from(CODES).unwrap()
    });
    let codes = shop.store().codes();
    assert_eq!(codes.len(), CODES);
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), CODES, "each once");
}
