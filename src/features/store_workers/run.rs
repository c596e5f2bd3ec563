//! Runs the jobs of one store, and decides what its responses mean for the other jobs.

use std::cell::Cell;
use std::time::Duration as Span;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_platforms::{CallError, Client, Reason};

use super::tools::{Caller, Tools};
use crate::features::stores::{self, Store};
use crate::kit::jobs::{Ending, Finish, Job, QueueProblem, Run, RunError};
use crate::kit::supervise::contained;

/// After this many jobs in a row without a response, the store counts as unreachable.
const MAX_UNANSWERED: usize = 3;

/// A run of the jobs of one kind for one store.
pub(crate) struct StoreRun<'a, 'r> {
    pub(crate) tools: &'a Tools,
    /// The store as it was when the run began.
    pub(crate) store: Store,
    run: &'a Run<'r>,
    /// Whether a client was opened.
    has_called: Cell<bool>,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreRunError {
    /// The store's response caused it.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Another worker has the queue, or Vouch failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl StoreRunError {
    /// Whether Vouch failed on the current item and would fail again. Later items of the same store
    /// must not wait for that.
    pub(crate) fn is_own_fault(&self) -> bool {
        matches!(self, Self::Run(RunError::Own(error)) if !error.is_passing())
    }
}

/// Runs `work` on the jobs of a store, and records whether the store accepted the credentials.
pub(crate) fn run_for_store(
    tools: &Tools,
    run: &Run<'_>,
    work: impl FnOnce(&StoreRun<'_, '_>) -> Result<Ending, StoreRunError>,
) -> Result<Ending, RunError> {
    let (merchant_id, store_id) = (run.queue().merchant_id, run.queue().store_id.unwrap_or(0));
    let store = run.read(|conn| Store::find(conn, merchant_id, store_id))?;
    let store_run = StoreRun { tools, store, run, has_called: Cell::new(false) };
    let ended = work(&store_run);
    let (store, now) = (&store_run.store, run.now());
    match ended {
        Ok(ending) => {
            if store_run.has_called.get() && needs_noting(store.access_checked_at, now) {
                run.write(|conn| stores::note_answered(conn, store, "", now))?;
            }
            Ok(ending)
        }
        Err(StoreRunError::Run(error)) => Err(error),
        Err(StoreRunError::Call(CallError::Denied(reason))) => {
            run.write(|conn| stores::note_denied(conn, store, &reason, now))?;
            Ok(Ending::Paused { wait: Span::ZERO, problem: QueueProblem::of(&reason) })
        }
        Err(StoreRunError::Call(CallError::Throttled { wait })) => {
            Ok(Ending::Paused { wait, problem: QueueProblem::of(&Reason::RateLimited) })
        }
        Err(StoreRunError::Call(error)) => {
            Ok(Ending::Failed { problem: QueueProblem::of(&error.reason()) })
        }
    }
}

/// Limits how often the row is written, because every page reads it.
fn needs_noting(checked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    checked_at.is_none_or(|at| now - at > Duration::minutes(1))
}

/// Why an attempt at a job failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AttemptFailure<'a> {
    /// The store's response to the call caused it.
    Call(&'a CallError),
    /// Vouch failed to process it.
    Own,
}

impl AttemptFailure<'_> {
    /// The reason code in the rows of jobs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Own => "own_fault",
            Self::Call(CallError::Denied(_)) => "access_denied",
            Self::Call(CallError::Refused(_) | CallError::Taken) => "refused",
            Self::Call(CallError::Unanswered(_) | CallError::Throttled { .. }) => "no_answer",
        }
    }
}

/// A job that repeats. It returns when it's due next. Its payload outlives an attempt.
pub(crate) type PeriodicJob =
    fn(&StoreRun<'_, '_>, &mut Option<serde_json::Value>) -> Result<DateTime<Utc>, StoreRunError>;

/// Runs the store's single job of a periodic kind. The payload from `work` is stored even if it
/// fails.
pub(crate) fn run_periodic(
    tools: &Tools,
    run: &Run<'_>,
    work: PeriodicJob,
) -> Result<Ending, RunError> {
    run_for_store(tools, run, |run| {
        let Some(mut job) = run.run.next_job()? else { return Ok(Ending::Done) };
        let next = contained(|| Ok(work(run, &mut job.payload)))
            .unwrap_or_else(|error| Err(RunError::Own(error).into()));
        let finish = match &next {
            Ok(at) => Finish::Reschedule(*at),
            Err(StoreRunError::Run(RunError::Lost)) => return Err(RunError::Lost.into()),
            Err(_) => Finish::Release(None),
        };
        run.finish(&job, |_| Ok(((), finish)))?;
        next.map(|_| Ending::Done)
    })
}

impl StoreRun<'_, '_> {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.run.now()
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.run.goes_on()
    }

    /// The store's client. A token that it gets is stored for the next client. Fails with
    /// `CallError::Denied` if the store's credentials can't be used at all.
    pub(crate) fn client(&self) -> Result<Caller, CallError> {
        let client = self.tools.client(&self.store, self.now())?;
        self.has_called.set(true);
        Ok(client)
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.read(work)?)
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.write(work)?)
    }

    /// Runs the due jobs. `attempt` runs each of them and finishes it. If it fails because of the
    /// job itself, `failed` decides how the job ends, and the others continue.
    pub(crate) fn each_job(
        &self,
        attempt: impl Fn(&Self, &mut dyn Client, &Job) -> Result<(), StoreRunError>,
        failed: impl Fn(&mut PgConnection, &Self, &Job, &AttemptFailure<'_>) -> QueryResult<Finish>,
    ) -> Result<Ending, StoreRunError> {
        let fail = |job: &Job, failure: &AttemptFailure<'_>| {
            self.finish(job, |conn| Ok(((), failed(conn, self, job, failure)?)))
        };
        let (mut client, mut unanswered) = (None, 0);
        while let Some(job) = self.run.next_job()? {
            if job.has_crashed(&self.run.queue().kind) {
                fail(&job, &AttemptFailure::Own)?;
                continue;
            }
            let attempted = self.with_client(&mut client, |client| attempt(self, client, &job));
            match attempted {
                Ok(()) => unanswered = 0,
                Err(StoreRunError::Call(error @ CallError::Throttled { .. })) => {
                    self.finish(&job, |_| Ok(((), Finish::Release(None))))?;
                    return Err(error.into());
                }
                Err(StoreRunError::Call(error @ CallError::Denied(_))) => {
                    let reason = Some(AttemptFailure::Call(&error).reason());
                    self.finish(&job, |_| Ok(((), Finish::Release(reason))))?;
                    return Err(error.into());
                }
                Err(StoreRunError::Call(error)) => {
                    fail(&job, &AttemptFailure::Call(&error))?;
                    unanswered += 1;
                    if unanswered >= MAX_UNANSWERED {
                        return Err(error.into());
                    }
                }
                Err(error) if error.is_own_fault() => {
                    let (merchant_id, kind) = (self.store.merchant_id, self.run.queue().kind.name);
                    tracing::error!(merchant_id, kind, key = job.key, %error, "job_failed");
                    fail(&job, &AttemptFailure::Own)?;
                }
                Err(error @ StoreRunError::Run(RunError::Lost)) => return Err(error),
                // The error isn't caused by the job. If the database is still down, the attempt
                // counts.
                Err(error) => {
                    let _ = self.finish(&job, |_| Ok(((), Finish::Release(None))));
                    return Err(error);
                }
            }
        }
        Ok(Ending::Done)
    }

    fn with_client(
        &self,
        client: &mut Option<Caller>,
        attempt: impl FnOnce(&mut dyn Client) -> Result<(), StoreRunError>,
    ) -> Result<(), StoreRunError> {
        let client = match client {
            Some(client) => client,
            None => client.insert(self.client()?),
        };
        contained(|| Ok(attempt(&mut **client)))
            .unwrap_or_else(|error| Err(RunError::Own(error).into()))
    }

    pub(crate) fn finish<T>(
        &self,
        job: &Job,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<(T, Finish)>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.finish(job, work)?)
    }
}
