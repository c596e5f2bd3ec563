use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz};
use flate2::Compression;
use flate2::write::GzEncoder;
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::times::{ClampedTime, DeliveryTimes};

use crate::features::ingest::failures;
use crate::features::ingest::text::DeliveryReason;
use crate::kit::db::schema::deliveries;
use crate::kit::db::statement::{columns, statement};
use crate::kit::stored_text::StoredText;

/// One delivery from a store. Its signature was verified before.
#[derive(Clone, Debug)]
pub struct IncomingDelivery {
    pub merchant_id: i64,
    pub store_id: i64,
    pub source: DeliverySource,
    /// The platform's name of the event: `orders/create`.
    pub topic: String,
    /// The platform's ID of the delivery. A second one with the same ID changes nothing.
    pub delivery_ref: String,
    /// Whether it's marked as a test.
    pub is_test: bool,
    /// When the store sent it, if that's known, or when Vouch began to read it.
    pub sent_at: Option<DateTime<Utc>>,
    pub received_at: DateTime<Utc>,
    /// The raw body, compressed with [`gzip`]. Empty if it isn't stored.
    pub body_gzip: Vec<u8>,
}

/// How a delivery arrived, which decides how a repeat is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliverySource {
    /// Sent by the store. A known ID means a repeat.
    Webhook,
    /// Sent to the API by a client. Two reports of an order must not claim the same time.
    Api,
    /// Read by Vouch. Data that was read before is current again, as of now.
    Read,
    /// Stored earlier, and processed again with its original times.
    Replay,
}

impl IncomingDelivery {
    /// Its times, to order deliveries that have the same timestamp of the store.
    pub(super) fn times(&self) -> DeliveryTimes {
        DeliveryTimes::new(self.sent_at, self.received_at)
    }
}

/// The result that's stored with a delivery.
#[derive(Default)]
pub(super) struct DeliveryRecord<'a> {
    pub(crate) outcome: DeliveryOutcome,
    /// Why it failed or was ignored.
    pub(crate) reason: Option<StoredText<DeliveryReason>>,
    pub(crate) order_id: Option<i64>,
    /// The store's timestamp, after implausible times were clamped.
    pub(crate) reported_at: Option<DateTime<Utc>>,
    pub(crate) clamped: &'a [ClampedTime],
}

impl DeliveryRecord<'_> {
    fn clamped(&self) -> Vec<&'static str> {
        self.clamped.iter().map(|which| which.as_str()).collect()
    }
}

/// Compresses a raw body before the transaction, so that the database doesn't have to.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory can't fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Inserts the delivery. `None` if it's already stored.
pub(super) fn remember(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    record: &DeliveryRecord<'_>,
) -> QueryResult<Option<i64>> {
    let body = Some(incoming.body_gzip.as_slice()).filter(|body| !body.is_empty());
    statement!(
        "INSERT INTO deliveries (:new.columns) VALUES (:new.values) \
         ON CONFLICT (merchant_id, store_id, topic, delivery_ref) DO NOTHING RETURNING id",
        ..new = columns!(
            merchant_id: BigInt = incoming.merchant_id,
            store_id: BigInt = incoming.store_id,
            topic: Text = incoming.topic.as_str(),
            delivery_ref: Text = incoming.delivery_ref.as_str(),
            received_at: Timestamptz = incoming.received_at,
            sent_at: Nullable<Timestamptz> = incoming.sent_at,
            reported_at: Nullable<Timestamptz> = record.reported_at,
            clamped_times: Array<Text> = record.clamped(),
            is_test: Bool = incoming.is_test,
            outcome: Text = record.outcome,
            reason: Nullable<Jsonb> = record.reason.as_ref(),
            order_id: Nullable<BigInt> = record.order_id,
            body_gzip: Nullable<Binary> = body,
        ),
    )
    .scalar::<BigInt>()
    .get_result(conn)
    .optional()
}

/// The ID and times of the stored delivery with the same ID.
pub(super) fn earlier(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
) -> QueryResult<(i64, DeliveryTimes)> {
    let (id, sent_at, received_at) = deliveries::table
        .filter(deliveries::merchant_id.eq(incoming.merchant_id))
        .filter(deliveries::store_id.eq(incoming.store_id))
        .filter(deliveries::topic.eq(&incoming.topic))
        .filter(deliveries::delivery_ref.eq(&incoming.delivery_ref))
        .select((deliveries::id, deliveries::sent_at, deliveries::received_at))
        .first(conn)?;
    Ok((id, DeliveryTimes::new(sent_at, received_at)))
}

/// Overwrites the stored delivery with the same ID. Its data was read again and is current, or a
/// replay has finally processed it.
pub(super) fn restate(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    record: &DeliveryRecord<'_>,
) -> QueryResult<i64> {
    let kept = deliveries::table
        .filter(deliveries::merchant_id.eq(incoming.merchant_id))
        .filter(deliveries::store_id.eq(incoming.store_id))
        .filter(deliveries::topic.eq(&incoming.topic))
        .filter(deliveries::delivery_ref.eq(&incoming.delivery_ref));
    let news = (record.outcome == DeliveryOutcome::Processed).then(|| {
        let detail = deliveries::detail.eq(None::<&str>);
        (deliveries::outcome.eq(record.outcome), deliveries::reason.eq(&record.reason), detail)
    });
    let id = diesel::update(kept)
        .set((
            deliveries::received_at.eq(incoming.received_at),
            deliveries::sent_at.eq(incoming.sent_at),
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
    if record.outcome == DeliveryOutcome::Processed {
        failures::resolve(conn, incoming.merchant_id, id)?;
    }
    Ok(id)
}
