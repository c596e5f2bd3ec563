//! Deliveries that arrive at the same time share a commit. A few writer threads each take what's
//! queued.
//!
//! Every delivery has its own outcome, and gets its response only after the commit. All deliveries
//! of one order go to the same writer, so writers rarely touch the same rows.
//!
//! A writer skips a delivery if another transaction holds its order or a trigger. It also removes a
//! merchant's part that fails. These deliveries become [`waiting`] ones, with a 503 response if
//! that takes too long.

mod job;
mod transaction;
mod waiting;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;
use vouch_core::platform::Platform;

pub(crate) use self::job::ParsedEvent;
use self::job::{BATCH, QueuedDelivery, Writer};
use self::transaction::{IngestError, IngestResult, together};
use self::waiting::{AdmissionQueue, RetryThreads};
use super::intake::{IncomingDelivery, IngestOutcome};
use crate::kit::counters;
use crate::kit::db::Pool;
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::request;
use crate::kit::supervise::{self, Stop};

/// The maximum number of deliveries that wait for a writer. Further ones get a 503 response, and
/// the store sends them again.
const QUEUED: usize = 1024;
/// The time beyond the transaction timeout in which every delivery gets a response, 3.5 seconds in
/// total. Shopify times out after five seconds.
const BEYOND_TRANSACTION: Duration = Duration::from_millis(500);

/// Extra time for a transaction that begins just before the deadline.
const GRACE: Duration = Duration::from_millis(300);

/// The writer threads. They end when the last clone is dropped.
#[derive(Clone)]
pub struct Intake {
    shards: Arc<[SyncSender<QueuedDelivery>]>,
    /// How long a delivery may wait for its response.
    timeout: Duration,
}

impl Intake {
    /// Starts `writers` threads, and those for waiting deliveries. Each uses a connection of `pool`
    /// while it writes.
    pub fn start(pool: &Pool, writers: u32, pseudonyms: &Pseudonyms) -> io::Result<Self> {
        let writer = Writer { pool: pool.clone(), pseudonyms: pseudonyms.clone() };
        let waiting = RetryThreads::start(&writer)?;
        let shards = (0..writers.max(1)).map(|_| {
            let (sender, queued) = sync_channel(QUEUED);
            let (writer, waiting) = (writer.clone(), waiting.clone());
            // A panic drops the senders of its deliveries, so they get a 503 response.
            let work = move || write(&writer, &queued, &waiting);
            supervise::spawn("intake", &Stop::default(), work)?;
            Ok(sender)
        });
        let timeout = pool.limits().transaction + BEYOND_TRANSACTION;
        Ok(Self { shards: shards.collect::<io::Result<_>>()?, timeout })
    }

    /// Processes one delivery. Returns after the commit.
    ///
    /// Fails with `Unavailable` if the database is down, too many deliveries wait, or its order is
    /// locked for too long. Then nothing was stored, and the store must send it again.
    pub async fn take(
        &self,
        platform: Platform,
        incoming: IncomingDelivery,
        parsed: ParsedEvent,
    ) -> AppResult<IngestOutcome> {
        let outcome = self.hand_over(incoming, parsed).await;
        let became = outcome.as_ref().map_or("not_stored", IngestOutcome::as_str);
        counters::delivery(platform.as_str(), became);
        counters::credits(outcome.as_ref().map_or(0, IngestOutcome::credited));
        outcome
    }

    async fn hand_over(
        &self,
        incoming: IncomingDelivery,
        parsed: ParsedEvent,
    ) -> AppResult<IngestOutcome> {
        let shard = &self.shards[shard_of(&incoming, &parsed, self.shards.len())];
        let (answer, answered) = oneshot::channel();
        // The lookup of its store has used part of that time.
        let waited = request::current().map_or(Duration::ZERO, |request| request.waited());
        let time = self.timeout.saturating_sub(waited);
        let deadline = Instant::now() + time;
        shard.try_send(QueuedDelivery { incoming, parsed, deadline, answer }).map_err(|error| {
            if matches!(error, TrySendError::Full(_)) {
                tracing::warn!("ingest_queue_full");
            }
            AppError::Unavailable
        })?;
        // This applies even if the writer died. If the delivery was stored after all, the next one
        // is a repeat.
        let answered = timeout(time + GRACE, answered).await.map_err(|_| AppError::Unavailable)?;
        answered.map_err(|_| AppError::Unavailable)?
    }
}

fn shard_of(incoming: &IncomingDelivery, parsed: &ParsedEvent, shards: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    incoming.store_id.hash(&mut hasher);
    if let Ok(event) = parsed {
        event.order_ref().hash(&mut hasher);
    }
    usize::try_from(hasher.finish() % shards as u64).unwrap_or_default()
}

/// The loop of a writer thread.
fn write(writer: &Writer, queued: &Receiver<QueuedDelivery>, waiting: &AdmissionQueue) {
    while let Ok(first) = queued.recv() {
        let now = Instant::now();
        let (mut jobs, late): (Vec<QueuedDelivery>, Vec<QueuedDelivery>) = std::iter::once(first)
            .chain(queued.try_iter().take(BATCH - 1))
            .partition(|job| job.deadline > now);
        // Their deadline passed during the previous batch.
        late.into_iter().for_each(|job| job.answer(Err(AppError::Unavailable)));
        // Groups the jobs by merchant, so that the transaction enters each merchant's scope once.
        jobs.sort_by_key(|job| job.incoming.merchant_id);
        take_together(writer, jobs, waiting);
    }
}

/// Processes `jobs` in one transaction. If one merchant's part fails, it's removed, and the others
/// start again.
fn take_together(writer: &Writer, mut jobs: Vec<QueuedDelivery>, waiting: &AdmissionQueue) {
    while !jobs.is_empty() {
        match together(writer, &jobs) {
            Ok(taken) => {
                for (job, taken) in jobs.into_iter().zip(taken) {
                    match taken {
                        IngestResult::In(outcome) => job.answer(Ok(outcome)),
                        IngestResult::Held => waiting.let_in(job),
                    }
                }
                return;
            }
            Err(IngestError::Unavailable) => {
                jobs.into_iter().for_each(|job| job.answer(Err(AppError::Unavailable)));
                return;
            }
            Err(IngestError::PartOf { merchant_id, .. }) => {
                let (theirs, others): (Vec<QueuedDelivery>, Vec<QueuedDelivery>) =
                    jobs.into_iter().partition(|job| job.incoming.merchant_id == merchant_id);
                theirs.into_iter().for_each(|job| waiting.let_in_alone(job));
                jobs = others;
            }
        }
    }
}
