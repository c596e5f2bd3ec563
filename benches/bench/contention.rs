//! One merchant reassigns a code on many orders while updates of these orders come in; another
//! merchant's orders come in meanwhile, and before, when all is quiet.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use secrecy::SecretBox;
use vouch::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use vouch::features::auth::{self, NewUser};
use vouch::features::merchants::{self, NewMerchant, Owner};
use vouch::features::stores::{self, WebhookSecret};
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::audit::Actor;
use vouch::kit::db::Scope;
use vouch::kit::secrets::Encryptor;
use vouch_core::money::Currency;

use crate::load::{Connection, Measured};
use crate::program::{PASSWORD, Running, SECRET_KEY, Shop};
use crate::report;

/// Orders with the code that is reassigned.
const ORDERS: u64 = 500;
/// Of each merchant's stream.
const PER_SECOND: u32 = 20;
/// A stream is sent by so many connections in turn, so that a slow answer delays no other delivery.
const CONNECTIONS: u32 = 10;
/// From one reassignment to the next.
const EVERY: Duration = Duration::from_millis(1000);

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A merchant with an affiliate, a code, and a shop.
struct Merchant {
    shop: Shop,
    code: String,
    trigger_id: i64,
    affiliates: [i64; 2],
    owner: String,
}

pub(crate) fn measure(running: &Running, seconds: u64) {
    let tag = vouch::kit::clock::now().timestamp_micros();
    let busy = merchant(running, &format!("Busy {tag}"), "BUSY10");
    let other = merchant(running, &format!("Other {tag}"), "OTHER10");
    let first = NEXT.fetch_add(ORDERS, Ordering::Relaxed);
    let sale = |at: u64| running.order_of(&busy.shop, "orders/create", first + at, &busy.code);
    (0..ORDERS).for_each(|at| running.send(&sale(at)));

    let new_order = || {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        running.order_of(&other.shop, "orders/create", number, &other.code).request
    };
    // The first ones meet cold connections and caches.
    stream(&running.address, Duration::from_secs(2), &new_order);
    let quiet = stream(&running.address, Duration::from_secs(seconds), &new_order);

    let at = AtomicU64::new(0);
    let update = || {
        let at = at.fetch_add(1, Ordering::Relaxed) % ORDERS;
        running.order_of(&busy.shop, "orders/updated", first + at, &busy.code).request
    };
    let stop = AtomicBool::new(false);
    let during = Duration::from_secs(seconds);
    let (updates, contended, acts) = std::thread::scope(|scope| {
        let updates = scope.spawn(|| stream(&running.address, during, &update));
        let acts = scope.spawn(|| reassign_until(running, &busy, &stop));
        let contended = stream(&running.address, during, &new_order);
        stop.store(true, Ordering::Relaxed);
        (updates.join().expect("it ends"), contended, acts.join().expect("it ends"))
    });
    report::contention(&quiet, &contended, &updates, &acts);
}

fn merchant(running: &Running, name: &str, code: &str) -> Merchant {
    let now = vouch::kit::clock::now();
    let owner = format!("{}@bench.example", name.replace(' ', "-").to_lowercase());
    let password_hash = auth::hash(PASSWORD).unwrap_or_else(|error| panic!("{error}"));
    let user = NewUser {
        email: &owner,
        name: "Bench Owner",
        password_hash: Some(&password_hash),
        is_support: false,
    };
    let new = NewMerchant {
        name,
        currency: Currency::USD,
        time_zone: chrono_tz::Tz::UTC,
        owner: Owner::New(user),
    };
    let created = running
        .program
        .within_scope(Scope::Instance, |conn| Ok(merchants::create(conn, &new, now)))
        .unwrap_or_else(|error| panic!("{error}"));
    let actor = Actor::system(created.merchant_id, now);
    let secret = "a-secret-of-the-bench-0123456789";
    let made = running.program.within_scope(Scope::Merchant(created.merchant_id), |conn| {
        let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
        let parsed = WebhookSecret::parse(secret).unwrap_or_else(|error| panic!("{error}"));
        let address = format!("bench-{}.myshopify.com", created.merchant_id);
        let store = stores::connect_shopify(conn, &actor, &encryptor, &address, &parsed)
            .unwrap_or_else(|error| panic!("{error}"));
        let ids = ["one", "two"].map(|who| {
            let new = NewAffiliate {
                name: who.to_owned(),
                email: format!("{who}@affiliates.example"),
                status: AffiliateStatus::Active,
                offer_id: created.offer_id,
                note: String::new(),
                user_id: None,
            };
            affiliates::create(conn, &actor, &new).unwrap_or_else(|error| panic!("{error}")).id
        });
        let trigger = triggers::create(conn, &actor, ids[0], TriggerKind::CouponCode, code)
            .unwrap_or_else(|error| panic!("{error}"));
        QueryResult::Ok((store.store_key, ids, trigger.id))
    });
    let (store_key, affiliates, trigger_id) = made;
    let shop = Shop { store_key, secret: secret.as_bytes().to_vec() };
    Merchant { shop, code: code.to_owned(), trigger_id, affiliates, owner }
}

/// Sends what `request` makes at a steady pace, whatever the answers take. Times are counted from
/// when a request was to be sent, so that one that couldn't be sent in time isn't left out.
fn stream(address: &str, during: Duration, request: &(dyn Fn() -> Vec<u8> + Sync)) -> Answers {
    let begin = Instant::now();
    let period = Duration::from_secs(1) / PER_SECOND;
    let answers: Vec<(Duration, u16)> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|sender| {
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    let mut answers = Vec::new();
                    for at in (sender..).step_by(CONNECTIONS as usize) {
                        let due = begin + period * at;
                        if due >= begin + during {
                            return answers;
                        }
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let (status, _) = connection.ask(&request());
                        answers.push((due.elapsed(), status));
                    }
                    answers
                })
            })
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().expect("a sender ends")).collect()
    });
    let refused = answers.iter().filter(|(_, status)| *status != 200).count();
    let times = answers.into_iter().map(|(time, _)| time).collect();
    Answers { measured: Measured::of(times, begin.elapsed()), refused }
}

/// What a stream was answered.
pub(crate) struct Answers {
    pub measured: Measured,
    /// How many answers weren't a success.
    pub refused: usize,
}

/// Gives the code, with every order of today, to one affiliate and back.
fn reassign_until(running: &Running, merchant: &Merchant, stop: &AtomicBool) -> Answers {
    let cookie = running.sign_in_as(&merchant.owner);
    let path = format!("/triggers/{}/reassignment", merchant.trigger_id);
    let begin = Instant::now();
    let (mut times, mut refused) = (Vec::new(), 0);
    for round in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let to = merchant.affiliates[round % 2];
        let begun = Instant::now();
        let from = vouch::kit::clock::now().format("%Y-%m-%d");
        let fields = format!("affiliate_id={to}&from={from}");
        if running.post(&path, &cookie, &fields) != 303 {
            refused += 1;
        }
        times.push(begun.elapsed());
        std::thread::sleep(EVERY.saturating_sub(begun.elapsed()));
    }
    Answers { measured: Measured::of(times, begin.elapsed()), refused }
}
