//! Orders that stores send again until they're acknowledged, a ledger of them, and who looks on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use ureq::Agent;

use super::instance::{Instance, agent};
use crate::harness::PASSWORD;
use crate::harness::shopify::{ShopifyOrder, sign};

/// Threads that send orders; each waits for its answer, as a store's does.
const SENDERS: u64 = 6;
/// From one order of a sender to its next.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often the health checks and a page are asked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Longer than any request may take: one that waits longer is told apart from one that's cut.
const TIMEOUT: Duration = Duration::from_secs(30);
/// From an answer that isn't a success to the next try.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// What an order earns: 10% of 95.00 USD.
const COMMISSION: i64 = 950;
/// The orders of a run have ids of their own.
const FIRST_ORDER: u64 = 7_000_000_000;

static NEXT_ORDER: AtomicU64 = AtomicU64::new(FIRST_ORDER);

/// What asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Order,
    Health,
    Page,
}

/// One request and its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub asked: Asked,
    pub at: Instant,
    pub took: Duration,
    /// 0 where the connection was refused or cut.
    pub status: u16,
}

/// An order on its way: always the same delivery, however often it's sent.
#[derive(Clone)]
struct Sale {
    shop: usize,
    number: u64,
    body: String,
}

impl Sale {
    fn next() -> Self {
        let number = NEXT_ORDER.fetch_add(1, Ordering::Relaxed);
        let order = ShopifyOrder::new(number, vouch::kit::clock::now()).code("ADA10", "5.00");
        let shop = usize::try_from(number % 2).unwrap();
        // The other merchant's currency is the euro.
        let order = if shop == 1 { order.in_the_other_currency() } else { order };
        Self { shop, number, body: order.0.to_string() }
    }
}

/// What was sent since the last check.
#[derive(Default)]
pub(super) struct Ledger {
    acknowledged: Mutex<BTreeMap<u64, u64>>,
    waiting: Mutex<VecDeque<Sale>>,
    answers: Mutex<Vec<Answer>>,
    sent: AtomicU64,
}

/// What became of everything that was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryCounts {
    pub acknowledged: usize,
    /// Orders that are there, credited once.
    pub stored: usize,
    /// Orders with more than one credit, or another amount.
    pub doubled: usize,
}

impl Ledger {
    /// Sends orders and looks on, until `work` has ended.
    pub(super) fn during<T>(&self, instance: &Instance, work: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        let cookie = sign_in(instance);
        let running = &|| !stop.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| self.send_while(instance, running));
            }
            for path in ["/healthz", "/readyz", "/dashboard"] {
                let cookie = &cookie;
                scope.spawn(move || self.look_while(instance, path, cookie, running));
            }
            // Also when `work` panics: the threads have to end before the panic goes on.
            let _stops = Stops(&stop);
            work()
        })
    }

    fn send_while(&self, instance: &Instance, running: &(dyn Fn() -> bool + Sync)) {
        let agent = agent(TIMEOUT);
        while running() {
            let begun = Instant::now();
            let again = locked(&self.waiting).pop_front();
            self.send(instance, &agent, again.unwrap_or_else(Sale::next));
            std::thread::sleep(INTERVAL.saturating_sub(begun.elapsed()));
        }
    }

    fn send(&self, instance: &Instance, agent: &Agent, sale: Sale) {
        let at = Instant::now();
        let status = post(instance, agent, &sale);
        self.note(Answer { asked: Asked::Order, at, took: at.elapsed(), status });
        self.sent.fetch_add(1, Ordering::Relaxed);
        if (200..300).contains(&status) {
            *locked(&self.acknowledged).entry(sale.number).or_default() += 1;
        } else {
            std::thread::sleep(TRY_AGAIN);
            locked(&self.waiting).push_back(sale);
        }
    }

    fn look_while(
        &self,
        instance: &Instance,
        path: &str,
        cookie: &str,
        running: &(dyn Fn() -> bool + Sync),
    ) {
        let agent = agent(TIMEOUT);
        let url = format!("{}{path}", instance.base);
        let asked = if path == "/dashboard" { Asked::Page } else { Asked::Health };
        while running() {
            let at = Instant::now();
            let answer = agent.get(&url).header("cookie", cookie).call();
            let status = answer.map_or(0, |answer| answer.status().as_u16());
            self.note(Answer { asked, at, took: at.elapsed(), status });
            instance.sample_memory();
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn note(&self, answer: Answer) {
        locked(&self.answers).push(answer);
    }

    /// When the first order was acknowledged that was answered after `end`.
    pub(super) fn first_success_after(&self, end: Instant) -> Option<Duration> {
        let answers = locked(&self.answers);
        let is_success =
            |answer: &&Answer| answer.asked == Asked::Order && (200..300).contains(&answer.status);
        let times = answers.iter().filter(is_success).map(|answer| answer.at + answer.took);
        times.filter_map(|at| at.checked_duration_since(end)).min()
    }

    /// Sends again what wasn't acknowledged, as stores do; whether all of it is now.
    pub(super) fn send_the_rest(&self, instance: &Instance) -> bool {
        let agent = agent(TIMEOUT);
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            let Some(sale) = locked(&self.waiting).pop_front() else { return true };
            self.send(instance, &agent, sale);
        }
        locked(&self.waiting).is_empty()
    }

    /// Compares with the database, which has some time to get there.
    pub(super) fn check(&self, instance: &Instance) -> DeliveryCounts {
        let begun = Instant::now();
        loop {
            let counts = self.look_up(instance);
            let is_whole = counts.stored == counts.acknowledged;
            if is_whole || counts.doubled > 0 || begun.elapsed() > TIMEOUT {
                return counts;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn look_up(&self, instance: &Instance) -> DeliveryCounts {
        let numbers: Vec<String> =
            locked(&self.acknowledged).keys().map(ToString::to_string).collect();
        let rows: Vec<Credited> = diesel::sql_query(
            "SELECT count(DISTINCT o.id) AS orders, count(c.id) AS credits, \
                 coalesce(sum(c.commission_minor), 0)::bigint AS commission \
             FROM orders o LEFT JOIN conversions c \
                 ON c.merchant_id = o.merchant_id AND c.order_id = o.id AND c.commission_minor <> 0 \
             WHERE o.order_ref = ANY($1) GROUP BY o.order_ref",
        )
        .bind::<Array<Text>, _>(&numbers)
        .load(&mut instance.admin())
        .unwrap();
        let is_right =
            |row: &&Credited| row.orders == 1 && row.credits == 1 && row.commission == COMMISSION;
        let is_doubled =
            |row: &&Credited| row.orders > 1 || row.credits > 1 || row.commission > COMMISSION;
        DeliveryCounts {
            acknowledged: numbers.len(),
            stored: rows.iter().filter(is_right).count(),
            doubled: rows.iter().filter(is_doubled).count(),
        }
    }

    /// Every answer so far.
    pub(super) fn answers(&self) -> Vec<Answer> {
        locked(&self.answers).clone()
    }

    /// How many requests with orders were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

#[derive(QueryableByName)]
struct Credited {
    #[diesel(sql_type = BigInt)]
    orders: i64,
    #[diesel(sql_type = BigInt)]
    credits: i64,
    #[diesel(sql_type = BigInt)]
    commission: i64,
}

struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn post(instance: &Instance, agent: &Agent, sale: &Sale) -> u16 {
    let shop = &instance.shops[sale.shop];
    let answer = agent
        .post(format!("{}/hooks/shopify/{}", instance.base, shop.store_key))
        .header("content-type", "application/json")
        .header("x-shopify-topic", "orders/create")
        .header("x-shopify-webhook-id", format!("chaos-{}", sale.number))
        .header("x-shopify-hmac-sha256", sign(shop.secret, sale.body.as_bytes()))
        .send(sale.body.as_bytes());
    answer.map_or(0, |answer| answer.status().as_u16())
}

/// The session of the owner of the first merchant.
fn sign_in(instance: &Instance) -> String {
    let person = instance.person();
    let page = person.get("/login");
    let typed = [("email", "owner@acme.example"), ("password", PASSWORD)];
    assert_eq!(person.submit(&page, "form", &typed).status, 303);
    person.cookie().expect("sign-in gives a session")
}
