//! Deliveries that couldn't be taken in at once. They are tried again, merchant by merchant, until
//! it succeeds or their time is over.
//!
//! Waiting takes no thread and no connection: what somebody else still has is looked at again a
//! little later. A merchant is served by one thread at a time, and has room for so many, so that
//! neither its locks nor its faults hold up another.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::{BATCH, Job, Writer};
use super::transaction::{IngestError, IngestResult, keep_failed, together};
use crate::features::ingest::failures::FailureReason;
use crate::kit::config::WAITING_CONNECTIONS;
use crate::kit::db::Fault;
use crate::kit::error::AppError;
use crate::kit::supervise::{self, Stop};

/// As many deliveries of one merchant wait at the most; more are told to come again (503).
const ROOM: usize = 256;
/// The first pause before the next attempt, and the longest; each is twice the one before.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(100)];
/// A delivery that fails alone so often is answered: kept as failed where the fault is Vouch's own, else
/// by 503.
const ATTEMPTS: u32 = 3;

struct Entry {
    job: Job,
    due: Instant,
    pause: Duration,
    /// How often it failed alone.
    failures: u32,
    /// Whether it's tried by itself: it was part of something that failed.
    alone: bool,
}

impl Entry {
    /// To be tried again after a pause.
    fn later(mut self) -> Self {
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES[1]);
        self
    }
}

#[derive(Default)]
struct State {
    /// By merchant, in the order in which they came.
    entries: BTreeMap<i64, Vec<Entry>>,
    /// The merchants that a thread is serving.
    served: BTreeSet<i64>,
    /// Who was served last: the next ones go first.
    last: i64,
    /// How many can let something in.
    doors: usize,
}

struct Capacity {
    state: Mutex<State>,
    changed: Condvar,
}

/// The threads that try again. They end with the last [`AdmissionQueue`].
pub(super) struct Waiting;

impl Waiting {
    /// Starts them.
    pub(super) fn start(writer: &Writer) -> io::Result<AdmissionQueue> {
        let room = Arc::new(Capacity { state: Mutex::default(), changed: Condvar::new() });
        let queue = AdmissionQueue::new(&room);
        for _ in 0..WAITING_CONNECTIONS {
            let (room, writer) = (Arc::clone(&room), writer.clone());
            let work = move || {
                while let Some((merchant_id, entries)) = room.next() {
                    let mut served = Served { room: &room, merchant_id, left: Vec::new() };
                    served.left = try_again(&writer, entries);
                }
            };
            supervise::spawn("waiting intake", &Stop::default(), work)?;
        }
        Ok(queue)
    }
}

/// A merchant whose entries a thread has. Given back also when the thread panics: what it had then is
/// answered by 503, and the merchant's others are served.
struct Served<'a> {
    room: &'a Capacity,
    merchant_id: i64,
    /// What has to wait on.
    left: Vec<Entry>,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.room.put_back(self.merchant_id, std::mem::take(&mut self.left));
    }
}

/// Where deliveries come in.
pub(super) struct AdmissionQueue(Arc<Capacity>);

impl AdmissionQueue {
    fn new(room: &Arc<Capacity>) -> Self {
        room.lock().doors += 1;
        Self(Arc::clone(room))
    }

    /// The delivery is tried again, and answered in the end.
    pub(super) fn let_in(&self, job: Job) {
        self.enter(job, false);
    }

    /// Like [`AdmissionQueue::let_in`], for one that was part of something that failed.
    pub(super) fn let_in_alone(&self, job: Job) {
        self.enter(job, true);
    }

    fn enter(&self, job: Job, alone: bool) {
        let mut state = self.0.lock();
        let theirs = state.entries.entry(job.incoming.merchant_id).or_default();
        if theirs.len() >= ROOM {
            drop(state);
            tracing::warn!(merchant_id = job.incoming.merchant_id, "too many deliveries wait");
            return job.answer(Err(AppError::Unavailable));
        }
        let entry = Entry { job, due: Instant::now(), pause: PAUSES[0], failures: 0, alone };
        theirs.push(if alone { entry } else { entry.later() });
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Clone for AdmissionQueue {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for AdmissionQueue {
    fn drop(&mut self) {
        self.0.lock().doors -= 1;
        self.0.changed.notify_all();
    }
}

impl Capacity {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries of one merchant that are due, at the most a batch; `None` once nothing waits and
    /// nothing can come in.
    fn next(&self) -> Option<(i64, Vec<Entry>)> {
        let mut state = self.lock();
        loop {
            if let Some(found) = state.take_due(Instant::now()) {
                return Some(found);
            }
            if state.doors == 0 && state.entries.is_empty() {
                return None;
            }
            let pause = state.next_due().map_or(Duration::from_secs(1), |due| {
                due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
            });
            let waited = self.changed.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn put_back(&self, merchant_id: i64, left: Vec<Entry>) {
        let mut state = self.lock();
        state.served.remove(&merchant_id);
        if !left.is_empty() {
            state.entries.entry(merchant_id).or_default().extend(left);
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn take_due(&mut self, now: Instant) -> Option<(i64, Vec<Entry>)> {
        let is_due = |merchant_id: &i64, entries: &Vec<Entry>| {
            !self.served.contains(merchant_id) && entries.iter().any(|entry| entry.due <= now)
        };
        let after = self.entries.range(self.last + 1..);
        let before = self.entries.range(..=self.last);
        let merchant_id = *after.chain(before).find(|(id, entries)| is_due(id, entries))?.0;
        let mut theirs = self.entries.remove(&merchant_id)?;
        let mut due = Vec::new();
        let mut rest = Vec::new();
        for entry in theirs.drain(..) {
            if entry.due <= now && due.len() < BATCH { due.push(entry) } else { rest.push(entry) }
        }
        if !rest.is_empty() {
            self.entries.insert(merchant_id, rest);
        }
        self.served.insert(merchant_id);
        self.last = merchant_id;
        Some((merchant_id, due))
    }

    fn next_due(&self) -> Option<Instant> {
        let waiting = self.entries.iter().filter(|(id, _)| !self.served.contains(id));
        waiting.flat_map(|(_, entries)| entries).map(|entry| entry.due).min()
    }
}

/// Tries `entries`, which are one merchant's, and answers what becomes known of them; gives back
/// what has to wait on.
fn try_again(writer: &Writer, entries: Vec<Entry>) -> Vec<Entry> {
    let now = Instant::now();
    let (late, entries): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.job.deadline <= now);
    late.into_iter().for_each(|entry| entry.job.answer(Err(AppError::Unavailable)));
    let (alone, grouped): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.alone);
    let mut left = try_grouped(writer, grouped);
    for entry in alone {
        if entry.job.deadline <= Instant::now() {
            entry.job.answer(Err(AppError::Unavailable));
        } else {
            left.extend(try_alone(writer, entry));
        }
    }
    left
}

fn try_grouped(writer: &Writer, entries: Vec<Entry>) -> Vec<Entry> {
    if entries.is_empty() {
        return entries;
    }
    let mut kept = Vec::with_capacity(entries.len());
    let (jobs, rest): (Vec<Job>, Vec<(Duration, u32)>) =
        entries.into_iter().map(|entry| (entry.job, (entry.pause, entry.failures))).unzip();
    let due = Instant::now();
    let again = |job, (pause, failures), alone| Entry { job, due, pause, failures, alone };
    match together(writer, &jobs) {
        Ok(taken) => {
            for ((job, rest), taken) in jobs.into_iter().zip(rest).zip(taken) {
                match taken {
                    IngestResult::In(outcome) => job.answer(Ok(outcome)),
                    IngestResult::Held => kept.push(again(job, rest, false).later()),
                }
            }
        }
        Err(IngestError::Unavailable) => {
            jobs.into_iter().for_each(|job| job.answer(Err(AppError::Unavailable)));
        }
        Err(IngestError::PartOf { .. }) => {
            let all = jobs.into_iter().zip(rest);
            kept.extend(all.map(|(job, rest)| again(job, rest, true)));
        }
    }
    kept
}

/// One delivery in a transaction of its own. Only what wouldn't succeed later either is kept as failed.
fn try_alone(writer: &Writer, mut entry: Entry) -> Option<Entry> {
    match together(writer, std::slice::from_ref(&entry.job)) {
        Ok(taken) => match taken.into_iter().next() {
            Some(IngestResult::In(outcome)) => entry.job.answer(Ok(outcome)),
            _ => return Some(entry.later()),
        },
        Err(IngestError::Unavailable) => entry.job.answer(Err(AppError::Unavailable)),
        Err(IngestError::PartOf { waited: true, .. }) => return Some(entry.later()),
        Err(IngestError::PartOf { fault, waited: false, .. }) => {
            entry.failures += 1;
            let reason = match fault {
                Fault::Value => FailureReason::Value,
                Fault::Own | Fault::Passing if entry.failures < ATTEMPTS => {
                    return Some(entry.later());
                }
                Fault::Own => FailureReason::OwnFault,
                // The store sends it again, until the fault has passed.
                Fault::Passing => {
                    entry.job.answer(Err(AppError::Unavailable));
                    return None;
                }
            };
            let topic = &entry.job.incoming.topic;
            tracing::error!(topic, reason = reason.as_str(), "delivery_failed");
            let outcome = keep_failed(writer, &entry.job, reason);
            entry.job.answer(outcome);
        }
    }
    None
}
