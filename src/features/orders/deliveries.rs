//! Webhook deliveries: the list, and one of them with its body.

use chrono::{DateTime, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::times::ClampedTime;

use super::explain::DeliveryHead;
use crate::features::ingest::failures::{self, Failure};
use crate::features::ingest::replay::unpack;
use crate::kit::db::listing::{beyond, count_of};
use crate::kit::db::schema::{deliveries, stores};
use crate::kit::web::paginate::{COUNT_LIMIT, Cursor, Listing, PAGE_SIZE};

/// The position of a row; the newest comes first.
pub type Place = (DateTime<Utc>, i64);

type Boxed = IntoBoxed<'static, deliveries::table, Pg>;

fn matching(merchant_id: i64, outcome: Option<DeliveryOutcome>) -> Boxed {
    let query =
        deliveries::table.into_boxed::<Pg>().filter(deliveries::merchant_id.eq(merchant_id));
    match outcome {
        Some(outcome) => query.filter(deliveries::outcome.eq(outcome)),
        None => query,
    }
}

/// One page of deliveries, and their count. It's exact up to the limit for counts on pages, and one
/// more beyond it.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    outcome: Option<DeliveryOutcome>,
    cursor: &Cursor<Place>,
) -> QueryResult<(Listing<DeliveryHead>, i64)> {
    let all = matching(merchant_id, outcome).select(deliveries::id).limit(COUNT_LIMIT + 1);
    let count = count_of(all).get_result(conn)?;
    let mut query = matching(merchant_id, outcome);
    let backward = cursor.is_backward();
    if let Cursor::After((at, id)) | Cursor::Before((at, id)) = cursor {
        let columns = "deliveries.received_at, deliveries.id";
        query = query.filter(beyond::<Timestamptz, _>(columns, !backward, *at, *id));
    }
    let query = if backward {
        query.order((deliveries::received_at, deliveries::id))
    } else {
        query.order((deliveries::received_at.desc(), deliveries::id.desc()))
    };
    let rows = query.select(DeliveryHead::as_select()).limit(PAGE_SIZE as i64 + 1).load(conn)?;
    Ok((Listing::new(rows, cursor, |row: &DeliveryHead| (row.received_at, row.id)), count))
}

/// The IDs of failed deliveries whose bodies are still stored, in the order in which they're
/// replayed, the oldest first.
pub fn failed(conn: &mut PgConnection, merchant_id: i64, limit: i64) -> QueryResult<Vec<i64>> {
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
pub struct Delivery {
    pub head: DeliveryHead,
    /// The store's name.
    pub store: String,
    /// The platform's ID of the delivery.
    pub delivery_ref: String,
    /// When the store sent it, if that's known, or when Vouch began to read it.
    pub sent_at: Option<DateTime<Utc>>,
    /// The store's timestamp of the snapshot, after clamping.
    pub reported_at: Option<DateTime<Utc>>,
    /// Timestamps that were too far ahead. The time of receipt counts instead.
    pub clamped: Vec<ClampedTime>,
    /// The raw body; `None` after the retention period.
    pub body: Option<Vec<u8>>,
    /// Why it failed, and when it's retried; `None` unless it failed.
    pub failure: Option<Failure>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct Kept {
    delivery_ref: String,
    sent_at: Option<DateTime<Utc>>,
    reported_at: Option<DateTime<Utc>>,
    clamped_times: Vec<Option<String>>,
    body_gzip: Option<Vec<u8>>,
}

impl Delivery {
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        let (head, kept, store): (DeliveryHead, Kept, String) = deliveries::table
            .inner_join(
                stores::table.on(stores::merchant_id
                    .eq(deliveries::merchant_id)
                    .and(stores::id.eq(deliveries::store_id))),
            )
            .filter(deliveries::merchant_id.eq(merchant_id))
            .filter(deliveries::id.eq(id))
            .select((DeliveryHead::as_select(), Kept::as_select(), stores::name))
            .first(conn)?;
        let Kept { delivery_ref, sent_at, reported_at, clamped_times, body_gzip } = kept;
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
