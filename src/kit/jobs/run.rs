//! What runs the jobs of a queue is given, and what it answers.

use std::time::{Duration as Span, Instant};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use rand::RngExt;

use super::claim::{Claimed, Release};
use super::job::{Finish, Job};
use super::kind::backoff;
use super::problem::QueueProblem;
use super::queue::Queue;
use crate::kit::counters;
use crate::kit::db::Db;
use crate::kit::error::AppError;
use crate::kit::supervise::{Stop, contained};

/// After so long a run gives its queue back, so that others have their turn.
const RUN_TIME: Span = Span::from_secs(20);
/// The first pause of a queue whose run failed; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::seconds(5);
const MAX_PAUSE: Duration = Duration::minutes(5);
/// Nobody can ask for a longer pause.
const MAX_ASKED_PAUSE: Duration = Duration::hours(1);

/// A queue's worker at work.
pub struct Run<'a> {
    db: &'a Db,
    claimed: Claimed,
    begun_at: DateTime<Utc>,
    begun: Instant,
    stop: &'a Stop,
}

/// How a run ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The next one comes when a job is due.
    Done,
    /// The next one comes when a job is enqueued, or the queue is woken.
    Idle,
    /// The queue rests for so long, which says nothing of its jobs.
    Paused { wait: Span, problem: QueueProblem },
    /// What all its jobs need isn't there: the queue rests, for longer with each failure.
    Failed { problem: QueueProblem },
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// This worker writes nothing more.
    #[error("another worker has the queue")]
    Lost,
    #[error(transparent)]
    Own(#[from] AppError),
}

impl<'a> Run<'a> {
    pub(super) fn new(
        db: &'a Db,
        claimed: Claimed,
        begun_at: DateTime<Utc>,
        stop: &'a Stop,
    ) -> Self {
        Self { db, claimed, begun_at, begun: Instant::now(), stop }
    }

    pub fn queue(&self) -> &Queue {
        &self.claimed.queue
    }

    /// What time it is: moves on during the run.
    pub fn now(&self) -> DateTime<Utc> {
        self.begun_at + self.begun.elapsed()
    }

    /// Whether there's time for another step. To be asked before each one.
    pub(crate) fn goes_on(&self) -> bool {
        self.begun.elapsed() < RUN_TIME && !self.stop.is_asked()
    }

    /// The next job that is due, while there's time for it.
    pub fn next_job(&self) -> Result<Option<Job>, RunError> {
        if !self.goes_on() {
            return Ok(None);
        }
        self.write(|conn| Job::next(conn, &self.claimed, self.now()))
    }

    /// Reads the merchant's rows, in a transaction of its own: none is open during a call.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, RunError> {
        Ok(self.db.run_blocking(self.claimed.scope(), work)?)
    }

    /// Writes the merchant's rows, if this worker still has the queue; otherwise [`RunError::Lost`], and
    /// nothing is written.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, RunError> {
        self.write_and(work, |conn| self.claimed.hold(conn, self.now()))
    }

    /// [`Run::write`], which ends the attempt at a job as `work` says.
    pub fn finish<T>(
        &self,
        job: &Job,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<(T, Finish)>,
    ) -> Result<T, RunError> {
        let (value, finish) = self.write(|conn| {
            let (value, finish) = work(conn)?;
            job.finish(conn, &self.claimed, finish, self.now())?;
            Ok((value, finish))
        })?;
        let outcome = match finish {
            Finish::Complete | Finish::Reschedule(_) => "completed",
            Finish::Retry(_) if !job.is_last_attempt(&self.claimed.queue.kind) => "retried",
            Finish::Retry(_) | Finish::DeadLetter(_) => "dead_lettered",
            Finish::Release(_) => "released",
        };
        counters::job(self.claimed.queue.kind.name, outcome);
        Ok(value)
    }

    /// Gives the queue back.
    pub(super) fn release(&self, ended: Result<Ending, RunError>) -> Result<(), RunError> {
        let now = self.now();
        let failures = self.claimed.failures;
        let failed = |problem: QueueProblem| {
            let failures = failures.saturating_add(1);
            let pause = backoff(FIRST_PAUSE, MAX_PAUSE, failures);
            (true, Some(now + pause), failures, Some(problem.into()))
        };
        let (looks_at_jobs, paused_until, failures, problem) = match ended {
            Ok(Ending::Done) => (true, None, 0, None),
            Ok(Ending::Idle) => (false, None, 0, None),
            Ok(Ending::Paused { wait, problem }) => {
                (true, Some(now + pause(wait)), failures, Some(problem.into()))
            }
            Ok(Ending::Failed { problem }) => failed(problem),
            Err(RunError::Lost) => return Err(RunError::Lost),
            Err(RunError::Own(error)) => {
                let Queue { merchant_id, kind, store_id } = self.claimed.queue;
                tracing::error!(merchant_id, store_id, kind = kind.name, %error, "job_run_failed");
                failed(QueueProblem::Internal)
            }
        };
        let release = Release { looks_at_jobs, paused_until, failures, problem };
        self.write_and(|_| Ok(()), |conn| self.claimed.release(conn, &release))
    }

    /// `work`, then `last`, which says whether this worker still had the queue and locks its row: as
    /// everywhere, that row comes last.
    fn write_and<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
        last: impl FnOnce(&mut PgConnection) -> QueryResult<bool>,
    ) -> Result<T, RunError> {
        let mut lost = false;
        let write = || {
            self.db.run_blocking(self.claimed.scope(), |conn| {
                let value = work(conn)?;
                lost = !last(conn)?;
                if lost { Err(diesel::result::Error::RollbackTransaction) } else { Ok(value) }
            })
        };
        // Of one job: the others of the queue go on.
        let written = contained(write);
        if lost { Err(RunError::Lost) } else { Ok(written?) }
    }
}

/// As long as is asked for, and a little: a store counts in whole seconds.
fn pause(asked: Span) -> Duration {
    let asked = Duration::from_std(asked).unwrap_or(MAX_ASKED_PAUSE).min(MAX_ASKED_PAUSE);
    asked + Duration::milliseconds(rand::rng().random_range(20..=250))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_asked_within_reason() {
        assert!(pause(Span::from_secs(7)) >= Duration::seconds(7));
        assert!(pause(Span::MAX) <= MAX_ASKED_PAUSE + Duration::seconds(1));
    }
}
