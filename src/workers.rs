//! Work that nobody waits for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::clock;
use crate::db::Db;
use crate::error::AppResult;
use crate::mail::Office;
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

const JOBS: [Job; 10] = [
    Job {
        name: "end expired sessions",
        every: Duration::from_secs(600),
        turn: |db| crate::auth::sweep(db, clock::now()),
    },
    Job {
        name: "delete old links",
        every: Duration::from_secs(3600),
        turn: |db| crate::auth::links::sweep(db, clock::now()),
    },
    Job {
        name: "clear away old letters",
        every: Duration::from_secs(3600),
        turn: |db| crate::mail::sweep(db, clock::now()),
    },
    Job {
        name: "empty old deliveries",
        every: Duration::from_secs(3600),
        turn: |db| crate::orders::retention::sweep(db, clock::now()),
    },
    Job {
        name: "forget unconfirmed applications",
        every: Duration::from_secs(3600),
        turn: |db| crate::registration::sweep(db, clock::now()),
    },
    Job {
        name: "hand triggers over",
        every: Duration::from_secs(1),
        turn: |db| crate::triggers::hand_over_due(db, clock::now()),
    },
    Job {
        name: "forget old imports",
        every: Duration::from_secs(3600),
        turn: |db| crate::imports::sweep(db, clock::now()),
    },
    Job {
        name: "create imported triggers",
        every: Duration::from_secs(1),
        turn: crate::imports::turn,
    },
    Job {
        name: "forget old one-time keys",
        every: Duration::from_secs(3600),
        turn: |db| crate::web::one_time::sweep(db, clock::now()),
    },
    // Looked for often, since a member waits for it: that's one look at an index that is empty.
    Job {
        name: "recalculate orders",
        every: Duration::from_millis(250),
        turn: crate::orders::recalculation::turn,
    },
];

/// How often letters are looked for.
const MAIL_ROUND: Duration = Duration::from_secs(1);
/// A mail server that hangs does not hold up the end for longer.
const MAIL_PATIENCE: Duration = Duration::from_secs(3);

/// The threads of the jobs, that of the mail, and those that work for stores. They end, each after its present turn,
/// when this value goes.
pub struct Workers {
    threads: Vec<(mpsc::Sender<()>, JoinHandle<()>)>,
    mail: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    crew: Crew,
}

impl Workers {
    /// Starts a thread per job, the mail, and the work for stores.
    #[must_use]
    pub fn start(tools: Tools, office: Office) -> Self {
        let threads = JOBS
            .into_iter()
            .map(|job| {
                let (sender, stopped) = mpsc::channel();
                let db = tools.db.clone();
                let turn = move || (job.turn)(&db);
                (sender, thread::spawn(move || work(job.name, job.every, turn, &stopped)))
            })
            .collect();
        let (sender, stopped) = mpsc::channel();
        let turn = move || office.turn();
        let mail = thread::spawn(move || work("send letters", MAIL_ROUND, turn, &stopped));
        Self { threads, mail: Some((sender, mail)), crew: Crew::start(tools) }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // First tell all of them, then wait: they end side by side.
        self.crew.tell_to_stop();
        let mail = self.mail.take().map(|(sender, thread)| {
            drop(sender);
            thread
        });
        let (senders, threads): (Vec<_>, Vec<_>) = self.threads.drain(..).unzip();
        drop(senders);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a background job has panicked");
            }
        }
        // What it was about to send is sent by the next worker, once its lease is over.
        let asked = Instant::now();
        while mail.as_ref().is_some_and(|mail| !mail.is_finished()) {
            if asked.elapsed() > MAIL_PATIENCE {
                tracing::warn!("the mail server takes its time: left a letter to the next worker");
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn work(
    job: &str,
    every: Duration,
    turn: impl Fn() -> AppResult<usize>,
    stopped: &mpsc::Receiver<()>,
) {
    loop {
        let begun = Instant::now();
        match turn() {
            Ok(0) => {}
            Ok(done) => tracing::info!(job, done, "background job"),
            Err(error) => tracing::error!(job, %error, "background job failed"),
        }
        let pause = every.saturating_sub(begun.elapsed());
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
