//! The threads that run jobs.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::JobKind;
use super::claim::{Busy, Claimed, claim};
use super::run::{Ending, Run, RunError};
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::supervise::{self, Stop, contained};

/// How many queues a process serves side by side.
const WORKERS: usize = 16;
/// How many of them of one merchant: the slow stores of one leave the others enough.
const WORKERS_PER_MERCHANT: usize = 8;
/// How many of those of one store, whatever their kinds: a slow one leaves the merchant's others enough.
const WORKERS_PER_STORE: usize = 2;
/// How often due queues are looked for.
const POLL: Duration = Duration::from_millis(250);
/// How often the leases are prolonged.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A run that takes so long hangs: its queue is left for others.
const HUNG: Duration = Duration::from_secs(180);
/// How long the end waits for the runs. A call may take longer; what it brought is then found by the next
/// attempt.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs the due jobs of a queue, for some 20 seconds at the most.
pub type JobRunner = Arc<dyn Fn(&Run<'_>) -> Result<Ending, RunError> + Send + Sync>;

/// Who runs which kind. Jobs of other kinds, perhaps of a newer version, are left alone.
#[derive(Clone)]
pub struct Registry {
    db: Db,
    runners: Arc<[(JobKind, JobRunner)]>,
    kinds: Arc<[JobKind]>,
}

impl Registry {
    pub fn new(db: Db, runners: Vec<(JobKind, JobRunner)>) -> Self {
        let kinds = runners.iter().map(|(kind, _)| *kind).collect();
        Self { db, runners: runners.into(), kinds }
    }

    /// With one more kind.
    pub(crate) fn with(&self, (kind, runner): (JobKind, JobRunner)) -> Self {
        let runners: Vec<_> = self.runners.iter().cloned().chain([(kind, runner)]).collect();
        Self::new(self.db.clone(), runners)
    }

    fn claim(&self, busy: &Busy, now: DateTime<Utc>) -> AppResult<Option<Claimed>> {
        self.db.run_blocking(Scope::Instance, |conn| claim(conn, &self.kinds, busy, now))
    }

    fn run(&self, claimed: Claimed, now: DateTime<Utc>, stop: &Stop) {
        let queue = claimed.queue;
        let (merchant_id, store_id, kind) = (queue.merchant_id, queue.store_id, queue.kind.name);
        let Some((_, runner)) = self.runners.iter().find(|(of, _)| of.name == kind) else { return };
        let run = Run::new(&self.db, claimed, now, stop);
        let ended = contained(|| Ok(runner(&run))).unwrap_or_else(|error| Err(error.into()));
        match run.release(ended) {
            Ok(()) => {}
            Err(RunError::Lost) => tracing::warn!(merchant_id, store_id, kind, "job_lease_lost"),
            // The lease ends by itself, and another run comes.
            Err(error) => {
                tracing::error!(merchant_id, store_id, kind, %error, "job_release_failed");
            }
        }
    }
}

/// Runs what is due at `now` on this thread, one queue after the other; answers how many runs.
pub fn drain(registry: &Registry, now: DateTime<Utc>) -> AppResult<usize> {
    let stop = Stop::default();
    let mut runs = 0;
    while let Some(claimed) = registry.claim(&Busy::default(), now)? {
        registry.run(claimed, now, &stop);
        runs += 1;
    }
    Ok(runs)
}

/// The thread that hands out queues, and those that run their jobs.
pub struct WorkerPool {
    stop: Stop,
    dispatcher: JoinHandle<()>,
}

impl WorkerPool {
    pub fn start(registry: Registry) -> io::Result<Self> {
        let stop = Stop::default();
        let mut dispatcher = Dispatcher::new(registry, stop.clone());
        let dispatcher = supervise::spawn("jobs", &stop, move || dispatcher.dispatch())?;
        Ok(Self { stop, dispatcher })
    }

    /// Tells all runs to end after the job at hand. The end is waited for when the value goes.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.ask();
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.tell_to_stop();
        // It waits for the runs itself, and may be at a statement before it.
        while !self.dispatcher.is_finished() && self.stop.elapsed() < END_TIMEOUT + POLL {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says that a run is over, also when its thread panics.
struct Done {
    claimed: Claimed,
    tell: Sender<Claimed>,
}

impl Drop for Done {
    fn drop(&mut self) {
        // Nobody waits any more once the process ends.
        let _ = self.tell.send(self.claimed);
    }
}

struct Dispatcher {
    registry: Registry,
    stop: Stop,
    running: Vec<(Claimed, Instant)>,
    done: Receiver<Claimed>,
    says_done: Sender<Claimed>,
    last_heartbeat: Instant,
}

impl Dispatcher {
    fn new(registry: Registry, stop: Stop) -> Self {
        let (says_done, done) = channel();
        let last_heartbeat = Instant::now();
        Self { registry, stop, running: Vec::new(), done, says_done, last_heartbeat }
    }

    fn dispatch(&mut self) {
        while !self.stop.is_asked() {
            if let Err(error) = self.hand_out() {
                tracing::error!(%error, "job_claim_failed");
            }
            self.await_one(POLL);
            if self.last_heartbeat.elapsed() >= HEARTBEAT {
                self.last_heartbeat = Instant::now();
                self.heartbeat();
            }
        }
        let asked = Instant::now();
        while !self.running.is_empty() && asked.elapsed() < END_TIMEOUT {
            self.await_one(POLL);
        }
    }

    /// Waits until a run is over, or `timeout` ends.
    fn await_one(&mut self, timeout: Duration) {
        let Ok(claimed) = self.done.recv_timeout(timeout) else { return };
        for claimed in std::iter::once(claimed).chain(self.done.try_iter()) {
            self.running.retain(|(other, _)| !other.is(&claimed));
        }
    }

    fn hand_out(&mut self) -> AppResult<()> {
        while self.running.len() < WORKERS && !self.stop.is_asked() {
            let Some(claimed) = self.registry.claim(&self.busy(), clock::now())? else {
                return Ok(());
            };
            let (registry, stop) = (self.registry.clone(), self.stop.clone());
            let done = Done { claimed, tell: self.says_done.clone() };
            let work = move || {
                let done = done;
                registry.run(done.claimed, clock::now(), &stop);
            };
            // Without a thread for it, the lease ends by itself.
            thread::Builder::new()
                .name("job".to_owned())
                .spawn(work)
                .map_err(|error| AppError::Internal(error.into()))?;
            self.running.push((claimed, Instant::now()));
        }
        Ok(())
    }

    fn busy(&self) -> Busy {
        let at_limit = |ids: Vec<i64>, limit| -> Vec<i64> {
            let has = |id: &i64| ids.iter().filter(|other| *other == id).count();
            ids.iter().filter(|id| has(id) >= limit).copied().collect()
        };
        let queues = || self.running.iter().map(|(claimed, _)| claimed.queue);
        Busy {
            merchants: at_limit(
                queues().map(|queue| queue.merchant_id).collect(),
                WORKERS_PER_MERCHANT,
            ),
            stores: at_limit(
                queues().filter_map(|queue| queue.store_id).collect(),
                WORKERS_PER_STORE,
            ),
        }
    }

    /// One that fails is made up for by the next: a lease outlives three.
    fn heartbeat(&self) {
        for (claimed, begun) in &self.running {
            if begun.elapsed() > HUNG {
                continue;
            }
            let held = self
                .registry
                .db
                .run_blocking(claimed.scope(), |conn| claimed.prolong(conn, clock::now()));
            if let Err(error) = held {
                tracing::warn!(%error, "job_lease_renewal_failed");
            }
        }
    }
}
