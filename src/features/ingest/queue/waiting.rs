//! Deliveries that couldn't be processed immediately. They're retried per merchant, until they
//! succeed or reach their deadline.
//!
//! Waiting needs neither a thread nor a connection. Rows that another transaction holds are tried
//! again a little later. One thread at a time serves a merchant, and few of its deliveries can
//! wait. So its locks and faults don't delay other merchants.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::{BATCH, QueuedDelivery, Writer};
use super::transaction::{IngestError, IngestResult, keep_failed, together};
use crate::features::ingest::failures::FailureReason;
use crate::kit::config::WAITING_CONNECTIONS;
use crate::kit::db::Fault;
use crate::kit::error::AppError;
use crate::kit::supervise::{self, Stop};

/// The maximum number of waiting deliveries per merchant. Further ones get a 503 response.
const ROOM: usize = 256;
/// The first and the longest pause before the next attempt. Each pause is twice the previous one.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(100)];
/// The maximum number of attempts for a delivery in its own transaction. Then it's stored as failed
/// if the error is Vouch's own, or gets a 503 response.
const ATTEMPTS: u32 = 3;

struct Entry {
    job: QueuedDelivery,
    due: Instant,
    pause: Duration,
    /// How many attempts in its own transaction failed.
    failures: u32,
    /// Whether it gets its own transaction, because it was part of one that failed.
    alone: bool,
}

impl Entry {
    /// Schedules another attempt after a pause.
    fn later(mut self) -> Self {
        self.due = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSES[1]);
        self
    }
}

#[derive(Default)]
struct State {
    /// By merchant, in the order of arrival.
    entries: BTreeMap<i64, Vec<Entry>>,
    /// The merchants that a thread is serving.
    served: BTreeSet<i64>,
    /// The merchant that was served last. The ones after it come first.
    last: i64,
    /// The number of [`AdmissionQueue`]s, which can add entries.
    doors: usize,
}

struct Capacity {
    state: Mutex<State>,
    changed: Condvar,
}

/// The threads that retry. They end after the last [`AdmissionQueue`] is dropped and nothing waits.
pub(super) struct RetryThreads;

impl RetryThreads {
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

/// A merchant whose entries a thread has. It's released even if the thread panics. Then these
/// entries get a 503 response, and the merchant's others are served.
struct Served<'a> {
    room: &'a Capacity,
    merchant_id: i64,
    /// Entries that must wait longer.
    left: Vec<Entry>,
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.room.put_back(self.merchant_id, std::mem::take(&mut self.left));
    }
}

/// Adds deliveries that have to wait.
pub(super) struct AdmissionQueue(Arc<Capacity>);

impl AdmissionQueue {
    fn new(room: &Arc<Capacity>) -> Self {
        room.lock().doors += 1;
        Self(Arc::clone(room))
    }

    /// Retries the delivery until it gets a response.
    pub(super) fn let_in(&self, job: QueuedDelivery) {
        self.enter(job, false);
    }

    /// Like [`AdmissionQueue::let_in`], for a delivery that was part of a failed transaction.
    pub(super) fn let_in_alone(&self, job: QueuedDelivery) {
        self.enter(job, true);
    }

    fn enter(&self, job: QueuedDelivery, alone: bool) {
        let mut state = self.0.lock();
        let theirs = state.entries.entry(job.incoming.merchant_id).or_default();
        if theirs.len() >= ROOM {
            drop(state);
            tracing::warn!(merchant_id = job.incoming.merchant_id, "ingest_queue_full");
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

    /// The due entries of one merchant, at most a batch. `None` once nothing waits and nothing can
    /// be added.
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

/// Retries `entries` of one merchant, and responds to those with a result. Returns those that must
/// wait longer.
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
    let (jobs, rest): (Vec<QueuedDelivery>, Vec<(Duration, u32)>) =
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

/// Processes one delivery in its own transaction. It's only stored as failed if later attempts
/// wouldn't succeed.
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
                // The store sends it again until the fault is gone.
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
