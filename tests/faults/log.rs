//! A log that can't be written holds up nothing and kills nothing.

use std::fs::OpenOptions;
use std::io::{PipeReader, Read as _, pipe};
use std::process::Stdio;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde_json::json;
use vouch::kit::db::schema::recalculations;

use super::{Program, eventually, ledger, metric};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, on_this_machine, then};

const DROPPED: &str = "vouch_log_lines_dropped_total";

/// Something for the workers, which touches no order.
fn leave_work(app: &TestApp) {
    app.within(|conn| {
        diesel::insert_into(recalculations::table)
            .values((
                recalculations::merchant_id.eq(app.fixture.merchant_id),
                recalculations::order_ids.eq(Vec::<Option<i64>>::new()),
                recalculations::cause.eq(json!({ "reason": "earlier", "words": "a test" })),
                recalculations::orders_total.eq(0),
            ))
            .execute(conn)
    });
}

fn is_done(app: &TestApp) -> bool {
    app.within(|conn| recalculations::table.count().get_result::<i64>(conn)) == 0
}

/// A refused signature leaves a line in the log.
fn provoke_line(app: &TestApp) {
    let begun = Instant::now();
    assert_eq!(app.hook(&app.fixture.store_key, &[], b"{}").status, 401);
    assert!(begun.elapsed() < on_this_machine(Duration::from_secs(2)), "{:?}", begun.elapsed());
}

fn goes_on_working(app: &TestApp, order_id: u64) {
    let order = ShopifyOrder::new(order_id, then()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    leave_work(app);
    eventually("the workers work", || is_done(app));
    for path in ["/healthz", "/readyz", "/login"] {
        assert_eq!(app.anonymous().get(path).status, 200, "{path}");
    }
    // Also passwords are checked on threads of their own.
    assert!(app.owner().get("/dashboard").status == 200);
}

#[test]
fn a_log_on_a_full_disk_or_a_closed_pipe_stops_nothing() {
    for (name, is_pipe) in [("full", false), ("closed", true)] {
        let mut app = TestApp::start();
        let stderr: Stdio = if is_pipe {
            // Its other end is closed at once.
            pipe().unwrap().1.into()
        } else {
            OpenOptions::new().write(true).open("/dev/full").unwrap().into()
        };
        let program = Program::start(&mut app, name, stderr, "info");
        for n in 1..=3 {
            provoke_line(&app);
            goes_on_working(&app, n);
        }
        assert_eq!(ledger(&app), [900, 900, 900]);
        assert!(metric(&app, DROPPED) >= 3.0, "{name}");
        let (status, took) = program.stop();
        assert!(status.success(), "{name}: {status}");
        assert!(took < on_this_machine(Duration::from_secs(10)), "{name}: {took:?}");
    }
}

#[test]
fn a_log_that_nobody_reads_drops_lines_and_tells_how_many() {
    let mut app = TestApp::start();
    let (mut reader, writer) = pipe().unwrap();
    let program = Program::start(&mut app, "unread", writer.into(), "trace");
    let begun = Instant::now();
    while metric(&app, DROPPED) == 0.0 {
        assert!(begun.elapsed() < on_this_machine(Duration::from_secs(60)), "the queue fills");
        for _ in 0..50 {
            provoke_line(&app);
        }
    }
    goes_on_working(&app, 1);
    assert_eq!(ledger(&app), [900]);

    // Somebody reads again.
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        read_all(&mut reader, &mut log);
        log
    });
    eventually("writing goes on", || {
        provoke_line(&app);
        std::thread::sleep(Duration::from_millis(200));
        metric(&app, DROPPED) > 0.0
    });
    let (status, took) = program.stop();
    assert!(status.success(), "{status}");
    assert!(took < on_this_machine(Duration::from_secs(10)), "{took:?}");
    let log = reading.join().unwrap();
    let told: Vec<u64> = log
        .lines()
        .filter(|line| line.contains("log_lines_dropped"))
        .filter_map(|line| line.rsplit("lines=").next()?.trim().parse().ok())
        .collect();
    assert!(told.iter().sum::<u64>() > 0, "{told:?}");
}

fn read_all(reader: &mut PipeReader, log: &mut String) {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    log.push_str(&String::from_utf8_lossy(&bytes));
}
