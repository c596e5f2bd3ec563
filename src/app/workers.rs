//! Work that nobody waits for.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::features::ingest::{awaited, failures, recalculation, refund_reads};
use crate::features::privacy::retention;
use crate::features::store_workers::{self, Crew, Next, Tools, Turn, TurnError};
use crate::features::{backfills, code_syncs, pushes};
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::email::Mailer;
use crate::kit::error::AppResult;
use crate::kit::store_jobs::JobKind;
use crate::kit::supervise::{self, Stop};

/// Something that is done again and again.
struct Job {
    /// As the log calls it.
    name: &'static str,
    /// From the start of one turn to the start of the next.
    every: Duration,
    /// One turn; answers how much there was to do. Looks between small portions whether to stop, and
    /// leaves the rest to the next start.
    turn: fn(&Tools, &Stop) -> AppResult<usize>,
}

const JOBS: [Job; 11] = [
    Job {
        name: "end expired sessions",
        every: Duration::from_secs(600),
        turn: |tools, _| crate::features::auth::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "delete old links",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::features::auth::links::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "clear away old letters",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::kit::email::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "apply retention periods",
        every: Duration::from_secs(3600),
        turn: |tools, stop| retention::sweep(&tools.db, tools.keep, clock::now(), stop),
    },
    Job {
        name: "forget unconfirmed applications",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::features::registration::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "hand triggers over",
        every: Duration::from_secs(1),
        turn: |tools, stop| crate::features::triggers::hand_over_due(&tools.db, clock::now(), stop),
    },
    Job {
        name: "forget old imports",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::features::imports::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "create imported triggers",
        every: Duration::from_secs(1),
        turn: |tools, stop| crate::features::imports::turn(&tools.db, stop),
    },
    Job {
        name: "forget old one-time keys",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::kit::web::one_time::sweep(&tools.db, clock::now()),
    },
    Job {
        name: "delete old answers of forms",
        every: Duration::from_secs(3600),
        turn: |tools, _| crate::kit::web::idempotency::sweep(&tools.db, clock::now()),
    },
    // Looked for often, since a member waits for it: that's one look at an index that is empty.
    Job {
        name: "recalculate orders",
        every: Duration::from_millis(250),
        turn: |tools, stop| recalculation::turn(&tools.db, stop),
    },
];

/// How often failed deliveries are looked for.
const RETRY_ROUND: Duration = Duration::from_secs(5);
/// How often letters are looked for.
const MAIL_ROUND: Duration = Duration::from_secs(1);
/// The first pause after a turn that failed; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long the threads may take to end, from when they're told. What one still does then is a
/// transaction that ends with its connection, or a call whose lease ends.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads of the jobs, that of the mail, and those that work for stores. They end, each after its
/// present portion, when they're told or this value goes.
pub struct Workers {
    stop: Stop,
    threads: Vec<(&'static str, JoinHandle<()>)>,
    crew: Crew,
}

impl Workers {
    /// Starts a thread per job, the mail, and the work for stores.
    pub fn start(tools: Tools, mailer: Mailer) -> io::Result<Self> {
        let stop = Stop::default();
        let mut threads = Vec::with_capacity(JOBS.len() + 1);
        for job in JOBS {
            let of_job = tools.clone();
            let turn = move |stop: &Stop| (job.turn)(&of_job, stop);
            threads.push((job.name, start(job.name, job.every, turn, &stop)?));
        }
        let (db, pseudonyms) = (tools.db.clone(), tools.pseudonyms());
        let mut is_resumed = false;
        let turn = move |stop: &Stop| {
            if !is_resumed {
                resume(&db)?;
                is_resumed = true;
            }
            failures::turn(&db, &pseudonyms, stop)
        };
        let retries = "process failed deliveries again";
        threads.push((retries, start(retries, RETRY_ROUND, turn, &stop)?));
        let turn = move |stop: &Stop| mailer.turn_until(stop);
        threads.push(("send letters", start("send letters", MAIL_ROUND, turn, &stop)?));
        let crew = Crew::start(tools, run_job)?;
        Ok(Self { stop, threads, crew })
    }

    /// Tells all of them to end. They do so side by side; the end is waited for when the value goes.
    pub fn tell_to_stop(&self) {
        self.stop.ask();
        self.crew.tell_to_stop();
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
        for (job, _) in self.threads.iter().filter(|(_, thread)| !thread.is_finished()) {
            tracing::warn!(job, "left_to_next_start");
        }
    }
}

/// Who does which job for a store.
pub fn run_job(kind: JobKind, turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    match kind {
        JobKind::Push => pushes::turn(turn),
        JobKind::Orders => awaited::turn(turn),
        JobKind::Refunds => refund_reads::turn(turn),
        JobKind::Webhooks => store_workers::webhooks::turn(turn),
        JobKind::Backfill => backfills::turn(turn),
        JobKind::Compare => code_syncs::turn(turn),
    }
}

/// Does what is due for stores at `now` on this thread; answers how many turns.
pub fn work_off_stores(tools: &Tools, now: DateTime<Utc>) -> AppResult<usize> {
    store_workers::work_off(tools, run_job, now)
}

/// Makes due what earlier processes left for a person: its operator may have fixed the cause, or this
/// build has.
fn resume(db: &Db) -> AppResult<()> {
    let recalculations =
        db.run_blocking(Scope::Instance, |conn| recalculation::unpark(conn, clock::now()))?;
    let deliveries = failures::renew(db, failures::build())?;
    if recalculations + deliveries > 0 {
        tracing::info!(recalculations, deliveries, "due_again");
    }
    Ok(())
}

fn start(
    name: &'static str,
    every: Duration,
    mut turn: impl FnMut(&Stop) -> AppResult<usize> + Send + 'static,
    stop: &Stop,
) -> io::Result<JoinHandle<()>> {
    let stopped = stop.clone();
    supervise::spawn(name, stop, move || work(name, every, &mut turn, &stopped))
}

fn work(job: &str, every: Duration, turn: &mut impl FnMut(&Stop) -> AppResult<usize>, stop: &Stop) {
    let mut failures = 0;
    while !stop.is_asked() {
        let begun = Instant::now();
        match turn(stop) {
            Ok(done) => {
                failures = 0;
                if done > 0 {
                    tracing::info!(job, done, "background job");
                }
            }
            Err(error) => {
                failures += 1;
                tracing::error!(job, %error, failures, "background job failed");
            }
        }
        let pause = if failures == 0 { every } else { wait_after(failures) };
        stop.wait(pause.saturating_sub(begun.elapsed()));
    }
}

/// After failures in a row: a job that is done once an hour doesn't wait an hour for a fault that
/// passes, and one that is done all the time doesn't fill the log.
fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    (FIRST_WAIT * (1 << doublings)).min(MAX_WAIT)
}
