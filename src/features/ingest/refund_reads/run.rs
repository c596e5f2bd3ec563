//! Reads the refunds of orders, and processes their lines.

use diesel::QueryResult;
use diesel::pg::PgConnection;
use vouch_platforms::{CallError, Client};

use super::model::{PendingRefundRead, ReadProblem};
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::read;
use crate::features::store_workers::{AttemptFailure, StoreRun, StoreRunError};
use crate::kit::counters;
use crate::kit::jobs::{Ending, Finish, Job};

/// After this many attempts, a refund that the store doesn't list doesn't exist. It was deleted, or
/// the order names it by mistake.
const ATTEMPTS_UNLISTED: i32 = 5;

pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<Ending, StoreRunError> {
    run.each_job(attempt, failed)
}

fn attempt(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    job: &Job,
) -> Result<(), StoreRunError> {
    let store = &run.store;
    let requested = run.read(|conn| PendingRefundRead::find(conn, store, job.row_id()))?;
    let read_at = run.now();
    let currency = requested.currency.as_deref().unwrap_or_default();
    let Some(message) = client.refunds(&requested.order_ref, currency, read_at)? else {
        let refused = Finish::DeadLetter(ReadProblem::Refused.as_str());
        return run.finish(job, |_| Ok(((), refused)));
    };
    let outcome = run.finish(job, |conn| {
        let pseudonyms = run.tools.pseudonyms();
        let read = read::ingest(conn, store, &pseudonyms, &message, read_at, run.now())?;
        let finish = if read.outcome == IngestOutcome::Failed {
            Finish::DeadLetter(ReadProblem::Unreadable.as_str())
        } else if requested.has_all_lines(conn, store)? {
            Finish::Complete
        } else if job.attempts < ATTEMPTS_UNLISTED {
            Finish::Retry(ReadProblem::NotListed.as_str())
        } else {
            Finish::DeadLetter(ReadProblem::NotListed.as_str())
        };
        Ok((read.outcome, finish))
    })?;
    counters::credits(outcome.credited());
    Ok(())
}

fn failed(
    _: &mut PgConnection,
    _: &StoreRun<'_, '_>,
    _: &Job,
    failure: &AttemptFailure<'_>,
) -> QueryResult<Finish> {
    Ok(match failure {
        AttemptFailure::Own => Finish::Retry(ReadProblem::Unreadable.as_str()),
        AttemptFailure::Call(CallError::Refused(_) | CallError::Taken) => {
            Finish::DeadLetter(failure.reason())
        }
        AttemptFailure::Call(_) => Finish::Retry(failure.reason()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vouch_platforms::Reason;

    use super::*;

    #[test]
    fn pages_know_every_reason() {
        let errors = [
            CallError::Denied(Reason::NoCredentials),
            CallError::Refused(Reason::TooManyRefunds),
            CallError::Taken,
            CallError::Unanswered(Reason::Timeout),
            CallError::Throttled { wait: Duration::ZERO },
        ];
        for error in &errors {
            assert!(ReadProblem::parse(AttemptFailure::Call(error).reason()).is_some(), "{error}");
        }
    }
}
