//! Some deliveries in one transaction that waits for nobody.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;

use super::job::{Job, Writer};
use crate::features::ingest::failures::{FailureReason, OWN_FAULT};
use crate::features::ingest::in_flight;
use crate::features::ingest::intake::{Batch, IfHeld, Outcome, fail, ingest};
use crate::kit::db::{Fault, Scope, in_scope, in_scope_with, turn_to};
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;

/// Orders and triggers that somebody else has are passed over. For anything else (a store's or an
/// affiliate's row, the same new order in another process) a statement waits for so long.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);
/// Figures are written last, by everybody, and held only until the commit: worth a longer wait.
const ROLLUPS_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// What became of a delivery, after the commit.
pub(super) enum IngestResult {
    In(Outcome),
    /// Somebody else has its order or a trigger of it; nothing of it was taken in.
    Held,
}

/// Why nothing was taken in.
pub(super) enum IngestError {
    /// No connection can be had.
    Unavailable,
    /// It failed in the part of that merchant.
    PartOf {
        merchant_id: i64,
        /// What the failure means for another attempt.
        fault: Fault,
        /// Whether it was, as it seems, for a lock that it waited for in vain.
        waited: bool,
    },
}

/// All of `jobs`, which stand by merchant, in one transaction, each merchant's part under its own
/// scope. After a restart of the database every connection that rests in the pool is dead; those
/// that turn out so are let go, until a new one is made.
pub(super) fn together(writer: &Writer, jobs: &[Job]) -> Result<Vec<IngestResult>, IngestError> {
    for _ in 0..=writer.pool.max_size() {
        if jobs.iter().all(|job| job.deadline <= Instant::now()) {
            break;
        }
        let mut conn = writer
            .pool
            .get()
            .inspect_err(|error| tracing::warn!(%error, "no connection for the intake of orders"))
            .map_err(|_| IngestError::Unavailable)?;
        let at = Cell::new(jobs.first().map_or(0, |job| job.incoming.merchant_id));
        let begun = Instant::now();
        // What a panic leaves half done is a transaction, and its connection is let go.
        let result =
            catch_unwind(AssertUnwindSafe(|| attempt(&mut conn, &writer.pseudonyms, jobs, &at)));
        let merchant_id = at.get();
        match result {
            Ok(Ok(taken)) => return Ok(taken),
            Ok(Err(error)) if conn.is_broken() => {
                tracing::warn!(%error, "a connection of the intake was dead");
            }
            Ok(Err(error)) => {
                let fault = Fault::of(&error);
                let waited = fault == Fault::Passing && begun.elapsed() >= LOCK_TIMEOUT;
                tracing::warn!(
                    %error, merchant_id, deliveries = jobs.len(), ?fault, waited, "a batch failed"
                );
                return Err(IngestError::PartOf { merchant_id, fault, waited });
            }
            Err(_) => {
                tracing::error!(merchant_id, deliveries = jobs.len(), "a batch panicked");
                return Err(IngestError::PartOf { merchant_id, fault: Fault::Own, waited: false });
            }
        }
    }
    Err(IngestError::Unavailable)
}

/// `at` is the merchant whose part is under way.
fn attempt(
    conn: &mut PgConnection,
    pseudonyms: &Pseudonyms,
    jobs: &[Job],
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
        // Of all merchants at the end: whatever is written here, everybody writes.
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

/// One merchant's deliveries.
fn take_part(
    conn: &mut PgConnection,
    jobs: &[Job],
    batch: &mut Batch,
    taken: &mut Vec<IngestResult>,
) -> QueryResult<()> {
    let messages: Vec<_> =
        jobs.iter().filter_map(|job| Some((&job.incoming, job.parsed.as_ref().ok()?))).collect();
    let mut free = batch.reserve(conn, &messages, IfHeld::PassOver)?.into_iter();
    for job in jobs {
        taken.push(match &job.parsed {
            Err(reason) => {
                IngestResult::In(fail(conn, &job.incoming, FailureReason::Unreadable, reason)?)
            }
            Ok(event) if free.next() == Some(true) => {
                IngestResult::In(ingest(conn, &job.incoming, event.clone(), batch)?)
            }
            Ok(_) => IngestResult::Held,
        });
    }
    Ok(())
}

/// Keeps a delivery that fails in the same way each time, with nothing processed of it. `Unavailable`
/// when it can't be kept either: then the store sends it again.
pub(super) fn keep_failed(writer: &Writer, job: &Job, reason: FailureReason) -> AppResult<Outcome> {
    let detail = match reason {
        FailureReason::Value => "It holds a value that can't be stored.",
        _ => OWN_FAULT,
    };
    let mut conn = writer.pool.get().map_err(|_| AppError::Unavailable)?;
    let kept = in_scope(&mut conn, Scope::Merchant(job.incoming.merchant_id), |conn| {
        fail(conn, &job.incoming, reason, detail)
    });
    kept.map_err(|error| {
        tracing::error!(%error, "a delivery could not be kept");
        AppError::Unavailable
    })
}
