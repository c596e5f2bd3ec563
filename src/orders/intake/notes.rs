//! What was passed over while an order was read.

use diesel::prelude::*;

use super::batch::Batch;
use super::delivery::Arrival;
use crate::db::schema::deliveries;
use crate::orders::reading::Unintelligible;
use crate::orders::report::{ReadNote, ReadProblem, StoreEvent};

/// Takes the notes out of an event: they belong to the delivery, and reports that differ in them
/// alone are the same.
pub(super) fn take(event: &mut StoreEvent) -> Vec<ReadNote> {
    match event {
        StoreEvent::Order(report) | StoreEvent::Restored(report) => {
            std::mem::take(&mut report.notes)
        }
        _ => Vec::new(),
    }
}

/// Why the order can't be kept although it was read: an amount that was passed over enters the base
/// by the rules of the day it was placed.
pub(super) fn refusal(
    conn: &mut PgConnection,
    arrival: &Arrival,
    event: &StoreEvent,
    batch: &mut Batch,
) -> QueryResult<Option<String>> {
    let (StoreEvent::Order(report) | StoreEvent::Restored(report)) = event else {
        return Ok(None);
    };
    if report.notes.is_empty() {
        return Ok(None);
    }
    let rules = batch.settings(conn)?.at(arrival.store_id, report.placed_at).rules;
    let counts = |note: &&ReadNote| match note.code {
        ReadProblem::UnreadableTax => rules.include_tax,
        ReadProblem::UnreadableShipping => rules.include_shipping,
        ReadProblem::Unreadable | ReadProblem::UnknownCurrency => false,
    };
    Ok(report.notes.iter().find(counts).map(|note| {
        let problem = "this is not an amount, and the Calculation Logic counts it";
        Unintelligible::new(note.path.as_str(), problem).to_string()
    }))
}

/// Keeps the notes with the delivery.
pub(super) fn keep(
    conn: &mut PgConnection,
    arrival: &Arrival,
    notes: &[ReadNote],
) -> QueryResult<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_value(notes)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let delivery = deliveries::table
        .filter(deliveries::merchant_id.eq(arrival.merchant_id))
        .filter(deliveries::store_id.eq(arrival.store_id))
        .filter(deliveries::topic.eq(&arrival.topic))
        .filter(deliveries::delivery_ref.eq(&arrival.delivery_ref));
    diesel::update(delivery).set(deliveries::notes.eq(json)).execute(conn)?;
    Ok(())
}
