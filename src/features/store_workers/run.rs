//! Jobs of one store: what they're given, and what their store's answers mean for the others.

use std::cell::Cell;
use std::time::Duration as Span;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_platforms::{CallError, Client};

use super::tools::{Caller, Tools};
use crate::features::stores::{self, Store};
use crate::kit::jobs::{Ending, Finish, Job, Run, RunError};
use crate::kit::supervise::contained;

/// So many jobs in a row without an answer, and it's the store that doesn't answer.
const MAX_UNANSWERED: usize = 3;

/// A worker with the jobs of one kind of one store.
pub(crate) struct StoreRun<'a, 'r> {
    pub(crate) tools: &'a Tools,
    /// As it stood when the run began.
    pub(crate) store: Store,
    run: &'a Run<'r>,
    /// Whether it got as far as a call.
    has_called: Cell<bool>,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreRunError {
    /// The store's doing.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Another worker has the queue, or it's our own fault.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl StoreRunError {
    /// Whether Vouch failed on what it was at, and would do so again. What comes after it in the same
    /// store must not wait for that.
    pub(crate) fn is_own_fault(&self) -> bool {
        matches!(self, Self::Run(RunError::Own(error)) if !error.is_passing())
    }
}

/// Runs jobs of a store by `work`, and notes what the store said of the credentials.
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
                run.write(|conn| stores::note_answered(conn, store, now))?;
            }
            Ok(ending)
        }
        Err(StoreRunError::Run(error)) => Err(error),
        Err(StoreRunError::Call(CallError::Denied(reason))) => {
            run.write(|conn| stores::note_denied(conn, store, &reason, now))?;
            Ok(Ending::Paused { wait: Span::ZERO, reason })
        }
        Err(StoreRunError::Call(CallError::Throttled { wait })) => {
            Ok(Ending::Paused { wait, reason: CallError::Throttled { wait }.to_string() })
        }
        Err(StoreRunError::Call(error)) => Ok(Ending::Failed { reason: error.to_string() }),
    }
}

/// Not at each run: the row is read with every page.
fn needs_noting(checked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    checked_at.is_none_or(|at| now - at > Duration::minutes(1))
}

/// Why an attempt at a job failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure<'a> {
    /// By what the store answered about it.
    Call(&'a CallError),
    /// Vouch failed on it.
    Own,
}

impl Failure<'_> {
    /// As rows of jobs have it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Own => "own_fault",
            Self::Call(CallError::Denied(_)) => "access_denied",
            Self::Call(CallError::Refused(_) | CallError::Taken) => "refused",
            Self::Call(CallError::Unanswered(_) | CallError::Throttled { .. }) => "no_answer",
        }
    }
}

/// Works on a job that comes again and again, and answers when it is due next; what's in the payload outlives an attempt.
pub(crate) type PeriodicJob =
    fn(&StoreRun<'_, '_>, &mut Option<serde_json::Value>) -> Result<DateTime<Utc>, StoreRunError>;

/// Runs the one job of a store's periodic kind. What `work` leaves in its payload is kept, also where it
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
    /// See [`Run::now`].
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.run.now()
    }

    /// See [`Run::goes_on`].
    pub(crate) fn goes_on(&self) -> bool {
        self.run.goes_on()
    }

    /// The store's client. What token it gets is kept for the next. `CallError::Denied` when its
    /// credentials can't be used at all.
    pub(crate) fn client(&self) -> Result<Caller, CallError> {
        let client = self.tools.client(&self.store, self.now())?;
        self.has_called.set(true);
        Ok(client)
    }

    /// See [`Run::read`].
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.read(work)?)
    }

    /// See [`Run::write`].
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.write(work)?)
    }

    /// Runs the due jobs, each by `attempt`, which finishes it. Where that fails because of the job itself,
    /// `failed` says how it ends, and the others go on.
    pub(crate) fn each_job(
        &self,
        attempt: impl Fn(&Self, &mut dyn Client, &Job) -> Result<(), StoreRunError>,
        failed: impl Fn(&mut PgConnection, &Self, &Job, &Failure<'_>) -> QueryResult<Finish>,
    ) -> Result<Ending, StoreRunError> {
        let fail = |job: &Job, failure: &Failure<'_>| {
            self.finish(job, |conn| Ok(((), failed(conn, self, job, failure)?)))
        };
        let (mut client, mut unanswered) = (None, 0);
        while let Some(job) = self.run.next_job()? {
            if job.has_crashed(&self.run.queue().kind) {
                fail(&job, &Failure::Own)?;
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
                    let reason = Some(Failure::Call(&error).reason());
                    self.finish(&job, |_| Ok(((), Finish::Release(reason))))?;
                    return Err(error.into());
                }
                Err(StoreRunError::Call(error)) => {
                    fail(&job, &Failure::Call(&error))?;
                    unanswered += 1;
                    if unanswered >= MAX_UNANSWERED {
                        return Err(error.into());
                    }
                }
                Err(error) if error.is_own_fault() => {
                    let (merchant_id, kind) = (self.store.merchant_id, self.run.queue().kind.name);
                    tracing::error!(merchant_id, kind, key = job.key, %error, "job_failed");
                    fail(&job, &Failure::Own)?;
                }
                Err(error @ StoreRunError::Run(RunError::Lost)) => return Err(error),
                // It says nothing of the job. Where the database is still away, the attempt counts.
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

    /// See [`Run::finish`].
    pub(crate) fn finish<T>(
        &self,
        job: &Job,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<(T, Finish)>,
    ) -> Result<T, StoreRunError> {
        Ok(self.run.finish(job, work)?)
    }
}
