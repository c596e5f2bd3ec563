//! The threads that do the work.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::finish::finish;
use super::turn::{RunJob, Tools, Turn, TurnError};
use crate::features::stores::Store;
use crate::kit::clock;
use crate::kit::db::Scope;
use crate::kit::error::{AppError, AppResult};
use crate::kit::store_jobs::{Busy, Job, claim, hold};
use crate::kit::supervise::{self, Stop};

/// How many jobs a process does side by side.
const HANDS: usize = 16;
/// How many of them for one merchant: the slow stores of one leave the others enough.
const HANDS_PER_MERCHANT: usize = 8;
/// How many of those for one store, whatever its kinds of work: a slow one leaves the merchant's
/// others enough.
const HANDS_PER_STORE: usize = 2;
/// How often due work is looked for.
const POLL: Duration = Duration::from_millis(250);
/// How often a worker says that it still has its job.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A turn that takes so long hangs: its job is left for others.
const HUNG: Duration = Duration::from_secs(180);
/// How long the end waits for the running turns. A call may take longer; what it brought is then
/// found by the next try, which looks first.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The thread that hands out the work, and those that do it.
pub struct Crew {
    stop: Stop,
    foreman: JoinHandle<()>,
}

impl Crew {
    /// Begins to work: `run` does the jobs.
    pub fn start(tools: Tools, run: RunJob) -> io::Result<Self> {
        let stop = Stop::default();
        let mut foreman = Foreman::new(tools, run, stop.clone());
        let foreman = supervise::spawn("work for stores", &stop, move || foreman.lead())?;
        Ok(Self { stop, foreman })
    }

    /// Tells everybody to hand back what they have. The end is waited for when the value goes.
    pub fn tell_to_stop(&self) {
        self.stop.ask();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.tell_to_stop();
        // It waits for the running turns itself, and may be at a statement before it.
        while !self.foreman.is_finished() && self.stop.elapsed() < TIMEOUT + POLL {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says that the job is no longer at work, also when its thread panics.
struct Done {
    job: Job,
    tell: Sender<Job>,
}

impl Drop for Done {
    fn drop(&mut self) {
        // Nobody waits any more once the process ends.
        let _ = self.tell.send(self.job.clone());
    }
}

struct Foreman {
    tools: Tools,
    run: RunJob,
    stop: Stop,
    running: Vec<(Job, Instant)>,
    done: Receiver<Job>,
    says_done: Sender<Job>,
    last_heartbeat: Instant,
}

impl Foreman {
    fn new(tools: Tools, run: RunJob, stop: Stop) -> Self {
        let (says_done, done) = channel();
        Self {
            tools,
            run,
            stop,
            running: Vec::new(),
            done,
            says_done,
            last_heartbeat: Instant::now(),
        }
    }

    fn lead(&mut self) {
        while !self.stop.is_asked() {
            if let Err(error) = self.hand_out() {
                tracing::error!(%error, "cannot look for work for stores");
            }
            self.await_one(POLL);
            if self.last_heartbeat.elapsed() >= HEARTBEAT {
                self.last_heartbeat = Instant::now();
                self.heartbeat();
            }
        }
        let asked = Instant::now();
        while !self.running.is_empty() && asked.elapsed() < TIMEOUT {
            self.await_one(POLL);
        }
    }

    /// Waits until a job is done, or `patience` ends.
    fn await_one(&mut self, patience: Duration) {
        let Ok(job) = self.done.recv_timeout(patience) else { return };
        for job in std::iter::once(job).chain(self.done.try_iter()) {
            self.running.retain(|(other, _)| !is_same(other, &job));
        }
    }

    fn hand_out(&mut self) -> AppResult<()> {
        while self.running.len() < HANDS && !self.stop.is_asked() {
            let busy = self.busy();
            let now = clock::now();
            let claimed =
                self.tools.db.run_blocking(Scope::Instance, |conn| claim(conn, &busy, now))?;
            let Some(job) = claimed else { return Ok(()) };
            let (tools, run, stop) = (self.tools.clone(), self.run, self.stop.clone());
            let done = Done { job: job.clone(), tell: self.says_done.clone() };
            let work = move || {
                let done = done;
                do_job(&tools, run, &done.job, clock::now(), &stop);
            };
            // Without a thread for it, the job's lease ends by itself.
            thread::Builder::new()
                .name("store job".to_owned())
                .spawn(work)
                .map_err(|error| AppError::Internal(error.into()))?;
            self.running.push((job, Instant::now()));
        }
        Ok(())
    }

    fn busy(&self) -> Busy {
        let ids = |id: fn(&Job) -> i64, hands| -> Vec<i64> {
            let ids: Vec<i64> = self.running.iter().map(|(job, _)| id(job)).collect();
            let has = |id| ids.iter().filter(|other| **other == id).count();
            ids.iter().copied().filter(|id| has(*id) >= hands).collect()
        };
        Busy {
            merchants: ids(|job| job.merchant_id, HANDS_PER_MERCHANT),
            stores: ids(|job| job.store_id, HANDS_PER_STORE),
        }
    }

    /// One that cannot be said is said next time: a lease outlives three.
    fn heartbeat(&self) {
        for (job, begun) in &self.running {
            if begun.elapsed() > HUNG {
                continue;
            }
            let held = self.tools.db.run_blocking(Scope::Merchant(job.merchant_id), |conn| {
                hold(conn, job, clock::now())
            });
            if let Err(error) = held {
                tracing::warn!(%error, "cannot keep a job for a store");
            }
        }
    }
}

fn is_same(one: &Job, other: &Job) -> bool {
    let key = |job: &Job| (job.merchant_id, job.store_id, job.kind, job.lease);
    key(one) == key(other)
}

/// Does what is due at `now` on this thread, one job after the other; answers how many turns.
pub fn work_off(tools: &Tools, run: RunJob, now: DateTime<Utc>) -> AppResult<usize> {
    let stop = Stop::default();
    let mut done = 0;
    while let Some(job) =
        tools.db.run_blocking(Scope::Instance, |conn| claim(conn, &Busy::default(), now))?
    {
        do_job(tools, run, &job, now, &stop);
        done += 1;
    }
    Ok(done)
}

fn do_job(tools: &Tools, run: RunJob, job: &Job, now: DateTime<Utc>, stop: &Stop) {
    let (merchant_id, store_id, kind) = (job.merchant_id, job.store_id, job.kind.as_str());
    match begin_and_finish(tools, run, job, now, stop) {
        Ok(()) => {}
        Err(TurnError::Lost) => {
            tracing::warn!(merchant_id, store_id, kind, "another worker has taken the job");
        }
        // The lease ends by itself, and another try comes.
        Err(error) => {
            tracing::error!(merchant_id, store_id, kind, %error, "cannot finish a job for a store");
        }
    }
}

fn begin_and_finish(
    tools: &Tools,
    run: RunJob,
    job: &Job,
    now: DateTime<Utc>,
    stop: &Stop,
) -> Result<(), TurnError> {
    let scope = Scope::Merchant(job.merchant_id);
    let store =
        tools.db.run_blocking(scope, |conn| Store::find(conn, job.merchant_id, job.store_id))?;
    let state = job.state.clone();
    let begun = Instant::now();
    let mut turn = Turn { tools, store, state, job: job.clone(), begun_at: now, begun, stop };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(job.kind, &mut turn)));
    // What panicked has been logged by the hook, with its place.
    finish(&turn, outcome.unwrap_or_else(|_| Err(TurnError::Own(AppError::Unavailable))))
}
