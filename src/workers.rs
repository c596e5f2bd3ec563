//! Work that nobody waits for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::clock;
use crate::db::Db;
use crate::error::AppResult;
use crate::store_jobs::{Crew, Tools};

/// Something that is done again and again.
struct Job {
    /// As the log calls it.
    name: &'static str,
    /// From the start of one turn to the start of the next.
    every: Duration,
    /// One turn; answers how much there was to do.
    turn: fn(&Db) -> AppResult<usize>,
}

const JOBS: [Job; 3] = [
    Job {
        name: "end expired sessions",
        every: Duration::from_secs(600),
        turn: |db| crate::auth::sweep(db, clock::now()),
    },
    Job {
        name: "empty old deliveries",
        every: Duration::from_secs(3600),
        turn: |db| crate::orders::retention::sweep(db, clock::now()),
    },
    Job {
        name: "work off the outbox",
        every: Duration::from_secs(1),
        turn: crate::outbox::work_off,
    },
];

/// The threads of the jobs, and those that work for stores. They end, each after its present turn,
/// when this value goes.
pub struct Workers {
    threads: Vec<(mpsc::Sender<()>, JoinHandle<()>)>,
    crew: Crew,
}

impl Workers {
    /// Starts a thread per job, and the work for stores.
    #[must_use]
    pub fn start(tools: Tools) -> Self {
        let threads = JOBS
            .into_iter()
            .map(|job| {
                let (sender, stopped) = mpsc::channel();
                let db = tools.db.clone();
                (sender, thread::spawn(move || work(&job, &db, &stopped)))
            })
            .collect();
        Self { threads, crew: Crew::start(tools) }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // First tell all of them, then wait: they end side by side.
        self.crew.tell_to_stop();
        let (senders, threads): (Vec<_>, Vec<_>) = self.threads.drain(..).unzip();
        drop(senders);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a background job has panicked");
            }
        }
    }
}

fn work(job: &Job, db: &Db, stopped: &mpsc::Receiver<()>) {
    loop {
        let begun = Instant::now();
        match (job.turn)(db) {
            Ok(0) => {}
            Ok(done) => tracing::info!(job = job.name, done, "background job"),
            Err(error) => tracing::error!(job = job.name, %error, "background job failed"),
        }
        let pause = job.every.saturating_sub(begun.elapsed());
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
