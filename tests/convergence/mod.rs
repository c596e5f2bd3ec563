//! Credit converges: whatever order messages and changes come in, the ledger ends the same, the
//! figures are what a recount finds, and a replay changes nothing.

mod concurrent;
mod contention;
mod facts;
mod histories;
mod ledger;
mod recount;
mod refunds;

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use vouch::features::ingest::intake;
use vouch::features::ingest::replay;
use vouch::kit::db::schema::{deliveries, orders as orders_table};
use vouch_core::order::OrderState;
use vouch_core::platform::Platform;

use self::facts::{Fact, Program};
use self::histories::{Message, OrderHistory};
pub(crate) use self::recount::differences;
use crate::harness::{TestApp, pseudonyms};

/// When the histories begin; everything in them happens within the two hours that follow.
fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn minute(at: i64) -> DateTime<Utc> {
    noon() + Duration::minutes(at)
}

/// One thing that happens to a program.
#[derive(Clone, Debug)]
enum Happening {
    Message(Message),
    /// The fact of that place in the list; they keep their order among each other.
    Fact,
}

/// Takes in one message, as the webhook would, in a transaction of its own.
fn ingest(app: &TestApp, program: &Program, message: &Message) {
    let body = serde_json::to_vec(&message.body).unwrap();
    let event = vouch_platforms::parse_message(
        Platform::Shopify,
        message.topic,
        &body,
        false,
        message.triggered_at,
    )
    .unwrap();
    let arrival = intake::IncomingDelivery {
        merchant_id: program.merchant_id,
        store_id: program.store_id,
        source: intake::DeliverySource::Webhook,
        topic: message.topic.to_owned(),
        delivery_ref: message.delivery_ref.clone(),
        is_test: false,
        sent_at: Some(message.triggered_at),
        received_at: message.received_at,
        body_gzip: intake::gzip(&body),
    };
    program.within(app, |conn| intake::ingest_one(conn, &arrival, event, &pseudonyms()));
}

fn play(app: &TestApp, program: &mut Program, facts: &[Fact], happenings: &[Happening]) {
    let mut facts = facts.iter().enumerate();
    for happening in happenings {
        match happening {
            Happening::Message(message) => ingest(app, program, message),
            Happening::Fact => {
                let (at, fact) = facts.next().unwrap();
                program.apply(app, at, *fact);
            }
        }
    }
}

/// Every message in the order the store sent them, then every fact.
fn in_order(histories: &[OrderHistory], facts: &[Fact]) -> Vec<Happening> {
    let mut messages: Vec<Message> = histories.iter().flat_map(OrderHistory::messages).collect();
    messages.sort_by_key(|message| message.triggered_at);
    let messages = messages.into_iter().map(Happening::Message);
    messages.chain(facts.iter().map(|_| Happening::Fact)).collect()
}

/// The same in any order, some of it twice.
fn shuffled(histories: &[OrderHistory], facts: &[Fact], seed: u64) -> Vec<Happening> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut all = in_order(histories, facts);
    let again: Vec<Happening> = all
        .iter()
        .filter(|happening| matches!(happening, Happening::Message(_)))
        .enumerate()
        .filter(|(at, _)| (seed >> (at % 64)) & 1 == 1)
        .map(|(_, happening)| happening.clone())
        .collect();
    all.extend(again);
    all.shuffle(&mut rng);
    all
}

/// Every order is as the store said last, whatever was processed last.
fn assert_newest(app: &TestApp, program: &Program, histories: &[OrderHistory]) {
    for history in histories {
        let (report, is_deleted) = history.end();
        let state: serde_json::Value = program.within(app, |conn| {
            orders_table::table
                .filter(orders_table::order_ref.eq(&report.order_ref))
                .select(orders_table::state)
                .first(conn)
        });
        let state: OrderState = serde_json::from_value(state).unwrap();
        assert_eq!(state.gone_at().is_some(), is_deleted, "{history:?}");
        assert_eq!(state.report.unwrap(), report, "{history:?}");
    }
}

fn replay_everything(app: &TestApp, program: &Program, seed: u64) {
    let merchant_id = program.merchant_id;
    let mut ids: Vec<i64> = app
        .within_merchant(merchant_id, |conn| deliveries::table.select(deliveries::id).load(conn));
    ids.shuffle(&mut StdRng::seed_from_u64(seed));
    let actor = program.actor(minute(110));
    for id in ids {
        program.within(app, |conn| Ok(replay(conn, &actor, &pseudonyms(), id).unwrap()));
    }
}

static CASES: AtomicU32 = AtomicU32::new(0);

#[test]
fn any_history_in_any_order_ends_in_one_ledger() {
    let app = TestApp::start();
    let config =
        Config { cases: 16, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    // The same histories in every run, so that a failure is not a matter of luck.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = (histories::some(), facts::some(), any::<u64>());
    let outcome = runner.run(&strategy, |(histories, facts, seed)| {
        let number = CASES.fetch_add(1, Ordering::Relaxed);
        let mut first = Program::new(&app, &format!("First {number}"));
        play(&app, &mut first, &facts, &in_order(&histories, &facts));
        let mut second = Program::new(&app, &format!("Second {number}"));
        play(&app, &mut second, &facts, &shuffled(&histories, &facts, seed));

        prop_assert_eq!(ledger::of(&app, &first), ledger::of(&app, &second));
        prop_assert_eq!(first.qualified(&app), second.qualified(&app));
        for program in [&first, &second] {
            assert_newest(&app, program, &histories);
            prop_assert_eq!(&program.reviews(&app), &program.said);
            prop_assert_eq!(program.misjudged(&app), 0);
            prop_assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
            let before = ledger::entries(&app, program);
            replay_everything(&app, program, seed);
            prop_assert_eq!(ledger::entries(&app, program), before, "a replay changed something");
            prop_assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
            prop_assert_eq!(&program.reviews(&app), &program.said, "a replay changed a review");
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
