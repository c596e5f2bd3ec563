//! Orders that Vouch read from a store, stored and processed like webhook deliveries.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use vouch_core::order::snapshot::StoreEvent;
use vouch_platforms::OrderMessage;
use vouch_platforms::parse_message;

use super::failures::FailureReason;
use super::intake::{DeliverySource, IncomingDelivery, IngestOutcome, fail, gzip, ingest_one};
use super::text::DeliveryReason;
use crate::features::stores::Store;
use crate::kit::db::schema::orders;
use crate::kit::pseudonyms::Pseudonyms;

/// The result of processing an order that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOutcome {
    pub outcome: IngestOutcome,
    /// `None` if the order isn't known yet.
    pub order_id: Option<i64>,
    /// Why it was ignored, or can't be parsed.
    pub(crate) reason: Option<DeliveryReason>,
}

/// Processes an order that was read by a call that began at `begun_at`, in the running transaction.
/// If the order is unchanged since the last read, nothing changes.
pub fn ingest(
    conn: &mut PgConnection,
    store: &Store,
    pseudonyms: &Pseudonyms,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<ReadOutcome> {
    let incoming = incoming(store, message, begun_at, now);
    let parsed = parse_message(store.platform, message.topic, &message.body, false, begun_at);
    let (outcome, reason) = match parsed {
        Ok(event) => {
            let reason = match &event {
                StoreEvent::Ignored { reason, .. } => Some((*reason).into()),
                _ => None,
            };
            (ingest_one(conn, &incoming, event, pseudonyms)?, reason)
        }
        Err(error) => {
            let reason = DeliveryReason::from(error);
            let failed = fail(conn, &incoming, FailureReason::Unreadable, reason.clone())?;
            (failed, Some(reason))
        }
    };
    let order_id = orders::table
        .filter(orders::merchant_id.eq(store.merchant_id))
        .filter(orders::store_id.eq(store.id))
        .filter(orders::order_ref.eq(&message.order_ref))
        .select(orders::id)
        .first(conn)
        .optional()?;
    Ok(ReadOutcome { outcome, order_id, reason })
}

/// Stores an order that was read but couldn't be processed because of an error in Vouch, to be
/// retried.
pub(crate) fn keep_failed(
    conn: &mut PgConnection,
    store: &Store,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<IngestOutcome> {
    let incoming = incoming(store, message, begun_at, now);
    fail(conn, &incoming, FailureReason::OwnFault, DeliveryReason::OwnFault)
}

fn incoming(
    store: &Store,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> IncomingDelivery {
    IncomingDelivery {
        merchant_id: store.merchant_id,
        store_id: store.id,
        source: DeliverySource::Read,
        topic: message.topic.to_owned(),
        delivery_ref: delivery_ref(message),
        is_test: false,
        sent_at: Some(begun_at),
        received_at: now,
        body_gzip: gzip(&message.body),
    }
}

/// The order, the time of its last change and a digest, since some changes don't update that time.
fn delivery_ref(message: &OrderMessage) -> String {
    let digest = hex::encode(Sha256::digest(&message.body));
    let time = message.changed_at.format("%Y-%m-%dT%H:%M:%SZ");
    format!("{} {time} {}", message.order_ref, &digest[..16])
}
