//! Deliveries that arrive at the same time share a commit: a few writers, each taking what waits.
//!
//! Every delivery keeps its own outcome, and is answered only after the commit. All messages of one
//! order go to the same writer, so that writers seldom meet. A writer waits for nobody: a delivery
//! whose order or trigger somebody else has, or whose merchant's part of the batch fails, leaves the
//! batch for the [`waiting`] ones, which are answered by 503 if it takes too long.

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
use self::job::{BATCH, Job, Writer};
use self::transaction::{IngestError, IngestResult, together};
use self::waiting::{AdmissionQueue, Waiting};
use super::intake::{IncomingDelivery, Outcome};
use crate::kit::counters;
use crate::kit::db::Pool;
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::request;
use crate::kit::supervise::{self, Stop};

/// As many wait for a writer at the most; more are told to come again (503), which stores do.
const QUEUED: usize = 1024;
/// A delivery is answered so long after what a transaction may take, come what may: after 3.5 seconds in all.
/// Shopify gives up after five seconds.
const BEYOND_TRANSACTION: Duration = Duration::from_millis(500);

/// As much longer for what begins in the last moment.
const GRACE: Duration = Duration::from_millis(300);

/// The writers. They end when the last clone of this value goes.
#[derive(Clone)]
pub struct Intake {
    shards: Arc<[SyncSender<Job>]>,
    /// How long a delivery waits for its answer.
    timeout: Duration,
}

impl Intake {
    /// Starts `writers` threads, each with a connection of `pool` while it writes, and those for the
    /// deliveries that wait.
    pub fn start(pool: &Pool, writers: u32, pseudonyms: &Pseudonyms) -> io::Result<Self> {
        let writer = Writer { pool: pool.clone(), pseudonyms: pseudonyms.clone() };
        let waiting = Waiting::start(&writer)?;
        let shards = (0..writers.max(1)).map(|_| {
            let (sender, queued) = sync_channel(QUEUED);
            let (writer, waiting) = (writer.clone(), waiting.clone());
            // What a panic takes along is answered by 503: its senders go with it.
            let work = move || write(&writer, &queued, &waiting);
            supervise::spawn("intake", &Stop::default(), work)?;
            Ok(sender)
        });
        let timeout = pool.limits().transaction + BEYOND_TRANSACTION;
        Ok(Self { shards: shards.collect::<io::Result<_>>()?, timeout })
    }

    /// Takes in one message; answers once it is committed.
    ///
    /// # Errors
    /// `Unavailable` when the database is away, too much waits, or somebody else has its order for
    /// too long: nothing was kept, and the store must send it again.
    pub async fn take(
        &self,
        platform: Platform,
        incoming: IncomingDelivery,
        parsed: ParsedEvent,
    ) -> AppResult<Outcome> {
        let outcome = self.hand_over(incoming, parsed).await;
        let became = outcome.as_ref().map_or("not_kept", Outcome::as_str);
        counters::delivery(platform.as_str(), became);
        counters::credits(outcome.as_ref().map_or(0, Outcome::credited));
        outcome
    }

    async fn hand_over(
        &self,
        incoming: IncomingDelivery,
        parsed: ParsedEvent,
    ) -> AppResult<Outcome> {
        let shard = &self.shards[shard_of(&incoming, &parsed, self.shards.len())];
        let (answer, answered) = oneshot::channel();
        // Its store has been looked up in that time as well.
        let waited = request::current().map_or(Duration::ZERO, |request| request.waited());
        let time = self.timeout.saturating_sub(waited);
        let deadline = Instant::now() + time;
        shard.try_send(Job { incoming, parsed, deadline, answer }).map_err(|error| {
            if matches!(error, TrySendError::Full(_)) {
                tracing::warn!("too many deliveries wait");
            }
            AppError::Unavailable
        })?;
        // Whatever became of its writer. A delivery that is kept after all is a repetition next time.
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

/// What a writer does.
fn write(writer: &Writer, queued: &Receiver<Job>, waiting: &AdmissionQueue) {
    while let Ok(first) = queued.recv() {
        let now = Instant::now();
        let (mut jobs, late): (Vec<Job>, Vec<Job>) = std::iter::once(first)
            .chain(queued.try_iter().take(BATCH - 1))
            .partition(|job| job.deadline > now);
        // They waited for the one before: nobody waits for them any more.
        late.into_iter().for_each(|job| job.answer(Err(AppError::Unavailable)));
        // A merchant's jobs stand together, so that the transaction turns to each merchant once.
        jobs.sort_by_key(|job| job.incoming.merchant_id);
        take_together(writer, jobs, waiting);
    }
}

/// Takes in `jobs` in one transaction, or in a few: where one merchant's part fails, it leaves, and
/// the others begin again.
fn take_together(writer: &Writer, mut jobs: Vec<Job>, waiting: &AdmissionQueue) {
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
                let (theirs, others): (Vec<Job>, Vec<Job>) =
                    jobs.into_iter().partition(|job| job.incoming.merchant_id == merchant_id);
                theirs.into_iter().for_each(|job| waiting.let_in_alone(job));
                jobs = others;
            }
        }
    }
}
