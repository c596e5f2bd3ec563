//! Background work that no request waits for.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::features::emails::{Mailer, SEND_EMAIL};
use crate::features::ingest::{failures, pending_fetches, recalculation, refund_reads};
use crate::features::privacy::retention;
use crate::features::store_workers::{
    self, PeriodicJob, StoreRun, StoreRunError, Tools, run_for_store, run_periodic,
};
use crate::features::stores::jobs;
use crate::features::{backfills, code_syncs, pushes};
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::jobs::{Ending, JobKind, JobRunner, Registry, Run, RunError, WorkerPool, drain};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::supervise::{self, Stop};

/// Work that repeats.
struct Task {
    /// The name in the log.
    name: &'static str,
    /// The time from the start of one run to the start of the next.
    every: Duration,
    /// Does one run and returns how much there was to do. It checks for a stop between small
    /// portions, and leaves the rest to the next start.
    run: fn(&Tools, &Stop) -> AppResult<usize>,
}

const TASKS: [Task; 12] = [
    Task {
        name: "end expired sessions",
        every: Duration::from_secs(600),
        run: |tools, _| crate::features::auth::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "delete old links",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::features::auth::links::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "delete old emails",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::features::emails::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "apply retention periods",
        every: Duration::from_secs(3600),
        run: |tools, stop| retention::sweep(&tools.db, tools.keep, clock::now(), stop),
    },
    Task {
        name: "delete old failed jobs",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::kit::jobs::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "delete unconfirmed applications",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::features::registration::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "reassign triggers",
        every: Duration::from_secs(1),
        run: |tools, stop| crate::features::triggers::hand_over_due(&tools.db, clock::now(), stop),
    },
    Task {
        name: "delete old imports",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::features::imports::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "create imported triggers",
        every: Duration::from_secs(1),
        run: |tools, stop| crate::features::imports::run_due(&tools.db, stop),
    },
    Task {
        name: "delete old one-time keys",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::kit::web::one_time::sweep(&tools.db, clock::now()),
    },
    Task {
        name: "delete old form responses",
        every: Duration::from_secs(3600),
        run: |tools, _| crate::kit::web::idempotency::sweep(&tools.db, clock::now()),
    },
    // It runs often because a member waits for the result. Most runs only check an empty index.
    Task {
        name: "recalculate orders",
        every: Duration::from_millis(250),
        run: |tools, stop| recalculation::run_due(&tools.db, stop),
    },
];

/// The interval between attempts to resume the work of earlier processes.
const RESUME_ROUND: Duration = Duration::from_secs(5);
/// The first pause after a failed run. Each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long the threads may take to end after a stop. A thread that's still busy then has a
/// transaction that ends with its connection, or a call whose lease ends.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads of the tasks and the worker pool. Each ends after its current portion, once it's
/// told to stop or this value is dropped.
pub(crate) struct Workers {
    stop: Stop,
    threads: Vec<(&'static str, JoinHandle<()>)>,
    pool: WorkerPool,
}

impl Workers {
    pub(crate) fn start(tools: Tools, mailer: Mailer) -> io::Result<Self> {
        let stop = Stop::default();
        let mut threads = Vec::with_capacity(TASKS.len() + 1);
        for task in TASKS {
            let tools = tools.clone();
            let run = move |stop: &Stop| (task.run)(&tools, stop);
            threads.push((task.name, start(task.name, task.every, run, &stop)?));
        }
        let (db, resumed, stopped) = (tools.db.clone(), mailer.clone(), stop.clone());
        let resumes = supervise::spawn("resume", &stop, move || {
            while let Err(error) = resume(&db, &resumed) {
                tracing::error!(%error, "failed_work_not_requeued");
                if stopped.wait(RESUME_ROUND) {
                    return;
                }
            }
        })?;
        threads.push(("resume", resumes));
        let pool = WorkerPool::start(registry(&tools).with(mailer.runner()))?;
        Ok(Self { stop, threads, pool })
    }

    /// Tells all of them to end. They end at the same time, and dropping this value waits for that.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.ask();
        self.pool.tell_to_stop();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tell_to_stop();
        while self.stop.elapsed() < END_TIMEOUT
            && self.threads.iter().any(|(_, thread)| !thread.is_finished())
        {
            thread::sleep(Duration::from_millis(20));
        }
        for (task, _) in self.threads.iter().filter(|(_, thread)| !thread.is_finished()) {
            tracing::warn!(task, "task_interrupted");
        }
    }
}

/// The function for a kind of job.
#[derive(Clone, Copy)]
enum Work {
    /// It calls a store.
    Store(fn(&StoreRun<'_, '_>) -> Result<Ending, StoreRunError>),
    /// It regularly calls a store.
    Periodic(PeriodicJob),
    Merchant(fn(&Run<'_>, &Pseudonyms) -> Result<Ending, RunError>),
}

const WORK: [(JobKind, Work); 7] = [
    (jobs::PUSH, Work::Store(pushes::run)),
    (jobs::FETCH_ORDER, Work::Store(pending_fetches::run)),
    (jobs::READ_REFUNDS, Work::Store(refund_reads::run)),
    (jobs::CHECK_WEBHOOKS, Work::Periodic(|run, _| store_workers::webhooks::run(run))),
    (jobs::IMPORT_ORDERS, Work::Periodic(backfills::run)),
    (jobs::CHECK_CODES, Work::Periodic(|run, _| code_syncs::run(run))),
    (failures::RETRY_DELIVERY, Work::Merchant(failures::run)),
];

pub(crate) fn kinds() -> impl Iterator<Item = JobKind> {
    WORK.into_iter().map(|(kind, _)| kind).chain([SEND_EMAIL])
}

/// The runners of all kinds of jobs except emails.
pub fn registry(tools: &Tools) -> Registry {
    let runner = |work: Work| -> JobRunner {
        let tools = tools.clone();
        match work {
            Work::Store(work) => Arc::new(move |run| run_for_store(&tools, run, work)),
            Work::Periodic(work) => Arc::new(move |run| run_periodic(&tools, run, work)),
            Work::Merchant(work) => Arc::new(move |run| work(run, &tools.pseudonyms())),
        }
    };
    let runners = WORK.into_iter().map(|(kind, work)| (kind, runner(work))).collect();
    Registry::new(tools.db.clone(), runners)
}

/// Runs the jobs that are due at `now` on this thread. Returns how many queues were processed.
pub fn run_due_jobs(tools: &Tools, now: DateTime<Utc>) -> AppResult<usize> {
    drain(&registry(tools), now)
}

/// Makes failed work of earlier processes due again, because the operator or this build may have
/// fixed the cause.
fn resume(db: &Db, mailer: &Mailer) -> AppResult<()> {
    let recalculations =
        db.run_blocking(Scope::Instance, |conn| recalculation::retry_failed(conn, clock::now()))?;
    let deliveries = failures::renew(db, failures::build())?;
    let emails = mailer.resume()?;
    if recalculations + deliveries + emails > 0 {
        tracing::info!(recalculations, deliveries, emails, "failed_work_requeued");
    }
    Ok(())
}

fn start(
    name: &'static str,
    every: Duration,
    mut run: impl FnMut(&Stop) -> AppResult<usize> + Send + 'static,
    stop: &Stop,
) -> io::Result<JoinHandle<()>> {
    let stopped = stop.clone();
    supervise::spawn(name, stop, move || work(name, every, &mut run, &stopped))
}

fn work(task: &str, every: Duration, run: &mut impl FnMut(&Stop) -> AppResult<usize>, stop: &Stop) {
    let mut failures = 0;
    while !stop.is_asked() {
        let begun = Instant::now();
        match run(stop) {
            Ok(count) => {
                failures = 0;
                if count > 0 {
                    tracing::info!(task, count, "task_completed");
                }
            }
            Err(error) => {
                failures += 1;
                tracing::error!(task, %error, failures, "task_failed");
            }
        }
        let pause = if failures == 0 { every } else { wait_after(failures) };
        stop.wait(pause.saturating_sub(begun.elapsed()));
    }
}

/// The pause after failures in a row. A task that runs hourly doesn't wait an hour for a temporary
/// fault, and a frequent one doesn't fill the log.
fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    (FIRST_WAIT * (1 << doublings)).min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::support::jobs::can_be_retried;

    #[test]
    fn what_can_fail_for_good_can_be_retried() {
        let left_out: Vec<&str> = kinds()
            .filter(|kind| kind.max_attempts < i32::MAX && !can_be_retried(kind.name))
            .map(|kind| kind.name)
            .collect();
        assert!(left_out.is_empty(), "{left_out:?}");
    }
}
