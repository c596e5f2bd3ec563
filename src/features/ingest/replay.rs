//! Processes stored deliveries again. That retries failed ones after a fix, and with any other it
//! proves that the ledger stays the same.

use std::io::Read;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use flate2::read::GzDecoder;
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::snapshot::StoreEvent;
use vouch_core::platform::Platform;
use vouch_platforms::{PayloadError, parse_message};

use super::failures;
use super::intake::{DeliverySource, IncomingDelivery, IngestOutcome, ingest_one};
use super::pending_fetches;
use super::text::{BODY_GONE, DeliveryReason};
use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{deliveries, stores};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::stored_text::StoredText;

/// The maximum size of a decompressed body, in bytes. Larger ones aren't accepted in the first
/// place.
const MAX: u64 = 32 * 1024 * 1024;

/// Why a delivery couldn't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Its body was deleted when the retention period ended.
    #[error("{}", BODY_GONE)]
    BodyGone,
    /// It still can't be parsed.
    #[error(transparent)]
    StillUnparseable(PayloadError),
    #[error(transparent)]
    Database(#[from] Error),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct StoredDelivery {
    store_id: i64,
    topic: String,
    delivery_ref: String,
    is_test: bool,
    sent_at: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
    body_gzip: Option<Vec<u8>>,
}

/// Processes a stored delivery again, in the running transaction. Fails with `NotFound` if the
/// merchant has no such delivery.
pub fn replay(
    conn: &mut PgConnection,
    actor: &Actor,
    pseudonyms: &Pseudonyms,
    delivery_id: i64,
) -> Result<IngestOutcome, ReplayError> {
    let key = (actor.merchant_id, delivery_id);
    let (platform, stored): (Platform, StoredDelivery) = deliveries::table
        .inner_join(
            stores::table.on(stores::merchant_id
                .eq(deliveries::merchant_id)
                .and(stores::id.eq(deliveries::store_id))),
        )
        .filter(deliveries::merchant_id.eq(actor.merchant_id))
        .filter(deliveries::id.eq(delivery_id))
        .select((stores::platform, StoredDelivery::as_select()))
        .first(conn)?;
    let StoredDelivery { store_id, topic, delivery_ref, is_test, sent_at, received_at, body_gzip } =
        stored;
    let body_gzip = body_gzip.ok_or(ReplayError::BodyGone)?;
    let body = unpack(&body_gzip).ok_or(ReplayError::BodyGone)?;
    let event = parse_message(platform, &topic, &body, is_test, sent_at.unwrap_or(received_at))
        .map_err(|error| {
            // Stores the current reason, which may differ from the first one.
            let reason = StoredText::from(DeliveryReason::from(error.clone()));
            let _ = diesel::update(deliveries::table.find(key))
                .set((
                    deliveries::detail.eq(None::<&str>),
                    deliveries::reason.eq(Some(reason)),
                    deliveries::replayed_at.eq(actor.now),
                ))
                .execute(conn);
            ReplayError::StillUnparseable(error)
        })?;
    if let StoreEvent::Announced { order_ref } = &event {
        let now = actor.now;
        pending_fetches::wait_again(
            conn,
            actor.merchant_id,
            store_id,
            delivery_id,
            order_ref,
            now,
        )?;
        mark(conn, actor, delivery_id, &topic, &IngestOutcome::Waiting)?;
        return Ok(IngestOutcome::Waiting);
    }
    let incoming = IncomingDelivery {
        merchant_id: actor.merchant_id,
        store_id,
        source: DeliverySource::Replay,
        topic: topic.clone(),
        delivery_ref,
        is_test,
        sent_at,
        received_at,
        body_gzip,
    };
    let outcome = ingest_one(conn, &incoming, event, pseudonyms)?;
    mark(conn, actor, delivery_id, &topic, &outcome)?;
    Ok(outcome)
}

fn mark(
    conn: &mut PgConnection,
    actor: &Actor,
    delivery_id: i64,
    topic: &str,
    outcome: &IngestOutcome,
) -> QueryResult<()> {
    let row = deliveries::table.find((actor.merchant_id, delivery_id));
    diesel::update(row).set(deliveries::replayed_at.eq(actor.now)).execute(conn)?;
    let settled = match *outcome {
        IngestOutcome::Processed { order_id, .. } | IngestOutcome::Outdated { order_id } => {
            Some((DeliveryOutcome::Processed, Some(order_id)))
        }
        IngestOutcome::Ignored => Some((DeliveryOutcome::Ignored, None)),
        // It contained nothing new, so its data is already known.
        IngestOutcome::Repeated => Some((DeliveryOutcome::Outdated, None)),
        IngestOutcome::Waiting | IngestOutcome::Conflict { .. } | IngestOutcome::Failed => None,
    };
    if let Some((outcome, order_id)) = settled {
        let failed = row.filter(deliveries::outcome.eq(DeliveryOutcome::Failed));
        diesel::update(failed)
            .set((
                deliveries::outcome.eq(outcome),
                deliveries::detail.eq(None::<&str>),
                deliveries::reason.eq(None::<StoredText<DeliveryReason>>),
                order_id.map(|order_id| deliveries::order_id.eq(order_id)),
            ))
            .execute(conn)?;
    }
    if !matches!(outcome, IngestOutcome::Failed | IngestOutcome::Conflict { .. }) {
        failures::resolve(conn, actor.merchant_id, delivery_id)?;
    }
    let event = AuditEvent::DeliveryRetried { topic: topic.to_owned() };
    let act = Act::new(event, SubjectKind::Delivery, Some(delivery_id));
    record(conn, actor, act)
}

/// Decompresses the body of a stored delivery. `None` if that fails.
pub(crate) fn unpack(body_gzip: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    GzDecoder::new(body_gzip).take(MAX).read_to_end(&mut body).ok()?;
    Some(body)
}
