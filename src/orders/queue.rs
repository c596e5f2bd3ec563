//! Deliveries that arrive at the same time share a commit: a few writers, each taking what waits.
//!
//! Every delivery keeps its own outcome, and is answered only after the commit. A report that fails
//! spoils no other: its batch is rolled back, and each of them is tried alone. All messages of one
//! order go to the same writer, so that writers seldom wait for each other.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use diesel::PgConnection;
use diesel::r2d2::R2D2Connection;
use tokio::sync::oneshot;

use super::intake::{Arrival, Batch, Outcome, note, take_in};
use super::report::StoreEvent;
use crate::db::{Pool, Scope, in_scope, turn_to};
use crate::error::{AppError, AppResult};
use crate::operations::counters;
use crate::stores::Platform;

/// As many deliveries share a commit at the most.
const BATCH: usize = 64;
/// As many wait for a writer at the most; more are told to come again (503), which stores do.
const WAITING: usize = 1024;
/// A delivery that fails alone, for a reason that can pass (a deadlock), is tried so often.
const TRIES: u32 = 3;

/// What a message says, or why it cannot be understood.
pub type Understood = Result<StoreEvent, String>;

struct Job {
    arrival: Arrival,
    understood: Understood,
    answer: oneshot::Sender<AppResult<Outcome>>,
}

/// The writers. They end when the last clone of this value goes.
#[derive(Clone)]
pub struct Intake {
    lanes: Arc<[SyncSender<Job>]>,
}

impl Intake {
    /// Starts `writers` threads, each with a connection of `pool` while it writes.
    pub fn start(pool: &Pool, writers: u32) -> Self {
        let lanes = (0..writers.max(1)).map(|_| {
            let (sender, waiting) = sync_channel(WAITING);
            let pool = pool.clone();
            thread::spawn(move || write(&pool, &waiting));
            sender
        });
        Self { lanes: lanes.collect() }
    }

    /// Takes in one message; answers once it is committed.
    ///
    /// # Errors
    /// `Unavailable` when the database is away or too much waits: nothing was kept, and the store
    /// must send it again.
    pub async fn take(
        &self,
        platform: Platform,
        arrival: Arrival,
        understood: Understood,
    ) -> AppResult<Outcome> {
        let outcome = self.hand_over(arrival, understood).await;
        counters::delivery(platform, &outcome);
        outcome
    }

    async fn hand_over(&self, arrival: Arrival, understood: Understood) -> AppResult<Outcome> {
        let lane = &self.lanes[lane_of(&arrival, &understood, self.lanes.len())];
        let (answer, answered) = oneshot::channel();
        lane.try_send(Job { arrival, understood, answer }).map_err(|error| {
            if matches!(error, TrySendError::Full(_)) {
                tracing::warn!("too many deliveries wait");
            }
            AppError::Unavailable
        })?;
        answered.await.map_err(|_| AppError::Unavailable)?
    }
}

fn lane_of(arrival: &Arrival, understood: &Understood, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    arrival.store_id.hash(&mut hasher);
    match understood {
        Ok(StoreEvent::Order(report) | StoreEvent::Restored(report)) => {
            report.order_ref.hash(&mut hasher);
        }
        Ok(
            StoreEvent::Refund { order_ref, .. }
            | StoreEvent::RefundLines { order_ref, .. }
            | StoreEvent::Deleted { order_ref, .. }
            | StoreEvent::Trashed { order_ref, .. }
            | StoreEvent::Announced { order_ref }
            | StoreEvent::Noted { order_ref, .. },
        ) => order_ref.hash(&mut hasher),
        Ok(StoreEvent::Uninstalled) | Err(_) => {}
    }
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or_default()
}

fn write(pool: &Pool, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(BATCH - 1));
        // A merchant's jobs stand together, so that the transaction turns to each merchant once.
        jobs.sort_by_key(|job| job.arrival.merchant_id);
        let outcomes = guarded(pool, &jobs);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Whoever asked may have gone; the delivery is kept all the same.
            let _ = job.answer.send(outcome);
        }
    }
}

/// [`settle`], for a writer that must not end: with it, all orders of its lane would. A message
/// that makes the program panic is kept as failed, and spoils no other.
fn guarded(pool: &Pool, jobs: &[Job]) -> Vec<AppResult<Outcome>> {
    // What a panic leaves half done is a transaction, and its connection is let go.
    match catch_unwind(AssertUnwindSafe(|| settle(pool, jobs))) {
        Ok(Some(outcomes)) => outcomes,
        Ok(None) => jobs.iter().map(|_| Err(AppError::Unavailable)).collect(),
        Err(_) if jobs.len() > 1 => {
            jobs.iter().flat_map(|job| guarded(pool, std::slice::from_ref(job))).collect()
        }
        Err(_) => jobs
            .iter()
            .map(|job| keep_failed(&mut *pool.get().map_err(|_| AppError::Unavailable)?, job))
            .collect(),
    }
}

/// What becomes of `jobs`. After a restart of the database every connection that waits in the pool
/// is dead; those that turn out so are let go, until a new one is made. `None` if none can be.
fn settle(pool: &Pool, jobs: &[Job]) -> Option<Vec<AppResult<Outcome>>> {
    for _ in 0..=pool.max_size() {
        let mut conn = pool
            .get()
            .inspect_err(|error| tracing::warn!(%error, "no connection for the intake of orders"))
            .ok()?;
        match together(&mut conn, jobs) {
            Ok(outcomes) => return Some(outcomes.into_iter().map(Ok).collect()),
            Err(error) if conn.is_broken() => {
                tracing::warn!(%error, "a connection of the intake was dead");
            }
            Err(error) => {
                tracing::warn!(%error, deliveries = jobs.len(), "a batch failed; each is tried alone");
                return Some(jobs.iter().map(|job| alone(&mut conn, job)).collect());
            }
        }
    }
    None
}

/// All of `jobs` in one transaction, each merchant's under its own scope.
fn together(conn: &mut PgConnection, jobs: &[Job]) -> diesel::QueryResult<Vec<Outcome>> {
    let Some(first) = jobs.first() else { return Ok(Vec::new()) };
    in_scope(conn, Scope::Merchant(first.arrival.merchant_id), |conn| {
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut scope = first.arrival.merchant_id;
        for of_merchant in jobs.chunk_by(|a, b| a.arrival.merchant_id == b.arrival.merchant_id) {
            let merchant_id = of_merchant[0].arrival.merchant_id;
            if merchant_id != scope {
                turn_to(conn, merchant_id)?;
                scope = merchant_id;
            }
            let mut batch = Batch::of(merchant_id);
            for job in of_merchant {
                outcomes.push(one(conn, job, &mut batch)?);
            }
            batch.finish(conn)?;
        }
        Ok(outcomes)
    })
}

fn one(conn: &mut PgConnection, job: &Job, batch: &mut Batch) -> diesel::QueryResult<Outcome> {
    match &job.understood {
        Ok(event) => take_in(conn, &job.arrival, event.clone(), batch),
        Err(reason) => note(conn, &job.arrival, "failed", reason),
    }
}

/// One delivery in a transaction of its own. What fails for a reason of ours is kept as failed, to
/// be replayed; what cannot even be kept is `Unavailable`.
fn alone(conn: &mut PgConnection, job: &Job) -> AppResult<Outcome> {
    let mut failure = None;
    for attempt in 0..TRIES {
        match together(conn, std::slice::from_ref(job)) {
            Ok(outcomes) => return outcomes.into_iter().next().ok_or(AppError::Unavailable),
            Err(_) if conn.is_broken() => return Err(AppError::Unavailable),
            Err(error) => failure = Some(error),
        }
        thread::sleep(Duration::from_millis(20 << attempt));
    }
    let cause = failure.map(|error| error.to_string()).unwrap_or_default();
    tracing::error!(cause, topic = job.arrival.topic, "a delivery could not be taken in");
    keep_failed(conn, job)
}

/// Keeps a message with nothing taken in of it, to be replayed.
fn keep_failed(conn: &mut PgConnection, job: &Job) -> AppResult<Outcome> {
    let kept = in_scope(conn, Scope::Merchant(job.arrival.merchant_id), |conn| {
        note(conn, &job.arrival, "failed", "Vouch met a fault of its own while taking this in.")
    });
    kept.map_err(|error| {
        tracing::error!(%error, "a delivery could not be kept");
        AppError::Unavailable
    })
}
