use std::time::Duration as Span;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::model::{FailureReason, RETRY_DELIVERY, queue, renew_all, update_reason};
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::replay::{ReplayError, replay};
use crate::kit::audit::Actor;
use crate::kit::clock;
use crate::kit::counters;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::jobs::{self, Ending, Finish, Job, QueueProblem, Run, RunError};
use crate::kit::pseudonyms::Pseudonyms;

/// The wait after a temporary database fault. That attempt doesn't count.
const PASSING_WAIT: Span = Span::from_secs(60);

/// Retries a merchant's failed deliveries, each in its own transaction.
pub(crate) fn run(run: &Run<'_>, pseudonyms: &Pseudonyms) -> Result<Ending, RunError> {
    while let Some(job) = run.next_job()? {
        if job.has_crashed(&RETRY_DELIVERY) {
            let reason = FailureReason::OwnFault;
            run.finish(&job, |conn| {
                update_reason(conn, run.queue().merchant_id, job.row_id(), reason)?;
                Ok(((), Finish::DeadLetter(reason.as_str())))
            })?;
            continue;
        }
        match attempt(run, &job, pseudonyms) {
            Err(RunError::Own(error)) if error.is_passing() => {
                run.finish(&job, |_| Ok(((), Finish::Release(None))))?;
                let problem = QueueProblem::DatabaseUnavailable;
                return Ok(Ending::Paused { wait: PASSING_WAIT, problem });
            }
            Err(RunError::Own(error)) => fail(run, &job, &error)?,
            attempted => attempted?,
        }
    }
    Ok(Ending::Done)
}

fn attempt(run: &Run<'_>, job: &Job, pseudonyms: &Pseudonyms) -> Result<(), RunError> {
    let merchant_id = run.queue().merchant_id;
    let actor = Actor::system(merchant_id, run.now());
    let delivery_id = job.row_id();
    let outcome = run.finish(job, |conn| {
        // Its order stays locked meanwhile, so this transaction must not wait long for other locks.
        conn.batch_execute("SET LOCAL lock_timeout = '1s'")?;
        let outcome = match replay(conn, &actor, pseudonyms, delivery_id) {
            Ok(outcome) => outcome,
            Err(ReplayError::Database(error)) => return Err(error),
            Err(ReplayError::BodyGone | ReplayError::StillUnparseable(_)) => IngestOutcome::Failed,
        };
        if outcome == IngestOutcome::Failed {
            let reason = FailureReason::Unreadable;
            update_reason(conn, merchant_id, delivery_id, reason)?;
            return Ok((outcome, Finish::DeadLetter(reason.as_str())));
        }
        Ok((outcome, Finish::Complete))
    })?;
    counters::credits(outcome.credited());
    Ok(())
}

fn fail(run: &Run<'_>, job: &Job, error: &AppError) -> Result<(), RunError> {
    let merchant_id = run.queue().merchant_id;
    let delivery_id = job.row_id();
    tracing::error!(merchant_id, delivery_id, attempts = job.attempts, %error, "delivery_retry_failed");
    let (reason, finish) = match error {
        AppError::BadRequest(_) => {
            let reason = FailureReason::Value;
            (reason, Finish::DeadLetter(reason.as_str()))
        }
        _ => (FailureReason::OwnFault, Finish::Retry(FailureReason::OwnFault.as_str())),
    };
    run.finish(job, |conn| Ok((update_reason(conn, merchant_id, delivery_id, reason)?, finish)))
}

/// Retries everything that failed under another build than `build`. Returns how many. Call it only
/// when a process starts, because two builds that run side by side would alternate forever.
pub fn renew(db: &Db, build: &str) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        let mut failed = renew_all(conn, build)?;
        failed.sort_unstable();
        for of_merchant in failed.chunk_by(|a, b| a.0 == b.0) {
            let keys: Vec<String> = of_merchant.iter().map(|(_, id)| id.to_string()).collect();
            jobs::enqueue(conn, &queue(of_merchant[0].0), &keys, clock::now())?;
        }
        QueryResult::Ok(failed.len())
    })
}
