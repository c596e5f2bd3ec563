//! SIGTERM ends everything within ten seconds; what is left is done after the next start.

use std::process::Stdio;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::{Program, eventually};
use crate::harness::{TestApp, on_this_machine};

const MERCHANTS: i64 = 120;

fn left(app: &TestApp) -> i64 {
    let mut conn = app.as_superuser();
    vouch::kit::db::schema::recalculations::table.count().get_result(&mut conn).unwrap()
}

#[test]
fn many_pieces_of_recalculation_are_left_to_the_next_start() {
    let mut app = TestApp::start();
    // Each piece takes a quarter of a second: half a minute in all.
    app.as_superuser()
        .batch_execute(&format!(
            "INSERT INTO merchants (name, slug, currency, time_zone, created_at) \
                 SELECT 'M' || n, 'm-' || n, 'USD', 'UTC', now() FROM generate_series(1, {MERCHANTS}) n; \
             INSERT INTO recalculations (merchant_id, order_ids, cause, orders_total) \
                 SELECT id, '{{}}', '{{\"reason\": \"earlier\", \"words\": \"a test\"}}', 0 \
                 FROM merchants WHERE slug LIKE 'm-%'; \
             CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 PERFORM pg_sleep(0.25); RETURN old; END $$; \
             CREATE TRIGGER slow BEFORE DELETE ON recalculations FOR EACH ROW \
                 EXECUTE FUNCTION slow()"
        ))
        .unwrap();
    let program = Program::start(&mut app, "stopping", Stdio::null(), "info");
    eventually("some are done", || left(&app) < MERCHANTS);
    let (status, took) = program.stop();
    assert!(status.success(), "{status}");
    assert!(took < on_this_machine(Duration::from_secs(10)), "{took:?}");
    let remaining = left(&app);
    assert!(remaining > MERCHANTS / 2, "{remaining}");
    app.as_superuser().batch_execute("DROP FUNCTION slow() CASCADE").unwrap();
    let _program = Program::start(&mut app, "stopping-again", Stdio::null(), "info");
    eventually("the rest is done", || left(&app) == 0);
}
