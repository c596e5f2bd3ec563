//! Facts with dates: whole seconds, two changes at once, and no two periods that overlap.

use std::sync::mpsc;
use std::time::{Duration as StdDuration, Instant};

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use vouch::features::affiliates::{AffiliateStatus, change_status, undo_status};
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::features::merchants::{change_rules, rules_history};
use vouch::features::offers::{self, NewOffer};
use vouch::features::stores::{ReturnRules, Store, change_return_rules};
use vouch::kit::dated::second;
use vouch::kit::db::schema::{
    affiliate_terms, calculation_rules, conversions, exclusion_terms, offer_terms, return_rules,
};
use vouch::kit::db::{Scope, in_scope};
use vouch_core::attribution::{Commission, Precedence};
use vouch_core::money::Rate;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, on_this_machine};

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// So many milliseconds after noon.
fn after(milliseconds: i64) -> DateTime<Utc> {
    noon() + Duration::milliseconds(milliseconds)
}

/// Makes the first change, leaves its transaction open until the second waits for it, then lets both
/// end.
fn at_once<T>(
    app: &TestApp,
    first: impl FnOnce(&mut PgConnection) -> QueryResult<()> + Send,
    second: impl FnOnce() -> T,
) -> T {
    std::thread::scope(|scope| {
        let (send, changed) = mpsc::channel();
        scope.spawn(move || {
            let mut conn = PgConnection::establish(&app.database_url).unwrap();
            in_scope(&mut conn, Scope::Merchant(app.fixture.merchant_id), |conn| {
                first(conn)?;
                send.send(()).unwrap();
                await_a_wait(app);
                QueryResult::Ok(())
            })
            .unwrap();
        });
        changed.recv().unwrap();
        second()
    })
}

/// Waits until a transaction waits for a lock in this database.
fn await_a_wait(app: &TestApp) {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let waiting = "SELECT 1 FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = Instant::now() + on_this_machine(StdDuration::from_secs(10));
    while diesel::sql_query(waiting).execute(&mut conn).unwrap() == 0 {
        assert!(Instant::now() < deadline, "nothing waits");
        std::thread::sleep(StdDuration::from_millis(5));
    }
}

fn offer(name: &str, percent: u8) -> NewOffer {
    NewOffer {
        name: name.to_owned(),
        commission: Commission::Percent { rate: Rate::percent(percent) },
        excluded_skus: Vec::new(),
        auto_approve: false,
        is_default: true,
    }
}

#[test]
fn of_two_members_who_save_calculation_logic_at_once_the_seconds_rules_hold() {
    let app = TestApp::start();
    let owner = app.owner();
    let token = owner.token();
    let actor = app.actor();
    let answer = at_once(
        &app,
        |conn| {
            let mut rules = rules_history(conn, actor.merchant_id, 1)?[0].rules;
            rules.precedence = Precedence::OldestTrigger;
            change_rules(conn, &actor, rules)
        },
        || {
            let fields = [("csrf", token.as_str()), ("precedence", "largest_discount")];
            owner.post("/settings/calculation", &fields)
        },
    );
    assert_eq!(answer.status, 303, "{}", answer.text());
    let open: Vec<Precedence> = app.within(|conn| {
        calculation_rules::table
            .filter(calculation_rules::valid_until.is_null())
            .select(calculation_rules::precedence)
            .load(conn)
    });
    assert_eq!(open, [Precedence::LargestDiscount]);
}

#[test]
fn of_two_changes_at_once_the_second_holds_for_every_other_fact_too() {
    let app = TestApp::start();
    let (merchant_id, ada, offer_id) =
        (app.fixture.merchant_id, app.fixture.ada_id, app.fixture.offer_id);
    let (first, later) = (app.actor_at(after(0)), app.actor_at(after(60_000)));

    at_once(
        &app,
        |conn| change_status(conn, &first, &[ada], AffiliateStatus::Disabled).map(drop),
        || app.within(|conn| change_status(conn, &later, &[ada], AffiliateStatus::Denied)),
    );
    let statuses: Vec<(AffiliateStatus, Option<DateTime<Utc>>)> = app.within(|conn| {
        affiliate_terms::table
            .filter(affiliate_terms::affiliate_id.eq(ada))
            .order(affiliate_terms::valid_from)
            .select((affiliate_terms::status, affiliate_terms::valid_until))
            .load(conn)
    });
    let expected = [
        (AffiliateStatus::Active, Some(after(0))),
        (AffiliateStatus::Disabled, Some(after(60_000))),
        (AffiliateStatus::Denied, None),
    ];
    assert_eq!(statuses, expected);

    at_once(
        &app,
        |conn| {
            offers::update(conn, &first, offer_id, &offer("Standard", 15)).unwrap();
            Ok(())
        },
        || {
            app.within(|conn| {
                Ok(offers::update(conn, &later, offer_id, &offer("Standard", 20)).unwrap())
            })
        },
    );
    let rates: Vec<Option<i32>> = app.within(|conn| {
        offer_terms::table
            .order(offer_terms::valid_from)
            .select(offer_terms::basis_points)
            .load(conn)
    });
    assert_eq!(rates, [Some(1000), Some(1500), Some(2000)]);

    let store = app.within(|conn| Store::find(conn, merchant_id, app.fixture.store_id));
    let rules = |keeps_cancelled| ReturnRules { keeps_cancelled, keeps_refunded: true };
    at_once(
        &app,
        |conn| change_return_rules(conn, &first, &store, rules(false)),
        || app.within(|conn| change_return_rules(conn, &later, &store, rules(true))),
    );
    let kept: Vec<bool> = app.within(|conn| {
        return_rules::table
            .order(return_rules::valid_from)
            .select(return_rules::keeps_cancelled)
            .load(conn)
    });
    assert_eq!(kept, [false, true]);

    let excluding = |typed: &str, scope| NewExclusion {
        pattern: Pattern::parse(typed).unwrap(),
        note: String::new(),
        scope,
        dates: Dates::default(),
    };
    let of_orders = ExclusionScope::ClaimsAndOrders;
    let added = app.within(|conn| {
        Ok(exclusions::add(conn, &app.actor_at(after(-9_000)), &excluding("ADA*", of_orders))
            .unwrap())
    });
    at_once(
        &app,
        |conn| {
            exclusions::change(conn, &first, added.id, &excluding("ADA1*", of_orders)).unwrap();
            Ok(())
        },
        || {
            app.within(|conn| {
                let other = excluding("ADA10", of_orders);
                Ok(exclusions::change(conn, &later, added.id, &other).unwrap())
            })
        },
    );
    let periods: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = app.within(|conn| {
        exclusion_terms::table
            .order(exclusion_terms::valid_from)
            .select((exclusion_terms::valid_from, exclusion_terms::valid_until))
            .load(conn)
    });
    let expected =
        [(after(-9_000), Some(after(0))), (after(0), Some(after(60_000))), (after(60_000), None)];
    assert_eq!(periods, expected);
}

/// What the only conversion earns, and its reason if it is unqualified.
fn earned(app: &TestApp) -> (i64, Option<String>) {
    app.within(|conn| {
        conversions::table.select((conversions::commission_minor, conversions::reason)).first(conn)
    })
}

#[test]
fn an_order_of_the_second_of_an_approval_counts_whether_it_came_before_or_after() {
    for arrives_first in [true, false] {
        let app = TestApp::start();
        let ada = app.fixture.ada_id;
        let earlier = app.actor_at(noon() - Duration::hours(1));
        app.within(|conn| change_status(conn, &earlier, &[ada], AffiliateStatus::Pending));
        let order = ShopifyOrder::new(1, noon()).code("ADA10", "10.00");
        if arrives_first {
            assert_eq!(app.shopify("orders/create", &order.0).status, 200);
            assert_eq!(earned(&app), (0, Some("inactive_affiliate".to_owned())));
        }
        let approves = app.actor_at(after(700));
        app.within(|conn| change_status(conn, &approves, &[ada], AffiliateStatus::Active));
        app.work();
        if !arrives_first {
            assert_eq!(app.shopify("orders/create", &order.0).status, 200);
        }
        assert_eq!(earned(&app), (900, None), "arrives first: {arrives_first}");
    }
}

#[test]
fn an_order_of_the_second_in_which_an_offer_changes_has_the_new_terms() {
    let app = TestApp::start();
    let change = app.actor_at(after(999));
    let offer_id = app.fixture.offer_id;
    app.within(|conn| Ok(offers::update(conn, &change, offer_id, &offer("Standard", 20)).unwrap()));
    let order = ShopifyOrder::new(1, noon()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(earned(&app), (1800, None));
}

#[test]
fn undo_of_a_status_keeps_an_offer_that_changed_in_the_same_second() {
    use vouch::features::affiliates::change::{AffiliateChange, update};
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let better = app.within(|conn| {
        let new = NewOffer { is_default: false, ..offer("Better", 20) };
        Ok(offers::create(conn, &app.actor_at(after(-9_000)), &new).unwrap().id)
    });
    let disables = app.actor_at(after(200));
    app.within(|conn| change_status(conn, &disables, &[ada], AffiliateStatus::Disabled));
    let change = AffiliateChange {
        name: "Ada Active".to_owned(),
        email: "ada@affiliates.example".to_owned(),
        offer_id: better,
        note: String::new(),
    };
    app.within(|conn| Ok(update(conn, &app.actor_at(after(600)), ada, &change).unwrap()));
    let undone =
        app.within(|conn| undo_status(conn, &app.actor_at(after(9_000)), &[ada], disables.now));
    assert_eq!(undone.len(), 1);
    let order = ShopifyOrder::new(1, noon()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(earned(&app), (1800, None));
}

#[test]
fn a_status_that_changes_back_under_a_clock_that_went_back_is_as_if_nothing_had_been() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    for (at, status) in
        [(after(5_300), AffiliateStatus::Disabled), (after(1_100), AffiliateStatus::Active)]
    {
        app.within(|conn| change_status(conn, &app.actor_at(at), &[ada], status));
    }
    let periods: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = app.within(|conn| {
        affiliate_terms::table
            .filter(affiliate_terms::affiliate_id.eq(ada))
            .select((affiliate_terms::valid_from, affiliate_terms::valid_until))
            .load(conn)
    });
    assert_eq!(periods, [(second(crate::harness::then()), None)]);
}

#[test]
fn the_database_refuses_periods_that_overlap_or_begin_within_a_second() {
    let app = TestApp::start();
    let merchant_id = app.fixture.merchant_id;
    app.enable_exclusions(merchant_id);
    app.within(|conn| {
        let store = Store::find(conn, merchant_id, app.fixture.store_id)?;
        let rules = ReturnRules { keeps_cancelled: true, keeps_refunded: true };
        change_return_rules(conn, &app.actor(), &store, rules)?;
        let new = NewExclusion {
            pattern: Pattern::parse("STAFF*").unwrap(),
            note: String::new(),
            scope: ExclusionScope::ClaimsAndOrders,
            dates: Dates::default(),
        };
        exclusions::add(conn, &app.actor(), &new).unwrap();
        Ok(())
    });
    for table in DATED_TABLES {
        for (from, until, constraint) in [
            ("1 second", "2 seconds", format!("{table}_no_overlap")),
            ("-2.5 seconds", "-1 second", format!("{table}_whole_seconds")),
        ] {
            let mut conn = PgConnection::establish(&app.database_url).unwrap();
            let refused = in_scope(&mut conn, Scope::Merchant(merchant_id), |conn| {
                conn.batch_execute(&format!(
                    "INSERT INTO {table} SELECT n.* FROM (SELECT * FROM {table} LIMIT 1) old, \
                     jsonb_populate_record(NULL::{table}, to_jsonb(old) || jsonb_build_object( \
                         'valid_from', old.valid_from + interval '{from}', \
                         'valid_until', old.valid_from + interval '{until}')) n"
                ))
            });
            let Err(Error::DatabaseError(kind, info)) = refused else {
                panic!("{table} takes a period from {from} to {until}: {refused:?}")
            };
            assert_eq!(info.constraint_name(), Some(constraint.as_str()), "{kind:?}");
        }
    }
}

const DATED_TABLES: [&str; 8] = [
    "affiliate_emails",
    "affiliate_terms",
    "calculation_rules",
    "exclusion_periods",
    "exclusion_terms",
    "offer_terms",
    "return_rules",
    "trigger_owners",
];

/// Undoes every migration since `version`, itself included.
fn revert_to_before(conn: &mut PgConnection, version: &str) {
    use diesel_migrations::MigrationHarness as _;
    loop {
        let reverted = conn.revert_last_migration(vouch::kit::db::migrate::MIGRATIONS).unwrap();
        if reverted.to_string() == version {
            return;
        }
    }
}

#[test]
fn rows_of_an_earlier_version_are_carried_over() {
    let app = TestApp::start();
    let (merchant_id, ada, ben) = (app.fixture.merchant_id, app.fixture.ada_id, app.fixture.ben_id);
    let order = ShopifyOrder::new(1, noon()).code("ADA10", "10.00").email("J.Doe+x@googlemail.com");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let mut conn = app.as_owner();
    revert_to_before(&mut conn, "20261130000044");
    in_scope(&mut conn, Scope::Merchant(merchant_id), |conn| {
        conn.batch_execute(&format!(
            "UPDATE affiliate_terms SET valid_until = '2026-02-01 10:00:00.2Z' WHERE affiliate_id = {ben}; \
             INSERT INTO affiliate_terms (merchant_id, affiliate_id, valid_from, valid_until, status, offer_id) \
                 SELECT merchant_id, affiliate_id, p.starts, p.ends, p.status, offer_id FROM affiliate_terms, \
                 (VALUES (timestamptz '2026-02-01 10:00:00.2Z', timestamptz '2026-02-01 10:00:00.7Z', 'disabled'), \
                     ('2026-02-01 10:00:00.7Z', NULL, 'denied')) AS p (starts, ends, status) \
                 WHERE affiliate_id = {ben}; \
             UPDATE offer_terms SET valid_until = '2026-03-01 00:00:05.5Z'; \
             INSERT INTO offer_terms (merchant_id, offer_id, valid_from, commission_kind, basis_points) \
                 SELECT merchant_id, offer_id, '2026-03-01 00:00:03Z', 'percent', 2000 FROM offer_terms; \
             INSERT INTO triggers (merchant_id, kind, value, key, affiliate_id, created_at, retired_at) VALUES \
                 ({merchant_id}, 'customer_email', 'Jane+a@shop.example', 'jane+a@shop.example', {ben}, '2026-01-02', NULL), \
                 ({merchant_id}, 'customer_email', 'jane@shop.example', 'jane@shop.example', {ada}, '2026-01-03', NULL), \
                 ({merchant_id}, 'customer_email', 'jane+old@shop.example', 'jane+old@shop.example', {ada}, '2026-01-01', '2026-01-05'), \
                 ({merchant_id}, 'customer_email', 'J.Doe@gmail.com', 'j.doe@gmail.com', {ben}, '2026-01-04', NULL), \
                 ({merchant_id}, 'customer_email', 'a@xn--mller-kva.xn--fiqs8s', 'a@xn--mller-kva.xn--fiqs8s', {ben}, '2026-01-04', NULL); \
             INSERT INTO audit_log (merchant_id, at, actor_kind, actor_name, action, subject_kind, subject_id, summary, before, after) VALUES \
                 ({merchant_id}, '2026-04-01 10:00:00.4Z', 'member', 'Olga', 'affiliate.changed', 'affiliate', {ben}, '', \
                     '{{\"e-mail\": \"first@ben.example\"}}', '{{\"e-mail\": \"ben@affiliates.example\"}}'), \
                 ({merchant_id}, '2026-05-01 10:00:00.4Z', 'affiliate', 'Ben', 'affiliate.changed', 'affiliate', {ben}, '', \
                     '{{\"payment address\": \"\"}}', '{{\"payment address\": \"PayPal: pay@ben.example.\"}}'); \
             UPDATE orders SET customer_email_key = 'j.doe+x@googlemail.com'"
        ))
    })
    .unwrap();
    app.migrate();

    let text = |sql: &str| -> Vec<String> {
        app.within(|conn| {
            let query = format!("({sql}) AS found (line)");
            diesel::sql_query(format!("SELECT line FROM {query}"))
                .load::<Line>(conn)
                .map(|lines| lines.into_iter().map(|line| line.line).collect())
        })
    };
    assert_eq!(
        text(&format!(
            "SELECT status || ' ' || to_char(valid_from AT TIME ZONE 'UTC', 'MM-DD HH24:MI:SS.MS') FROM affiliate_terms \
             WHERE affiliate_id = {ben} ORDER BY valid_from"
        )),
        ["active 01-01 00:00:00.000", "denied 02-01 10:00:00.000"]
    );
    assert_eq!(
        text(
            "SELECT basis_points || ' ' || coalesce(to_char(valid_until AT TIME ZONE 'UTC', 'SS.MS'), '') FROM offer_terms ORDER BY valid_from"
        ),
        ["1000 03.000", "2000 "]
    );
    // The older of those in force keeps the mailbox; the others are retired, and kept.
    let kept = text(
        "SELECT value || ' ' || CASE WHEN key LIKE '% %' THEN 'apart' ELSE key END || ' ' \
             || CASE WHEN retired_at IS NULL THEN 'active' ELSE 'retired' END \
         FROM triggers WHERE kind = 'customer_email' ORDER BY id",
    );
    assert_eq!(
        kept,
        [
            "Jane+a@shop.example jane@shop.example active",
            "jane@shop.example apart retired",
            "jane+old@shop.example apart retired",
            "J.Doe@gmail.com jdoe@gmail.com active",
            "a@xn--mller-kva.xn--fiqs8s a@müller.中国 active",
        ]
    );
    let sql = "SELECT value || '|' || key FROM triggers WHERE kind = 'customer_email' AND key NOT LIKE '% %'";
    for line in text(sql) {
        let (value, key) = line.split_once('|').unwrap();
        let ours = vouch_core::email::EmailKey::parse(value).unwrap();
        assert_eq!(ours.as_str(), key, "the same rule in the database");
    }
    let noted = "SELECT subject_id::text FROM audit_log WHERE action = 'trigger.retired'";
    assert_eq!(text(noted).len(), 1, "only the former");
    assert_eq!(text("SELECT customer_email_key FROM orders"), ["jdoe@gmail.com"]);
    assert_eq!(
        text(&format!(
            "SELECT kind || ' ' || array_to_string(emails, ',') || ' ' || to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD') \
             FROM affiliate_emails WHERE affiliate_id = {ben} ORDER BY kind, valid_from"
        )),
        [
            "own first@ben.example 1970-01-01",
            "own ben@affiliates.example 2026-04-01",
            "payout pay@ben.example 2026-05-01",
        ]
    );
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}
