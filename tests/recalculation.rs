//! Orders that are recalculated after a change, by the workers.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::features::ingest::recalculation::{drain, failed_requests, retry_failed, run_due};
use vouch::features::recalculations::pending_of_affiliate;
use vouch::features::triggers::{self, Trigger};
use vouch::kit::clock;
use vouch::kit::db::schema::{conversions, orders as stored_orders, recalculations};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::supervise::Stop;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, then};

fn in_installation<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work).unwrap()
}

/// So many orders with Ada's code.
fn orders(app: &TestApp, count: u64) {
    for id in 1..=count {
        let order = ShopifyOrder::new(id, then()).code("ADA10", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    }
}

/// Gives Ada's code, with every order it has, to Ben.
fn reassign(app: &TestApp) {
    app.within(|conn| {
        let trigger = Trigger::find(conn, app.fixture.merchant_id, app.fixture.ada10_id)?;
        let (actor, ben) = (app.actor(), app.fixture.ben_id);
        Ok(triggers::reassign(conn, &actor, &trigger, ben, then()).unwrap())
    });
}

fn earned_by(app: &TestApp, affiliate_id: i64) -> i64 {
    app.within(|conn| {
        conversions::table
            .filter(conversions::affiliate_id.eq(affiliate_id))
            .filter(conversions::commission_minor.eq(900))
            .count()
            .get_result(conn)
    })
}

fn waiting(app: &TestApp) -> Vec<(i64, Option<Vec<Option<i64>>>)> {
    app.within(|conn| {
        recalculations::table
            .order(recalculations::id)
            .select((recalculations::orders_total, recalculations::order_ids))
            .load(conn)
    })
}

#[test]
fn a_request_that_failed_keeps_its_reason_and_is_due_again_at_the_next_start() {
    let app = TestApp::start();
    orders(&app, 1);
    assert_eq!(in_installation(&app, failed_requests), (0, String::new()));
    app.within(|conn| {
        diesel::insert_into(recalculations::table)
            .values((
                recalculations::merchant_id.eq(app.fixture.merchant_id),
                recalculations::since.eq(then()),
                recalculations::cause.eq(serde_json::json!({ "reason": "sung" })),
                recalculations::orders_total.eq(1),
                recalculations::attempts.eq(11),
            ))
            .execute(conn)
    });
    app.work();
    let (number, reason) = in_installation(&app, failed_requests);
    assert_eq!(number, 1);
    assert!(reason.contains("unknown variant `sung`"), "{reason}");
    assert_eq!(drain(&app.db).unwrap(), 0);
    assert_eq!(in_installation(&app, failed_requests).0, 1, "it rests");

    assert_eq!(in_installation(&app, |conn| retry_failed(conn, clock::now())), 1);
    assert_eq!(in_installation(&app, failed_requests).0, 0, "and has its attempts again");
}

#[test]
fn an_order_that_cannot_be_recalculated_keeps_none_of_the_others() {
    let app = TestApp::start();
    orders(&app, 30);
    reassign(&app);
    let mut conn = app.as_owner();
    let refuse = "ALTER TABLE orders ADD CONSTRAINT refused CHECK (name <> '#7') NOT VALID";
    conn.batch_execute(refuse).unwrap();
    while run_due(&app.db, &Stop::default()).unwrap() > 0 {}
    assert_eq!((earned_by(&app, app.fixture.ben_id), earned_by(&app, app.fixture.ada_id)), (29, 1));
    assert_eq!(waiting(&app).len(), 1, "it's tried again later");
    conn.batch_execute("ALTER TABLE orders DROP CONSTRAINT refused").unwrap();
    app.within(|conn| {
        diesel::update(recalculations::table)
            .set(recalculations::due_at.eq(clock::now()))
            .execute(conn)
    });
    app.work();
    assert_eq!(earned_by(&app, app.fixture.ben_id), 30);
    assert!(waiting(&app).is_empty());
}

#[test]
fn an_order_that_somebody_else_has_is_left_for_later_with_nothing_lost() {
    let app = TestApp::start();
    orders(&app, 3);
    reassign(&app);
    let mut other = PgConnection::establish(&app.database_url).unwrap();
    other
        .batch_execute(
            "BEGIN; SET LOCAL vouch.scope = 'installation'; \
             SELECT id FROM orders WHERE order_ref = '2' FOR UPDATE",
        )
        .unwrap();
    assert_eq!(run_due(&app.db, &Stop::default()).unwrap(), 2);
    let left = waiting(&app);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].1.as_ref().map(Vec::len), Some(1), "the one order: {left:?}");
    other.batch_execute("ROLLBACK").unwrap();
    app.work();
    assert_eq!(earned_by(&app, app.fixture.ben_id), 3);
}

#[test]
fn a_recalculation_waits_for_whoever_may_have_read_the_former_facts() {
    let app = TestApp::start();
    orders(&app, 1);
    let mut other = PgConnection::establish(&app.database_url).unwrap();
    // As the intake of orders does before it reads who holds a code.
    other
        .batch_execute(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock_shared(7022117, hashint8({}))",
            app.fixture.merchant_id
        ))
        .unwrap();
    reassign(&app);
    assert_eq!(run_due(&app.db, &Stop::default()).unwrap(), 0);
    assert_eq!(waiting(&app).len(), 1);
    other.batch_execute("ROLLBACK").unwrap();
    app.work();
    assert_eq!(earned_by(&app, app.fixture.ben_id), 1);
}

#[test]
fn several_workers_do_nothing_twice() {
    let app = TestApp::start();
    orders(&app, 60);
    reassign(&app);
    let done: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| drain(&app.db).unwrap())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(done, 60);
    assert_eq!(earned_by(&app, app.fixture.ben_id), 60);
}

#[test]
fn changes_to_and_fro_are_one_request_that_says_how_many_orders_wait() {
    let app = TestApp::start();
    orders(&app, 3);
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    for holder in [ben, ada, ben] {
        app.within(|conn| {
            let trigger = Trigger::find(conn, app.fixture.merchant_id, app.fixture.ada10_id)?;
            Ok(triggers::reassign(conn, &app.actor(), &trigger, holder, then()).unwrap())
        });
    }
    assert_eq!(waiting(&app), [(3, None)]);
    let merchant_id = app.fixture.merchant_id;
    let pending = app.within(|conn| pending_of_affiliate(conn, merchant_id, ben));
    assert_eq!(pending.orders(), 3);
    assert_eq!(drain(&app.db).unwrap(), 3);
    assert_eq!(earned_by(&app, ben), 3);
}

#[test]
fn a_request_leaves_the_orders_alone_that_came_after_it_began() {
    let app = TestApp::start();
    orders(&app, 3);
    app.within(|conn| {
        let ids: Vec<i64> =
            stored_orders::table.order(stored_orders::id).select(stored_orders::id).load(conn)?;
        diesel::insert_into(recalculations::table)
            .values((
                recalculations::merchant_id.eq(app.fixture.merchant_id),
                recalculations::since.eq(then()),
                recalculations::cause.eq(serde_json::json!({ "reason": "codes_excluded" })),
                recalculations::orders_total.eq(2),
                recalculations::in_flight.eq(Vec::<Option<String>>::new()),
                recalculations::up_to_order_id.eq(ids[1]),
            ))
            .execute(conn)
    });
    assert_eq!(drain(&app.db).unwrap(), 2);
    assert_eq!(waiting(&app), []);
}
