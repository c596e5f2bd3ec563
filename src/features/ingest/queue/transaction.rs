//! Processes several deliveries in one transaction that waits for almost no lock.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;

use super::job::{QueuedDelivery, Writer};
use crate::features::ingest::failures::FailureReason;
use crate::features::ingest::in_flight;
use crate::features::ingest::intake::{Batch, IfHeld, IngestOutcome, fail, ingest};
use crate::features::ingest::text::DeliveryReason;
use crate::kit::db::{Fault, Scope, in_scope, in_scope_with, turn_to};
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;

/// The timeout for other locks than those of orders and triggers, which are skipped. Examples are
/// the row of a store or an affiliate, or the same new order in another process.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// Every transaction writes the totals last, and holds them only until its commit. That justifies a
/// longer wait.
const ROLLUPS_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// The result of a delivery, after the commit.
pub(super) enum IngestResult {
    In(IngestOutcome),
    /// Another transaction holds its order or one of its triggers. Nothing of it was processed.
    Held,
}

/// Why nothing was processed.
pub(super) enum IngestError {
    /// No connection is available.
    Unavailable,
    /// The part of that merchant failed.
    PartOf {
        merchant_id: i64,
        /// Whether another attempt can succeed.
        fault: Fault,
        /// Whether it was probably a lock timeout.
        waited: bool,
    },
}

/// Processes all of `jobs`, sorted by merchant, in one transaction. Each merchant's part has its
/// own scope.
///
/// After a restart of the database, every idle connection in the pool is dead. Dead ones are
/// dropped until the pool opens a new one.
pub(super) fn together(
    writer: &Writer,
    jobs: &[QueuedDelivery],
) -> Result<Vec<IngestResult>, IngestError> {
    for _ in 0..=writer.pool.max_size() {
        if jobs.iter().all(|job| job.deadline <= Instant::now()) {
            break;
        }
        let mut conn = writer
            .pool
            .get()
            .inspect_err(|error| tracing::warn!(%error, "ingest_connection_failed"))
            .map_err(|_| IngestError::Unavailable)?;
        let at = Cell::new(jobs.first().map_or(0, |job| job.incoming.merchant_id));
        let begun = Instant::now();
        // A panic leaves an open transaction behind, and its connection is dropped.
        let result =
            catch_unwind(AssertUnwindSafe(|| attempt(&mut conn, &writer.pseudonyms, jobs, &at)));
        let merchant_id = at.get();
        match result {
            Ok(Ok(taken)) => return Ok(taken),
            Ok(Err(error)) if conn.is_broken() => {
                tracing::warn!(%error, "ingest_connection_lost");
            }
            Ok(Err(error)) => {
                let fault = Fault::of(&error);
                let waited = fault == Fault::Passing && begun.elapsed() >= LOCK_TIMEOUT;
                tracing::warn!(
                    %error, merchant_id, deliveries = jobs.len(), ?fault, waited, "ingest_batch_failed"
                );
                return Err(IngestError::PartOf { merchant_id, fault, waited });
            }
            Err(_) => {
                tracing::error!(merchant_id, deliveries = jobs.len(), "ingest_batch_panicked");
                return Err(IngestError::PartOf { merchant_id, fault: Fault::Own, waited: false });
            }
        }
    }
    Err(IngestError::Unavailable)
}

/// `at` contains the merchant whose part is running.
fn attempt(
    conn: &mut PgConnection,
    pseudonyms: &Pseudonyms,
    jobs: &[QueuedDelivery],
    at: &Cell<i64>,
) -> QueryResult<Vec<IngestResult>> {
    let first = at.get();
    let begin = format!(
        "SET LOCAL lock_timeout = '{}ms'; {}",
        LOCK_TIMEOUT.as_millis(),
        in_flight::enter_sql(first)
    );
    in_scope_with(conn, Scope::Merchant(first), &begin, |conn| {
        let mut taken = Vec::with_capacity(jobs.len());
        let mut batches = Vec::new();
        for theirs in jobs.chunk_by(|a, b| a.incoming.merchant_id == b.incoming.merchant_id) {
            let merchant_id = theirs[0].incoming.merchant_id;
            if merchant_id != at.get() {
                at.set(merchant_id);
                turn_to(conn, merchant_id, &in_flight::enter_sql(merchant_id))?;
            }
            let mut batch = Batch::of_messages(merchant_id, pseudonyms);
            take_part(conn, theirs, &mut batch, &mut taken)?;
            batches.push((merchant_id, batch));
        }
        // All merchants' totals come last, because every transaction writes these rows.
        for (merchant_id, batch) in batches {
            if merchant_id != at.get() {
                at.set(merchant_id);
                turn_to(conn, merchant_id, ROLLUPS_TIMEOUT)?;
            } else {
                conn.batch_execute(ROLLUPS_TIMEOUT)?;
            }
            batch.finish(conn)?;
        }
        Ok(taken)
    })
}

/// Processes one merchant's deliveries.
fn take_part(
    conn: &mut PgConnection,
    jobs: &[QueuedDelivery],
    batch: &mut Batch,
    taken: &mut Vec<IngestResult>,
) -> QueryResult<()> {
    let messages: Vec<_> =
        jobs.iter().filter_map(|job| Some((&job.incoming, job.parsed.as_ref().ok()?))).collect();
    let mut free = batch.reserve(conn, &messages, IfHeld::PassOver)?.into_iter();
    for job in jobs {
        taken.push(match &job.parsed {
            Err(error) => {
                let detail = error.clone().into();
                IngestResult::In(fail(conn, &job.incoming, FailureReason::Unreadable, detail)?)
            }
            Ok(event) if free.next() == Some(true) => {
                IngestResult::In(ingest(conn, &job.incoming, event.clone(), batch)?)
            }
            Ok(_) => IngestResult::Held,
        });
    }
    Ok(())
}

/// Stores a delivery that fails in the same way every time, without processing it. Fails with
/// `Unavailable` if it can't be stored either. Then the store sends it again.
pub(super) fn keep_failed(
    writer: &Writer,
    job: &QueuedDelivery,
    reason: FailureReason,
) -> AppResult<IngestOutcome> {
    let detail = match reason {
        FailureReason::Value => DeliveryReason::ImpossibleValue,
        _ => DeliveryReason::OwnFault,
    };
    let mut conn = writer.pool.get().map_err(|_| AppError::Unavailable)?;
    let kept = in_scope(&mut conn, Scope::Merchant(job.incoming.merchant_id), |conn| {
        fail(conn, &job.incoming, reason, detail)
    });
    kept.map_err(|error| {
        tracing::error!(%error, "delivery_not_saved");
        AppError::Unavailable
    })
}
