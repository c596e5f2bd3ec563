//! Three months of the demo program. Webhooks and member actions run in chronological order through
//! the real functions.

use chrono::{DateTime, Datelike, Duration, NaiveTime, Timelike, Utc, Weekday};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use super::catalog::{self, DemoCustomer, DemoRefund, Sale};
use super::random::Random;
use super::roles::{self, ROLES};
use super::store::DemoStore;
use crate::features::affiliates::{self, AffiliateStatus};
use crate::features::conversions::manual::{Amount, credit_order, give};
use crate::features::conversions::{self, ConversionStatus, DenialReason, NewReview};
use crate::features::ingest::failures::FailureReason;
use crate::features::ingest::intake::{DeliverySource, IncomingDelivery, fail, gzip, ingest_one};
use crate::features::triggers::{self, Trigger};
use crate::kit::audit::Actor;
use crate::kit::db::schema::{
    affiliates as affiliate_rows, conversions as conversion_rows, orders as order_rows,
    triggers as trigger_rows,
};

const DAYS: i64 = 92;
/// How many days ago each change happened.
const REASSIGNED: i64 = 38;
const RETIRED: i64 = 55;
const DISABLED: i64 = 24;

enum Event {
    /// The store sends a webhook.
    Message {
        topic: &'static str,
        delivery_ref: String,
        body: Value,
    },
    /// A member reviews the pending conversions.
    Review,
    Reassign,
    Retire,
    Status {
        email: &'static str,
        status: AffiliateStatus,
    },
    Overrule,
    /// A manual credit.
    Give {
        email: &'static str,
        cents: i64,
        currency: Currency,
        why: &'static str,
    },
    /// Credits the newest order that has no conversion.
    ManualCredit {
        email: &'static str,
    },
}

pub(super) fn play(
    conn: &mut PgConnection,
    owner: &Actor,
    store: &DemoStore,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut events = Vec::new();
    let mut random = Random::new(92);
    sales(&mut events, &mut random, now);
    failures(&mut events, now);
    members(&mut events, now);
    events.retain(|(at, _)| *at < now);
    events.sort_by_key(|(at, _)| *at);
    for (at, event) in events {
        happen(conn, &Actor { now: at, ..owner.clone() }, store, event)?;
    }
    Ok(())
}

fn happen(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &DemoStore,
    event: Event,
) -> anyhow::Result<()> {
    match event {
        Event::Message { topic, delivery_ref, body } => {
            deliver(conn, actor.now, store, topic, delivery_ref, &body)?;
        }
        Event::Review => review(conn, actor)?,
        Event::Reassign => {
            let trigger = trigger(conn, actor, roles::REASSIGNED_CODE)?;
            let to = affiliate(conn, actor, roles::REASSIGNED_TO)?;
            triggers::reassign(conn, actor, &trigger, to, actor.now)?;
        }
        Event::Retire => {
            let trigger = trigger(conn, actor, roles::RETIRED_CODE)?;
            triggers::retire(conn, actor, &trigger)?;
        }
        Event::Status { email, status } => {
            let id = affiliate(conn, actor, email)?;
            affiliates::change_status(conn, actor, &[id], status)?;
        }
        Event::Overrule => {
            let first = conversion_rows::table
                .filter(conversion_rows::merchant_id.eq(actor.merchant_id))
                .filter(conversion_rows::reason.eq("own_purchase"))
                .order(conversion_rows::id)
                .select(conversion_rows::id)
                .first(conn)
                .optional()?;
            if let Some(id) = first {
                conversions::overrule(
                    conn,
                    actor,
                    id,
                    "Bought for a giveaway, as agreed by phone.",
                )?;
            }
        }
        Event::Give { email, cents, currency, why } => {
            let id = affiliate(conn, actor, email)?;
            let amount = Amount { minor: cents, currency, note: why };
            give(conn, actor, chrono_tz::America::New_York, id, &amount)?;
        }
        Event::ManualCredit { email } => {
            let id = affiliate(conn, actor, email)?;
            let order_id = order_rows::table
                .filter(order_rows::merchant_id.eq(actor.merchant_id))
                .filter(order_rows::credited_affiliate_id.is_null())
                .filter(order_rows::is_test.eq(false))
                .filter(diesel::dsl::not(diesel::dsl::exists(
                    // Also skips orders that only earned a royalty.
                    conversion_rows::table
                        .filter(conversion_rows::merchant_id.eq(order_rows::merchant_id))
                        .filter(conversion_rows::order_id.eq(order_rows::id.nullable())),
                )))
                .order(order_rows::id.desc())
                .select(order_rows::id)
                .first(conn)?;
            let why = "Customer forgot to enter the code and emailed us.";
            credit_order(conn, actor, id, order_id, why)?;
        }
    }
    Ok(())
}

fn deliver(
    conn: &mut PgConnection,
    at: DateTime<Utc>,
    store: &DemoStore,
    topic: &str,
    delivery_ref: String,
    body: &Value,
) -> QueryResult<()> {
    let bytes = body.to_string().into_bytes();
    let incoming = IncomingDelivery {
        merchant_id: store.merchant_id,
        store_id: store.store_id,
        source: DeliverySource::Webhook,
        topic: topic.to_owned(),
        delivery_ref,
        is_test: false,
        sent_at: Some(at),
        received_at: at,
        body_gzip: gzip(&bytes),
    };
    match parse_message(Platform::Shopify, topic, &bytes, false, at) {
        Ok(event) => ingest_one(conn, &incoming, event, &store.pseudonyms)?,
        Err(error) => fail(conn, &incoming, FailureReason::Unreadable, error.into())?,
    };
    Ok(())
}

/// Conversions that have been pending for two weeks are reviewed: most are approved, a few denied.
fn review(conn: &mut PgConnection, actor: &Actor) -> QueryResult<()> {
    let due: Vec<i64> = conversion_rows::table
        .filter(conversion_rows::merchant_id.eq(actor.merchant_id))
        .filter(conversion_rows::status.eq(ConversionStatus::Pending))
        .filter(conversion_rows::occurred_at.lt(actor.now - Duration::days(14)))
        .order(conversion_rows::id)
        .select(conversion_rows::id)
        .load(conn)?;
    let (denied, approved): (Vec<i64>, Vec<i64>) = due.into_iter().partition(|id| id % 19 == 0);
    let decide = |conn: &mut PgConnection, ids: &[i64], review: NewReview<'_>| match ids {
        [] => Ok(()),
        ids => conversions::review(conn, actor, ids, &review).map(drop),
    };
    decide(conn, &approved, NewReview::Approve { note: "" })?;
    let note = "Code was posted on a deal site.";
    decide(conn, &denied, NewReview::Deny { reason: DenialReason::Misuse, note })
}

fn trigger(conn: &mut PgConnection, actor: &Actor, code: &str) -> QueryResult<Trigger> {
    trigger_rows::table
        .filter(trigger_rows::merchant_id.eq(actor.merchant_id))
        .filter(trigger_rows::key.eq(code))
        .select(Trigger::as_select())
        .first(conn)
}

fn affiliate(conn: &mut PgConnection, actor: &Actor, email: &str) -> QueryResult<i64> {
    affiliate_rows::table
        .filter(affiliate_rows::merchant_id.eq(actor.merchant_id))
        .filter(affiliate_rows::email_key.eq(email))
        .select(affiliate_rows::id)
        .first(conn)
}

/// The members' actions.
fn members(events: &mut Vec<(DateTime<Utc>, Event)>, now: DateTime<Utc>) {
    for week in 0..DAYS / 7 {
        events.push((now - Duration::days(3 + 7 * week), Event::Review));
    }
    events.push((now - Duration::days(REASSIGNED), Event::Reassign));
    events.push((now - Duration::days(RETIRED), Event::Retire));
    events.push((now - Duration::days(2), Event::Overrule));
    let gifts = [
        (48, "maria@sol-y-mar.example", 15_000, Currency::USD, "Photo shoot for the summer box"),
        (12, "layla@example.lb", -1_240, Currency::USD, "Paid twice for order #1103"),
        (9, "j.gross@gruen.example", 5_000, Currency::EUR, "Booth at the Hamburg fair"),
    ];
    for (ago, email, cents, currency, why) in gifts {
        let event = Event::Give { email, cents, currency, why };
        events.push((now - Duration::days(ago), event));
    }
    let manual = Event::ManualCredit { email: "zoe@zoe-loves-tea.example" };
    events.push((now - Duration::days(6), manual));
    for part in &ROLES {
        let ago = match part.status {
            AffiliateStatus::Denied => 61,
            AffiliateStatus::Disabled => DISABLED,
            AffiliateStatus::Active | AffiliateStatus::Pending => continue,
        };
        let event = Event::Status { email: part.email, status: part.status };
        events.push((now - Duration::days(ago), event));
    }
}

/// Webhooks that Vouch can't parse.
fn failures(events: &mut Vec<(DateTime<Utc>, Event)>, now: DateTime<Utc>) {
    let broken = [
        (
            31,
            "orders/updated",
            json!({ "id": 5_711_000_000_777_u64, "name": "#1777", "currency": "XBT" }),
        ),
        (
            4,
            "orders/create",
            json!({ "id": 5_711_000_000_778_u64, "name": "#1778", "currency": "USD",
            "line_items": [{ "id": 1, "title": "Gift card", "quantity": 1, "price": "twenty" }] }),
        ),
        (1, "carts/update", json!({ "id": "c1-9a1f", "line_items": [] })),
    ];
    for (ago, topic, body) in broken {
        let delivery_ref = format!("demo-broken-{ago}");
        let event = Event::Message { topic, delivery_ref, body };
        events.push((now - Duration::days(ago) - Duration::hours(2), event));
    }
}

/// The orders of three months, with everything that follows from them.
fn sales(events: &mut Vec<(DateTime<Utc>, Event)>, random: &mut Random, now: DateTime<Utc>) {
    let mut number = 1_001;
    for ago in (0..=DAYS).rev() {
        let day = now - Duration::days(ago);
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        // A store that grows slowly and sells more on weekends.
        let mut count = random.between(2, 4) + (DAYS - ago) / 40 + i64::from(weekend) * 2;
        if ago == 17 {
            // María's newsletter goes out.
            count += 7;
        }
        let mut moments: Vec<DateTime<Utc>> = (0..count).map(|_| moment(day, random)).collect();
        moments.sort();
        for placed_at in moments.into_iter().filter(|at| *at < now) {
            let sale = sale(number, placed_at, now, random);
            number += 1;
            follow(events, sale, random);
        }
    }
}

/// A random time that day. Afternoons in New York are busiest.
fn moment(day: DateTime<Utc>, random: &mut Random) -> DateTime<Utc> {
    let midnight = day - Duration::seconds(i64::from(day.num_seconds_from_midnight()));
    let midnight = midnight.with_nanosecond(0).unwrap_or(midnight);
    debug_assert_eq!(midnight.time(), NaiveTime::MIN);
    let hour = (random.between(8, 23) + random.between(8, 27)) / 2;
    midnight + Duration::hours(hour) + Duration::seconds(random.between(0, 3_599))
}

/// A new order with a random customer's codes.
fn sale(number: u64, placed_at: DateTime<Utc>, now: DateTime<Utc>, random: &mut Random) -> Sale {
    let mut sale = Sale {
        id: 5_711_000_000_000 + number * 8_191,
        number,
        placed_at,
        updated_at: placed_at,
        cancelled_at: None,
        is_test: false,
        payment: if random.percent(85) { "paid" } else { "pending" },
        demo_customer: Some(catalog::demo_customer(random)),
        lines: catalog::basket(random),
        codes: Vec::new(),
        tax_basis_points: if random.percent(40) { 888 } else { 0 },
        refunds: Vec::new(),
    };
    let days_ago = (now - placed_at).num_days();
    match random.below(100) {
        0..=9 => {}
        10..=14 => {
            sale.codes.push((random.pick(&["WELCOME5", "FREESHIP", "maria1o"]).to_string(), 500))
        }
        15..=20 => {
            let code = any_code(random, days_ago);
            let typed = if random.percent(50) { code.to_lowercase() } else { format!(" {code} ") };
            sale.codes.push((typed, 1_000));
        }
        21..=25 => {
            sale.codes.push((any_code(random, days_ago).to_owned(), 1_000));
            sale.codes.push((any_code(random, days_ago).to_owned(), 500));
            sale.codes.dedup_by(|one, other| one.0 == other.0);
        }
        26..=27 => {
            sale.is_test = true;
            sale.codes.push(("MARIA10".to_owned(), 1_000));
        }
        28..=29 => own_purchase(&mut sale, random),
        30..=32 => {
            sale.demo_customer = Some(DemoCustomer {
                first: "Riverside".to_owned(),
                last: "Spa".to_owned(),
                email: roles::THE_CUSTOMER.to_owned(),
            });
        }
        33..=34 => sale.demo_customer = None,
        35..=37 => sale.codes.push((roles::RETIRED_CODE.to_owned(), 1_500)),
        _ => sale.codes.push((any_code(random, days_ago).to_owned(), 1_000)),
    }
    if days_ago == 17 && !sale.is_test {
        sale.codes = vec![("MARIA-SUMMER".to_owned(), 1_500)];
    }
    sale
}

fn own_purchase(sale: &mut Sale, random: &mut Random) {
    let buyer = &ROLES[usize::try_from(random.between(0, 5)).unwrap_or_default()];
    sale.codes.push((buyer.codes[0].to_owned(), 1_000));
    let (first, last) = buyer.name.split_once(' ').unwrap_or((buyer.name, ""));
    sale.demo_customer = Some(DemoCustomer {
        first: first.to_owned(),
        last: last.to_owned(),
        email: buyer.email.to_owned(),
    });
}

/// A code that customers know, popular ones more often. Codes of disabled affiliates fade out after
/// a while.
fn any_code(random: &mut Random, days_ago: i64) -> &'static str {
    let total: u64 = ROLES.iter().map(|part| part.weight).sum();
    loop {
        let mut left = random.below(total);
        let part = ROLES.iter().find(|part| {
            let found = left < part.weight;
            left = left.saturating_sub(part.weight);
            found
        });
        let Some(part) = part else { continue };
        if part.status == AffiliateStatus::Disabled && days_ago < 14 {
            continue;
        }
        return random.pick::<&str>(part.codes);
    }
}

/// The webhooks that an order causes: created, and perhaps paid, refunded or canceled. Some come
/// twice, some late.
fn follow(events: &mut Vec<(DateTime<Utc>, Event)>, mut sale: Sale, random: &mut Random) {
    let soon = |random: &mut Random| Duration::seconds(random.between(2, 20));
    let created = sale.placed_at + soon(random);
    push(events, created, "orders/create", &sale, None);
    if random.percent(3) {
        // Shopify got no response in time and retries.
        push(events, created + Duration::seconds(61), "orders/create", &sale, None);
    }
    if sale.payment == "pending" && random.percent(90) {
        sale.payment = "paid";
        sale.updated_at = sale.placed_at + Duration::hours(random.between(2, 60));
        push(events, sale.updated_at + soon(random), "orders/paid", &sale, None);
    }
    match random.below(100) {
        0..=3 => {
            sale.updated_at += Duration::hours(random.between(1, 20));
            sale.cancelled_at = Some(sale.updated_at);
            sale.payment = "voided";
            push(events, sale.updated_at + soon(random), "orders/cancelled", &sale, None);
        }
        4..=13 => give_back(events, &mut sale, random),
        14..=20 => {
            // A note was added to the order, which changes nothing that matters to Vouch.
            sale.updated_at += Duration::hours(random.between(5, 70));
            push(events, sale.updated_at + soon(random), "orders/updated", &sale, None);
        }
        _ => {}
    }
}

/// One line is returned, fully or partly. The refund's webhook and the order's can arrive in either
/// order.
fn give_back(events: &mut Vec<(DateTime<Utc>, Event)>, sale: &mut Sale, random: &mut Random) {
    let line = usize::try_from(random.below(sale.lines.len() as u64)).unwrap_or_default();
    sale.updated_at += Duration::hours(random.between(40, 340));
    let quantity = random.between(1, sale.lines[line].quantity);
    let refund = DemoRefund { id: sale.id + 1, line, quantity, at: sale.updated_at };
    sale.refunds.push(refund.clone());
    let everything = sale.lines.len() == 1 && quantity == sale.lines[line].quantity;
    sale.payment = if everything { "refunded" } else { "partially_refunded" };
    let (first, second) = (Duration::seconds(3), Duration::seconds(9));
    let refund_first = random.percent(50);
    let (refund_after, order_after) = if refund_first { (first, second) } else { (second, first) };
    push(events, sale.updated_at + refund_after, "refunds/create", sale, Some(&refund));
    push(events, sale.updated_at + order_after, "orders/updated", sale, None);
}

fn push(
    events: &mut Vec<(DateTime<Utc>, Event)>,
    at: DateTime<Utc>,
    topic: &'static str,
    sale: &Sale,
    refund: Option<&DemoRefund>,
) {
    let body = refund.map_or_else(|| sale.body(), |refund| sale.refund_body(refund));
    let delivery_ref = format!("demo-{}-{}", sale.id, sale.updated_at.timestamp());
    events.push((at, Event::Message { topic, delivery_ref, body }));
}
