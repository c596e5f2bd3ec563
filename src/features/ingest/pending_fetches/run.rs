//! Fetches the orders that webhooks name, and processes them.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::PgConnection;
use vouch_core::delivery::DeliveryOutcome;
use vouch_platforms::{Client, OrderMessage};

use super::model::{explain, settle, waiting_for};
use crate::features::ingest::failures::{self, FailureReason, OWN_FAULT};
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::read::{self, ReadOutcome};
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
        let taken_in = ingest(conn, run, &delivery_ids, message.as_ref(), begun_at)?;
        Ok((taken_in, Finish::Complete))
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
        let detail = "The store has no order of this number, or no longer.";
        settle(conn, store, delivery_ids, DeliveryOutcome::Noted, detail, None)?;
        return Ok(IngestOutcome::Noted);
    };
    let pseudonyms = run.tools.pseudonyms();
    let read = read::ingest(conn, store, &pseudonyms, message, begun_at, run.now())?;
    let ReadOutcome { outcome, order_id, detail } = read;
    let (shown, detail) = match outcome {
        IngestOutcome::TakenIn { .. } => (DeliveryOutcome::TakenIn, String::new()),
        IngestOutcome::Outdated { .. } | IngestOutcome::Repeated if order_id.is_some() => {
            (DeliveryOutcome::Outdated, String::new())
        }
        _ => (DeliveryOutcome::Noted, detail),
    };
    settle(conn, store, delivery_ids, shown, &detail, order_id)?;
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
    if !job.is_last_attempt(&FETCH_ORDER) {
        let detail = match failure {
            AttemptFailure::Call(error) => format!("{error} Vouch tries again by itself."),
            AttemptFailure::Own => OWN_FAULT.to_owned(),
        };
        explain(conn, store, &job.key, &detail)?;
        return Ok(finish);
    }
    let (reason, detail) = match failure {
        AttemptFailure::Call(error) => {
            let tries = job.attempts;
            let detail = format!("{error} Vouch has tried {tries} times; replay it to try again.");
            (FailureReason::NotFetched, detail)
        }
        AttemptFailure::Own => (FailureReason::OwnFault, OWN_FAULT.to_owned()),
    };
    let delivery_ids = waiting_for(conn, store, &job.key)?;
    failures::record(conn, store.merchant_id, &delivery_ids, reason)?;
    settle(conn, store, &delivery_ids, DeliveryOutcome::Failed, &detail, None)?;
    Ok(finish)
}
