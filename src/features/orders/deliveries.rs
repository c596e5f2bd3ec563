//! Webhook deliveries: the list, and one of them with its body.

use chrono::{DateTime, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::times::ClampedTime;

use super::explain::DeliveryHead;
use crate::features::ingest::failures::{self, DeliveryFailure};
use crate::features::ingest::replay::unpack;
use crate::kit::db::schema::{deliveries, stores};
use crate::kit::db::statement::statement;
use crate::kit::lists::{COUNT_LIMIT, ColumnType, Count, Listing, Range, SortOrder};

/// The newest first.
pub(crate) const NEWEST: SortOrder =
    SortOrder::descending(&[("received_at", ColumnType::Time), ("id", ColumnType::Number)]);

type Boxed = IntoBoxed<'static, deliveries::table, Pg>;

fn matching(merchant_id: i64, outcome: Option<DeliveryOutcome>) -> Boxed {
    let query =
        deliveries::table.into_boxed::<Pg>().filter(deliveries::merchant_id.eq(merchant_id));
    match outcome {
        Some(outcome) => query.filter(deliveries::outcome.eq(outcome)),
        None => query,
    }
}

/// Some of the messages, and how many there are.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    outcome: Option<DeliveryOutcome>,
    range: &Range,
) -> QueryResult<(Listing<DeliveryHead>, Count)> {
    let count = Count::of(conn, matching(merchant_id, outcome).select(deliveries::id))?;
    let query = matching(merchant_id, outcome).select(DeliveryHead::as_select());
    let rows: Vec<DeliveryHead> = range.walk(query).load(conn)?;
    Ok((range.listing(rows, |row| (row.received_at, row.id)), count))
}

/// How many deliveries failed and are neither retried automatically nor past being replayed.
pub(crate) fn count_failed(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    statement!(
        "SELECT count(*) FROM (SELECT 1 FROM deliveries d \
             WHERE d.merchant_id = :merchant_id AND d.outcome = 'failed' \
                 AND d.body_gzip IS NOT NULL \
                 AND NOT EXISTS (SELECT FROM jobs j WHERE j.merchant_id = d.merchant_id \
                     AND j.kind = 'delivery_retries' AND j.target_id = 0 AND j.key = d.id::text \
                     AND j.dead_at IS NULL) \
             LIMIT :at_most) n",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .scalar::<BigInt>()
    .get_result(conn)
}

/// The IDs of failed deliveries whose bodies are still stored, in the order in which they're
/// replayed, the oldest first.
pub(crate) fn failed(
    conn: &mut PgConnection,
    merchant_id: i64,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Failed))
        .filter(deliveries::body_gzip.is_not_null())
        .order(deliveries::id)
        .limit(limit)
        .select(deliveries::id)
        .load(conn)
}

/// One delivery, with its body if that's still stored.
pub(crate) struct Delivery {
    pub(crate) head: DeliveryHead,
    /// The store's name.
    pub(crate) store: String,
    /// The platform's ID of the delivery.
    pub(crate) delivery_ref: String,
    /// When the store sent it, if that's known, or when Vouch began to read it.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// The store's timestamp of the snapshot, after clamping.
    pub(crate) reported_at: Option<DateTime<Utc>>,
    /// Timestamps that were too far ahead. The time of receipt counts instead.
    pub(crate) clamped: Vec<ClampedTime>,
    /// The raw body; `None` after the retention period.
    pub(crate) body: Option<Vec<u8>>,
    /// Why it failed, and when it's retried; `None` unless it failed.
    pub(crate) failure: Option<DeliveryFailure>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DeliveryDetails {
    delivery_ref: String,
    sent_at: Option<DateTime<Utc>>,
    reported_at: Option<DateTime<Utc>>,
    clamped_times: Vec<Option<String>>,
    body_gzip: Option<Vec<u8>>,
}

impl Delivery {
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        let (head, details, store): (DeliveryHead, DeliveryDetails, String) = deliveries::table
            .inner_join(
                stores::table.on(stores::merchant_id
                    .eq(deliveries::merchant_id)
                    .and(stores::id.eq(deliveries::store_id))),
            )
            .filter(deliveries::merchant_id.eq(merchant_id))
            .filter(deliveries::id.eq(id))
            .select((DeliveryHead::as_select(), DeliveryDetails::as_select(), stores::name))
            .first(conn)?;
        let DeliveryDetails { delivery_ref, sent_at, reported_at, clamped_times, body_gzip } =
            details;
        let clamped = clamped_times.iter().flatten().filter_map(|name| ClampedTime::parse(name));
        let body = body_gzip.as_deref().and_then(unpack);
        let clamped = clamped.collect();
        let failure = match head.outcome {
            DeliveryOutcome::Failed => failures::find(conn, merchant_id, id)?,
            _ => None,
        };
        Ok(Self { head, store, delivery_ref, sent_at, reported_at, clamped, body, failure })
    }
}
