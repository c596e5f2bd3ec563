//! WooCommerce orders, which only outline their refunds: what these were for is read from the store,
//! at any time before or after, and a refund can be deleted again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};
use vouch::features::ingest::intake;
use vouch::features::stores::Store;
use vouch::kit::db::schema::conversions;
use vouch_core::money::Rate;
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use super::facts::Program;
use super::{ledger, minute, recount, replay_everything};
use crate::harness::woocommerce::{WooOrder, WooRefund, connect_in, gmt};
use crate::harness::{TestApp, pseudonyms};

/// What was paid for each line, without its fifth of tax, and how many there are.
const LINES: [(&str, u32, i64); 2] = [("MUG", 4, 4_000), ("BOWL", 1, 1_500)];
const SHIPPING: i64 = 600;

/// One step in the life of an order.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Money of a line goes back, with its tax; items of it too, or none.
    Refund {
        line: usize,
        cents: i64,
        items: u32,
    },
    Shipping {
        cents: i64,
    },
    /// The refund of that place among those there are is deleted. The order's time stands still.
    Delete(usize),
    /// Somebody asks the store for the refunds, as they are now.
    Read,
    /// The order is sent again.
    Repeat,
}

#[derive(Clone, Debug)]
pub(super) struct Life {
    steps: Vec<Step>,
    tells_tax: bool,
}

pub(super) fn some() -> impl Strategy<Value = Vec<Life>> {
    let step = prop_oneof![
        4 => (0..2_usize, 1..1_800_i64, 0..3_u32)
            .prop_map(|(line, cents, items)| Step::Refund { line, cents, items }),
        1 => (1..300_i64).prop_map(|cents| Step::Shipping { cents }),
        2 => (0..3_usize).prop_map(Step::Delete),
        2 => Just(Step::Read),
        1 => Just(Step::Repeat),
    ];
    let life = (prop::collection::vec(step, 0..8), any::<bool>());
    prop::collection::vec(life.prop_map(|(steps, tells_tax)| Life { steps, tells_tax }), 1..4)
}

/// One message, or one answer of the store.
#[derive(Clone, Debug)]
struct Told {
    topic: &'static str,
    reference: String,
    at: DateTime<Utc>,
    body: Value,
}

struct Refunded {
    refund: WooRefund,
    line: Option<usize>,
    cents: i64,
}

impl Life {
    /// Everything that is told of it in order, and what is left of each line in the end.
    fn told(&self, id: u64) -> (Vec<Told>, Vec<i64>) {
        let (mut told, mut refunds) = (Vec::new(), Vec::<Refunded>::new());
        let (mut at, mut modified_at) = (minute(2), minute(2));
        self.tell(&mut told, id, &refunds, at, modified_at);
        let read = |told: &mut Vec<Told>, refunds: &[Refunded], at| {
            let whole: Vec<Value> = refunds.iter().map(|one| one.refund.whole(at)).collect();
            let body = json!({
                "order_id": id, "currency": "USD", "read_at": at, "refunds": whole,
            });
            let reference = format!("{id}-{}", told.len());
            told.push(Told { topic: "order.refunds", reference, at, body });
        };
        for (step, number) in self.steps.iter().zip(1_u64..) {
            // Two or three steps share a second, and with it the order's time.
            at += Duration::milliseconds(400);
            let refund = WooRefund::new(id * 100 + number);
            match *step {
                Step::Refund { line, cents, items } => {
                    let refund = refund.line(line as u64 + 1, items, cents, cents / 5);
                    refunds.push(Refunded { refund, line: Some(line), cents });
                    modified_at = at;
                    self.tell(&mut told, id, &refunds, at, modified_at);
                }
                Step::Shipping { cents } => {
                    let refund = refund.shipping(cents, cents / 5);
                    refunds.push(Refunded { refund, line: None, cents });
                    modified_at = at;
                    self.tell(&mut told, id, &refunds, at, modified_at);
                }
                Step::Delete(place) => {
                    if place < refunds.len() {
                        refunds.remove(place);
                    }
                    self.tell(&mut told, id, &refunds, at, modified_at);
                }
                Step::Read => read(&mut told, &refunds, at),
                Step::Repeat => self.tell(&mut told, id, &refunds, at, modified_at),
            }
        }
        read(&mut told, &refunds, at + Duration::seconds(1));
        let left = LINES.iter().enumerate().map(|(line, (_, _, paid))| {
            let of_line = refunds.iter().filter(|one| one.line == Some(line));
            (paid - of_line.map(|one| one.cents).sum::<i64>()).max(0)
        });
        (told, left.collect())
    }

    fn tell(
        &self,
        told: &mut Vec<Told>,
        id: u64,
        refunds: &[Refunded],
        at: DateTime<Utc>,
        modified_at: DateTime<Utc>,
    ) {
        let mut order = WooOrder::new(id, minute(1)).without_lines().named("ALPHA");
        for (sku, quantity, cents) in LINES {
            order = order.line(sku, quantity, cents, cents / 5);
        }
        let outlines: Vec<Value> =
            refunds.iter().map(|one| one.refund.outline(self.tells_tax)).collect();
        let order = order.shipping(SHIPPING, SHIPPING / 5).with("refunds", json!(outlines));
        let body = order.with("date_modified_gmt", json!(gmt(modified_at))).0;
        let reference = format!("{id}-{}", told.len());
        told.push(Told { topic: "order.updated", reference, at, body });
    }
}

fn ingest(app: &TestApp, program: &Program, store: &Store, told: &Told) {
    let body = serde_json::to_vec(&told.body).unwrap();
    let event = parse_message(Platform::Woocommerce, told.topic, &body, false, told.at).unwrap();
    let arrival = intake::IncomingDelivery {
        merchant_id: program.merchant_id,
        store_id: store.id,
        source: intake::DeliverySource::Webhook,
        topic: told.topic.to_owned(),
        delivery_ref: told.reference.clone(),
        is_test: false,
        sent_at: None,
        received_at: told.at,
        body_gzip: intake::gzip(&body),
    };
    program.within(app, |conn| intake::ingest_one(conn, &arrival, event, &pseudonyms()));
}

/// What each affiliate has of each order.
fn earned(app: &TestApp, program: &Program) -> BTreeMap<(i64, usize), i64> {
    let rows: Vec<(Option<i64>, i64, i64)> = app.within_merchant(program.merchant_id, |conn| {
        conversions::table
            .select((
                conversions::order_id,
                conversions::affiliate_id,
                conversions::commission_minor,
            ))
            .load(conn)
    });
    let known = |id: i64| program.affiliates.iter().position(|known| *known == id).unwrap();
    rows.into_iter().map(|(order, who, minor)| ((order.unwrap(), known(who)), minor)).collect()
}

fn program(app: &TestApp, name: &str) -> (Program, Store) {
    let program = Program::new(app, name);
    let merchant_id = program.merchant_id;
    let store =
        app.within_merchant(merchant_id, |conn| Ok(connect_in(conn, merchant_id, "a.example")));
    (program, store)
}

#[test]
fn refunds_that_are_read_apart_end_in_one_ledger() {
    let app = TestApp::start();
    let config =
        Config { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let numbers = AtomicU32::new(0);
    let outcome =
        TestRunner::new_with_rng(config, rng).run(&(some(), any::<u64>()), |(lives, seed)| {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let all: Vec<_> = lives.iter().zip(1_u64..).map(|(life, id)| life.told(id)).collect();
            let mut told: Vec<Told> = all.iter().flat_map(|(told, _)| told.clone()).collect();
            let (first, first_store) = program(&app, &format!("In order {number}"));
            for one in &told {
                ingest(&app, &first, &first_store, one);
            }
            let again: Vec<Told> = told.iter().step_by(2).cloned().collect();
            told.extend(again);
            told.shuffle(&mut StdRng::seed_from_u64(seed));
            let (second, second_store) = program(&app, &format!("Shuffled {number}"));
            for one in &told {
                ingest(&app, &second, &second_store, one);
            }
            // A tenth of what is left of each line, for ALPHA and again for the SKU MUG.
            let expected: Vec<(usize, i64)> = all
                .iter()
                .flat_map(|(_, left)| {
                    let each: Vec<i64> =
                        left.iter().map(|minor| Rate::percent(10).of(*minor)).collect();
                    [(0, each.iter().sum()), (2, each[0])]
                })
                .collect();
            for program in [&first, &second] {
                let mut found: Vec<(usize, i64)> = earned(&app, program)
                    .into_iter()
                    .map(|((_, who), minor)| (who, minor))
                    .collect();
                let mut expected = expected.clone();
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(found, expected);
                prop_assert_eq!(recount::differences(&app, program.merchant_id), [""; 0]);
                let before = ledger::entries(&app, program);
                replay_everything(&app, program, seed);
                prop_assert_eq!(ledger::entries(&app, program), before, "a replay changed it");
            }
            prop_assert_eq!(ledger::of(&app, &first), ledger::of(&app, &second));
            Ok(())
        });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
