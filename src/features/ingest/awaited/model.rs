use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use vouch_core::delivery::DeliveryOutcome;

use crate::features::stores::Store;
use crate::kit::db::prepared;
use crate::kit::db::schema::deliveries;
use crate::kit::store_jobs::{self, JobKind};

/// As many orders are looked up at once.
const PORTION: i64 = 50;

/// Says for which order a message waits, which was just remembered.
pub fn wait_for(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
    order_ref: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(deliveries::table.find((merchant_id, delivery_id)))
        .set((
            deliveries::outcome.eq(DeliveryOutcome::Waiting),
            deliveries::detail.eq(""),
            deliveries::awaited_ref.eq(order_ref),
            deliveries::awaited_at.eq(now),
            deliveries::awaited_tries.eq(0),
        ))
        .execute(conn)
        .map(drop)
}

/// Lets a message wait once more: its order is read anew.
pub fn wait_again(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    delivery_id: i64,
    order_ref: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    wait_for(conn, merchant_id, delivery_id, order_ref, now)?;
    store_jobs::make_due(conn, merchant_id, store_id, JobKind::Orders, now)
}

/// An order that messages wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The store's own id of it.
    pub order_ref: String,
    /// The messages that wait for it by now.
    pub deliveries: Vec<i64>,
    /// How often reading it has failed.
    pub tries: i32,
}

/// Some of the orders that are due, the longest awaited first.
pub(super) fn due(
    conn: &mut PgConnection,
    store: &Store,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Awaited>> {
    let rows: Vec<(String, Vec<i64>, i32)> = prepared::<(Text, Array<BigInt>, Integer)>(
        "SELECT awaited_ref, array_agg(id), max(awaited_tries) FROM deliveries \
         WHERE merchant_id = ? AND store_id = ? AND outcome = 'waiting' \
         GROUP BY awaited_ref HAVING min(awaited_at) <= ? ORDER BY min(awaited_at) LIMIT ?",
    )
    .bind::<BigInt, _>(store.merchant_id)
    .bind::<BigInt, _>(store.id)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(PORTION)
    .load(conn)?;
    let awaited = |(order_ref, deliveries, tries)| Awaited { order_ref, deliveries, tries };
    Ok(rows.into_iter().map(awaited).collect())
}

/// When the next order is due; `None` while no message waits.
pub(super) fn next_due(
    conn: &mut PgConnection,
    store: &Store,
) -> QueryResult<Option<DateTime<Utc>>> {
    deliveries::table
        .filter(deliveries::merchant_id.eq(store.merchant_id))
        .filter(deliveries::store_id.eq(store.id))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Waiting))
        .select(min(deliveries::awaited_at))
        .first(conn)
}

/// Ends the waiting of the messages that a call answers.
pub(super) fn settle(
    conn: &mut PgConnection,
    store: &Store,
    awaited: &Awaited,
    outcome: DeliveryOutcome,
    detail: &str,
    order_id: Option<i64>,
) -> QueryResult<()> {
    let answered = deliveries::table
        .filter(deliveries::merchant_id.eq(store.merchant_id))
        .filter(deliveries::id.eq_any(&awaited.deliveries))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Waiting));
    diesel::update(answered)
        .set((
            deliveries::outcome.eq(outcome),
            deliveries::detail.eq(detail),
            deliveries::order_id.eq(order_id),
        ))
        .execute(conn)
        .map(drop)
}

/// Lets the messages wait until `until`, and says why.
pub(super) fn put_off(
    conn: &mut PgConnection,
    store: &Store,
    awaited: &Awaited,
    reason: &str,
    until: DateTime<Utc>,
) -> QueryResult<()> {
    let unanswered = deliveries::table
        .filter(deliveries::merchant_id.eq(store.merchant_id))
        .filter(deliveries::id.eq_any(&awaited.deliveries))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Waiting));
    diesel::update(unanswered)
        .set((
            deliveries::detail.eq(reason),
            deliveries::awaited_at.eq(until),
            deliveries::awaited_tries.eq(awaited.tries + 1),
        ))
        .execute(conn)
        .map(drop)
}
