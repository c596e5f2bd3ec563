//! Notes about fields that were skipped while an order was parsed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::order::snapshot::{ReadNote, ReadProblem, StoreEvent};
use vouch_core::order::times;

use super::batch::Batch;
use super::delivery::IncomingDelivery;
use crate::features::ingest::text::DeliveryReason;
use crate::kit::db::schema::deliveries;

/// A skipped field, and the time whose rules decide whether it matters.
pub(super) struct Noted {
    note: ReadNote,
    at: DateTime<Utc>,
}

/// Takes the notes out of an event that was received at `received_at`. They belong to the delivery,
/// and reports that differ only in notes are equal.
pub(super) fn take(event: &mut StoreEvent, received_at: DateTime<Utc>) -> Vec<Noted> {
    let parts = match event {
        StoreEvent::Order(report) | StoreEvent::Restored(report) => {
            vec![(&mut report.notes, report.placed_at)]
        }
        // The order's time of placement may be unknown here, so the refund's time counts.
        StoreEvent::Refund { refund, .. } => vec![(&mut refund.notes, refund.refunded_at)],
        StoreEvent::RefundLines { refunds, .. } => {
            refunds.iter_mut().map(|refund| (&mut refund.notes, refund.refunded_at)).collect()
        }
        StoreEvent::Deleted { .. }
        | StoreEvent::Trashed { .. }
        | StoreEvent::Uninstalled
        | StoreEvent::Announced { .. }
        | StoreEvent::Ignored { .. } => Vec::new(),
    };
    let of_part = |(notes, stated): (&mut Vec<ReadNote>, DateTime<Utc>)| {
        // The store's times aren't clamped yet.
        let at = times::plausible(stated, received_at);
        std::mem::take(notes).into_iter().map(move |note| Noted { note, at })
    };
    parts.into_iter().flat_map(of_part).collect()
}

/// Why the event is rejected although it was parsed. A skipped amount is part of the commission
/// base under the rules of its day.
pub(super) fn refusal(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    passed_over: &[Noted],
    batch: &mut Batch,
) -> QueryResult<Option<DeliveryReason>> {
    if passed_over.is_empty() {
        return Ok(None);
    }
    let settings = batch.settings(conn)?;
    let counts = |noted: &&Noted| {
        let rules = settings.at(incoming.store_id, noted.at).rules;
        match noted.note.code {
            ReadProblem::UnreadableTax => rules.include_tax,
            ReadProblem::UnreadableShipping => rules.include_shipping,
            ReadProblem::Unreadable | ReadProblem::UnknownCurrency => false,
        }
    };
    let refused = passed_over.iter().find(counts);
    Ok(refused.map(|noted| DeliveryReason::NotAnAmount { path: noted.note.path.clone() }))
}

/// Stores the notes with the delivery.
pub(super) fn keep(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    passed_over: &[Noted],
) -> QueryResult<()> {
    if passed_over.is_empty() {
        return Ok(());
    }
    let notes: Vec<&ReadNote> = passed_over.iter().map(|noted| &noted.note).collect();
    let json = serde_json::to_value(notes)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let delivery = deliveries::table
        .filter(deliveries::merchant_id.eq(incoming.merchant_id))
        .filter(deliveries::store_id.eq(incoming.store_id))
        .filter(deliveries::topic.eq(&incoming.topic))
        .filter(deliveries::delivery_ref.eq(&incoming.delivery_ref));
    diesel::update(delivery).set(deliveries::notes.eq(json)).execute(conn)?;
    Ok(())
}
