//! The same with many at once: batches that share a commit, and changes that meet orders.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use vouch::features::affiliates::{AffiliateStatus, change_status, undo_status};
use vouch::features::ingest::intake::{DeliverySource, IncomingDelivery, IngestOutcome, gzip};
use vouch::features::ingest::queue::Intake;
use vouch::features::ingest::replay;
use vouch::features::triggers;
use vouch::kit::db::schema::{conversions, deliveries};
use vouch::kit::db::{Scope, in_scope};
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use super::facts::Program;
use super::histories::{Message, OrderHistory};
use super::{in_order, ledger, minute, play, recount};
use crate::harness::{TestApp, pseudonyms, then};

/// Hands all messages to the intake at once and waits for every answer.
fn take_all(intake: &Intake, program: &Program, messages: &[Message]) -> Vec<IngestOutcome> {
    let all = messages.iter().map(|message| {
        let body = serde_json::to_vec(&message.body).unwrap();
        let understood =
            parse_message(Platform::Shopify, message.topic, &body, false, message.triggered_at);
        let arrival = IncomingDelivery {
            merchant_id: program.merchant_id,
            store_id: program.store_id,
            source: DeliverySource::Webhook,
            topic: message.topic.to_owned(),
            delivery_ref: message.delivery_ref.clone(),
            is_test: false,
            sent_at: Some(message.triggered_at),
            received_at: message.received_at,
            body_gzip: gzip(&body),
        };
        intake.take(Platform::Shopify, arrival, understood)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(join_all(all)).into_iter().map(Result::unwrap).collect()
}

#[test]
fn deliveries_that_share_a_commit_end_in_the_same_ledger_and_one_that_fails_spoils_no_other() {
    let app = TestApp::start();
    let histories: Vec<OrderHistory> =
        (1..=24).map(|id| OrderHistory::plain(id, "alpha")).collect();
    let mut alone = Program::new(&app, "Alone");
    play(&app, &mut alone, &[], &in_order(&histories, &[]));

    // The database refuses whatever names this order.
    let mut conn = app.as_owner();
    let refuse = "ALTER TABLE orders ADD CONSTRAINT refused CHECK (name <> '#13') NOT VALID";
    conn.batch_execute(refuse).unwrap();
    let together = Program::new(&app, "Together");
    let mut messages: Vec<Message> = histories.iter().flat_map(OrderHistory::messages).collect();
    messages.shuffle(&mut StdRng::seed_from_u64(7));
    let intake = Intake::start(app.db.intake_pool(), 3, &pseudonyms()).unwrap();
    let failed: usize = std::thread::scope(|scope| {
        let (intake, together) = (&intake, &together);
        let parts = messages.chunks(messages.len() / 4).map(|part| {
            scope.spawn(move || {
                let outcomes = take_all(intake, together, part);
                let of = part.iter().zip(outcomes);
                of.filter(|(message, outcome)| {
                    let is_13 = message.body["id"] == 13 || message.body["order_id"] == 13;
                    assert!(is_13 || *outcome != IngestOutcome::Failed, "{message:?}");
                    *outcome == IngestOutcome::Failed
                })
                .count()
            })
        });
        let parts: Vec<_> = parts.collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    assert!(failed > 0, "the database refused nothing");
    let but_one = |ledger: ledger::Ledger| -> ledger::Ledger {
        ledger.into_iter().filter(|((order_ref, ..), _)| order_ref != "13").collect()
    };
    let expected = ledger::of(&app, &alone);
    assert_eq!(but_one(ledger::of(&app, &together)), but_one(expected.clone()));
    assert_eq!(recount::differences(&app, together.merchant_id), [""; 0]);

    // After a fix, what failed is replayed, and nothing is missing.
    conn.batch_execute("ALTER TABLE orders DROP CONSTRAINT refused").unwrap();
    let ids: Vec<i64> = app.within_merchant(together.merchant_id, |conn| {
        deliveries::table.filter(deliveries::outcome.eq("failed")).select(deliveries::id).load(conn)
    });
    assert_eq!(ids.len(), failed);
    let actor = together.actor(minute(110));
    for id in ids {
        app.within_merchant(together.merchant_id, |conn| {
            Ok(replay(conn, &actor, &pseudonyms(), id).unwrap())
        });
    }
    assert_eq!(ledger::of(&app, &together), expected);
    assert_eq!(recount::differences(&app, together.merchant_id), [""; 0]);
}

/// Who earns from how many orders.
fn earners(app: &TestApp, program: &Program) -> (BTreeSet<i64>, usize) {
    let ids: Vec<i64> = app.within_merchant(program.merchant_id, |conn| {
        conversions::table
            .filter(conversions::commission_minor.ne(0))
            .select(conversions::affiliate_id)
            .load(conn)
    });
    (ids.iter().copied().collect(), ids.len())
}

/// The orders of one round: each a sale and a change, none with the SKU that others earn from.
fn orders_of(round: u64) -> Vec<Message> {
    (0..3)
        .flat_map(|at| {
            let mut messages = OrderHistory::plain(1000 + round * 3 + at, "ALPHA").messages();
            messages.truncate(2);
            for message in &mut messages {
                message.body["line_items"][1]["sku"] = "BOWL".into();
            }
            messages
        })
        .collect()
}

const ROUNDS: u64 = 12;

/// While orders come in, makes a change in a transaction of its own: neither gives way to the other.
/// Then the workers do theirs.
fn meet(
    app: &TestApp,
    program: &Program,
    intake: &Intake,
    round: u64,
    change: impl FnOnce(&mut PgConnection) -> QueryResult<()> + Send,
) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let outcomes = take_all(intake, program, &orders_of(round));
            assert!(
                outcomes.iter().all(|outcome| *outcome != IngestOutcome::Failed),
                "{outcomes:?}"
            );
        });
        scope.spawn(|| {
            let mut conn = PgConnection::establish(&app.database_url).unwrap();
            in_scope(&mut conn, Scope::Merchant(program.merchant_id), change).unwrap();
            // While orders still come in: those that slip past the change are found as well.
            app.work();
        });
    });
}

#[test]
fn an_order_that_meets_a_reassignment_belongs_to_whoever_holds_the_code_in_the_end() {
    let app = TestApp::start();
    let program = Program::new(&app, "Meeting");
    let intake = Intake::start(app.db.intake_pool(), 3, &pseudonyms()).unwrap();
    for round in 0..ROUNDS {
        let to = program.affiliates[usize::try_from(round + 1).unwrap() % 3];
        meet(&app, &program, &intake, round, |conn| {
            let trigger = program.alpha(conn)?;
            // From the very beginning: every order there is goes over.
            triggers::reassign(conn, &program.actor(minute(50)), &trigger, to, then()).map_err(
                |error| match error {
                    triggers::ReassignError::Database(error) => error,
                    refusal => panic!("{refusal}"),
                },
            )?;
            Ok(())
        });
        let (who, count) = earners(&app, &program);
        assert_eq!(who, BTreeSet::from([to]), "round {round}");
        assert_eq!(count as u64, 3 * (round + 1));
    }
    assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
}

#[test]
fn an_order_that_meets_a_retirement_is_credited_by_what_holds_in_the_end() {
    let app = TestApp::start();
    let program = Program::new(&app, "Meeting");
    let intake = Intake::start(app.db.intake_pool(), 3, &pseudonyms()).unwrap();
    for round in 0..ROUNDS {
        let is_retiring = round % 2 == 0;
        meet(&app, &program, &intake, round, |conn| {
            let (trigger, actor) = (program.alpha(conn)?, program.actor(minute(0)));
            let changed = if is_retiring {
                triggers::retire(conn, &actor, &trigger)?
            } else {
                triggers::reinstate(conn, &actor, &trigger)?
            };
            assert!(changed);
            Ok(())
        });
        let count = earners(&app, &program).1 as u64;
        assert_eq!(count, if is_retiring { 0 } else { 3 * (round + 1) }, "round {round}");
    }
    assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
}

#[test]
fn an_order_that_meets_the_undoing_of_a_status_is_not_left_behind() {
    let app = TestApp::start();
    let program = Program::new(&app, "Meeting");
    let intake = Intake::start(app.db.intake_pool(), 3, &pseudonyms()).unwrap();
    let ada = program.affiliates[0];
    for round in 0..ROUNDS {
        let since = minute(-60 + i64::try_from(round).unwrap());
        let actor = program.actor(since);
        let off = AffiliateStatus::Disabled;
        app.within_merchant(program.merchant_id, |conn| change_status(conn, &actor, &[ada], off));
        meet(&app, &program, &intake, round, |conn| {
            let undone = undo_status(conn, &program.actor(minute(50)), &[ada], since)?;
            assert_eq!(undone.len(), 1);
            Ok(())
        });
        assert_eq!(earners(&app, &program).1 as u64, 3 * (round + 1), "round {round}");
    }
    assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
}
