use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use flate2::Compression;
use flate2::write::GzEncoder;
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::times::{ClampedTime, DeliveryTimes};

use crate::features::ingest::failures;
use crate::kit::db::schema::deliveries;
use crate::kit::db::statement::{columns, statement};

/// One message of a store, as it came in. The signature was checked before.
#[derive(Clone, Debug)]
pub struct IncomingDelivery {
    /// Whose store it is.
    pub merchant_id: i64,
    /// Which store.
    pub store_id: i64,
    /// How it came.
    pub source: Source,
    /// What it is about, in the platform's word: `orders/create`.
    pub topic: String,
    /// The platform's id of the delivery; a second one with the same id changes nothing.
    pub delivery_ref: String,
    /// Whether it was marked as a test message.
    pub is_test: bool,
    /// When the store sent it, as far as it says so, or Vouch began to read it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The raw body, [`gzip`]; empty where it isn't kept.
    pub body_gzip: Vec<u8>,
}

/// How a message came, which says what a second one like it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The store sent it. One with an id that is known is a repetition.
    Webhook,
    /// A client sent it to the API, where two reports must not claim the same time.
    Api,
    /// Vouch read it: what was read before is true again, as of now.
    Read,
    /// It was kept, and is processed again as it came then.
    Replay,
}

impl IncomingDelivery {
    /// What tells it apart from another with the same timestamp of the store.
    pub(super) fn times(&self) -> DeliveryTimes {
        DeliveryTimes::new(self.sent_at, self.received_at)
    }
}

/// What is kept with a delivery.
#[derive(Default)]
pub(super) struct DeliveryRecord<'a> {
    pub outcome: DeliveryOutcome,
    pub detail: &'a str,
    pub order_id: Option<i64>,
    /// The store's timestamp, as it counts.
    pub reported_at: Option<DateTime<Utc>>,
    pub clamped: &'a [ClampedTime],
}

impl DeliveryRecord<'_> {
    fn clamped(&self) -> Vec<&'static str> {
        self.clamped.iter().map(|which| which.as_str()).collect()
    }
}

/// Packs a raw body: done before the transaction, so that the database need not.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Remembers a delivery. `None` if it was there already.
pub(super) fn remember(
    conn: &mut PgConnection,
    arrival: &IncomingDelivery,
    record: &DeliveryRecord<'_>,
) -> QueryResult<Option<i64>> {
    let body = Some(arrival.body_gzip.as_slice()).filter(|body| !body.is_empty());
    statement!(
        "INSERT INTO deliveries (:new.columns) VALUES (:new.values) \
         ON CONFLICT (merchant_id, store_id, topic, delivery_ref) DO NOTHING RETURNING id",
        ..new = columns!(
            merchant_id: BigInt = arrival.merchant_id,
            store_id: BigInt = arrival.store_id,
            topic: Text = arrival.topic.as_str(),
            delivery_ref: Text = arrival.delivery_ref.as_str(),
            received_at: Timestamptz = arrival.received_at,
            sent_at: Nullable<Timestamptz> = arrival.sent_at,
            reported_at: Nullable<Timestamptz> = record.reported_at,
            clamped_times: Array<Text> = record.clamped(),
            is_test: Bool = arrival.is_test,
            outcome: Text = record.outcome,
            detail: Text = record.detail,
            order_id: Nullable<BigInt> = record.order_id,
            body_gzip: Nullable<Binary> = body,
        ),
    )
    .scalar::<BigInt>()
    .get_result(conn)
    .optional()
}

/// The delivery of the same id that was there already, and when that one came.
pub(super) fn earlier(
    conn: &mut PgConnection,
    arrival: &IncomingDelivery,
) -> QueryResult<(i64, DeliveryTimes)> {
    let (id, sent_at, received_at) = deliveries::table
        .filter(deliveries::merchant_id.eq(arrival.merchant_id))
        .filter(deliveries::store_id.eq(arrival.store_id))
        .filter(deliveries::topic.eq(&arrival.topic))
        .filter(deliveries::delivery_ref.eq(&arrival.delivery_ref))
        .select((deliveries::id, deliveries::sent_at, deliveries::received_at))
        .first(conn)?;
    Ok((id, DeliveryTimes::new(sent_at, received_at)))
}

/// Lets the delivery of the same id that was there already stand for this one: what was read is
/// true again, or is processed at last.
pub(super) fn restate(
    conn: &mut PgConnection,
    arrival: &IncomingDelivery,
    record: &DeliveryRecord<'_>,
) -> QueryResult<i64> {
    let kept = deliveries::table
        .filter(deliveries::merchant_id.eq(arrival.merchant_id))
        .filter(deliveries::store_id.eq(arrival.store_id))
        .filter(deliveries::topic.eq(&arrival.topic))
        .filter(deliveries::delivery_ref.eq(&arrival.delivery_ref));
    let news = (record.outcome == DeliveryOutcome::TakenIn)
        .then(|| (deliveries::outcome.eq(record.outcome), deliveries::detail.eq(record.detail)));
    let id = diesel::update(kept)
        .set((
            deliveries::received_at.eq(arrival.received_at),
            deliveries::sent_at.eq(arrival.sent_at),
            deliveries::reported_at.eq(record.reported_at),
            deliveries::clamped_times.eq(record
                .clamped()
                .into_iter()
                .map(Some)
                .collect::<Vec<_>>()),
            deliveries::order_id.eq(record.order_id),
            news,
        ))
        .returning(deliveries::id)
        .get_result(conn)?;
    if record.outcome == DeliveryOutcome::TakenIn {
        failures::resolve(conn, arrival.merchant_id, id)?;
    }
    Ok(id)
}
