//! Nothing waits for ever: not on a network that is gone, not on a lock, not on a database that isn't
//! there yet.

mod locks;
mod network;
mod start;

use std::thread;
use std::time::{Duration, Instant};

use chrono::{TimeZone as _, Utc};

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, TestApp, on_this_machine};

/// An answer, and how long it took.
struct Timed {
    page: Page,
    took: Duration,
}

fn timed(ask: impl FnOnce() -> Page) -> Timed {
    let begun = Instant::now();
    let page = ask();
    Timed { page, took: begun.elapsed() }
}

fn send_order(app: &TestApp, id: u64) -> Timed {
    let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let order = ShopifyOrder::new(id, noon).code("ADA10", "10.00");
    timed(|| app.shopify_as("orders/create", &id.to_string(), &order.0))
}

/// Everything at once, each on a thread of its own.
fn at_once<T: Send>(number: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..number).map(|n| scope.spawn(move || work(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// How long it took until `holds`.
fn time_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < on_this_machine(limit), "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

/// Elsewhere, an address would be used without its limits.
#[test]
fn connections_are_opened_in_one_place() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut places) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("PgConnection::establish(") {
                places.push(path.strip_prefix(&src).unwrap().to_owned());
            }
        }
    }
    assert_eq!(places, [std::path::Path::new("kit/db/connect/mod.rs")]);
}
