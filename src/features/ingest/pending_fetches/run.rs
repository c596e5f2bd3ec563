//! Fetches the orders that webhooks name, and processes them.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::PgConnection;
use vouch_core::delivery::DeliveryOutcome;
use vouch_platforms::{Client, OrderMessage};

use super::model::{explain, settle, waiting_for};
use crate::features::ingest::failures::{self, FailureReason};
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::read::{self, ReadOutcome};
use crate::features::ingest::refund_reads::ReadProblem;
use crate::features::ingest::text::DeliveryReason;
use crate::features::store_workers::{AttemptFailure, StoreRun, StoreRunError};
use crate::features::stores::jobs::FETCH_ORDER;
use crate::kit::counters;
use crate::kit::jobs::{Ending, Finish, Job};

pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<Ending, StoreRunError> {
    run.each_job(attempt, failed)
}

fn attempt(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    job: &Job,
) -> Result<(), StoreRunError> {
    // Deliveries that arrive during the call wait for another fetch.
    let delivery_ids = run.read(|conn| waiting_for(conn, &run.store, &job.key))?;
    let begun_at = run.now();
    let message = if delivery_ids.is_empty() { None } else { client.order(&job.key)? };
    let outcome = run.finish(job, |conn| {
        let outcome = ingest(conn, run, &delivery_ids, message.as_ref(), begun_at)?;
        Ok((outcome, Finish::Complete))
    })?;
    counters::credits(outcome.credited());
    Ok(())
}

fn ingest(
    conn: &mut PgConnection,
    run: &StoreRun<'_, '_>,
    delivery_ids: &[i64],
    message: Option<&OrderMessage>,
    begun_at: DateTime<Utc>,
) -> QueryResult<IngestOutcome> {
    let store = &run.store;
    let Some(message) = message else {
        let reason = Some(DeliveryReason::OrderMissing);
        settle(conn, store, delivery_ids, DeliveryOutcome::Ignored, reason, None)?;
        return Ok(IngestOutcome::Ignored);
    };
    let pseudonyms = run.tools.pseudonyms();
    let read = read::ingest(conn, store, &pseudonyms, message, begun_at, run.now())?;
    let ReadOutcome { outcome, order_id, reason } = read;
    let (shown, reason) = match outcome {
        IngestOutcome::Processed { .. } => (DeliveryOutcome::Processed, None),
        IngestOutcome::Outdated { .. } | IngestOutcome::Repeated if order_id.is_some() => {
            (DeliveryOutcome::Outdated, None)
        }
        _ => (DeliveryOutcome::Ignored, reason),
    };
    settle(conn, store, delivery_ids, shown, reason, order_id)?;
    Ok(outcome)
}

fn failed(
    conn: &mut PgConnection,
    run: &StoreRun<'_, '_>,
    job: &Job,
    failure: &AttemptFailure<'_>,
) -> QueryResult<Finish> {
    let store = &run.store;
    let finish = Finish::Retry(failure.reason());
    let problem = ReadProblem::parse(failure.reason()).unwrap_or(ReadProblem::NoAnswer);
    if !job.is_last_attempt(&FETCH_ORDER) {
        let reason = match failure {
            AttemptFailure::Call(_) => DeliveryReason::FetchRetrying { problem },
            AttemptFailure::Own => DeliveryReason::OwnFault,
        };
        explain(conn, store, &job.key, reason)?;
        return Ok(finish);
    }
    let (failed, reason) = match failure {
        AttemptFailure::Call(_) => {
            let reason = DeliveryReason::FetchFailed { problem, attempts: job.attempts };
            (FailureReason::NotFetched, reason)
        }
        AttemptFailure::Own => (FailureReason::OwnFault, DeliveryReason::OwnFault),
    };
    let delivery_ids = waiting_for(conn, store, &job.key)?;
    failures::record(conn, store.merchant_id, &delivery_ids, failed)?;
    settle(conn, store, &delivery_ids, DeliveryOutcome::Failed, Some(reason), None)?;
    Ok(finish)
}
