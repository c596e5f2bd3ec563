use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::db::prepared;

/// One message of a store, as it came in. The signature was checked before.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Whose store it is.
    pub merchant_id: i64,
    /// Which store.
    pub store_id: i64,
    /// What it is about, in the platform's word: `orders/create`.
    pub topic: String,
    /// The platform's id of the delivery; a second one with the same id changes nothing.
    pub delivery_ref: String,
    /// Whether it was marked as a test message.
    pub is_test: bool,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// The raw body, [`gzip`].
    pub body_gzip: Vec<u8>,
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
    arrival: &Arrival,
    outcome: &str,
    detail: &str,
    order_id: Option<i64>,
) -> QueryResult<Option<i64>> {
    prepared::<BigInt>(
        "INSERT INTO deliveries (merchant_id, store_id, topic, delivery_ref, received_at, \
             is_test, outcome, detail, order_id, body_gzip) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (merchant_id, store_id, topic, delivery_ref) DO NOTHING RETURNING id",
    )
    .bind::<BigInt, _>(arrival.merchant_id)
    .bind::<BigInt, _>(arrival.store_id)
    .bind::<Text, _>(arrival.topic.as_str())
    .bind::<Text, _>(arrival.delivery_ref.as_str())
    .bind::<Timestamptz, _>(arrival.received_at)
    .bind::<Bool, _>(arrival.is_test)
    .bind::<Text, _>(outcome)
    .bind::<Text, _>(detail)
    .bind::<Nullable<BigInt>, _>(order_id)
    .bind::<Binary, _>(arrival.body_gzip.as_slice())
    .get_result(conn)
    .optional()
}
