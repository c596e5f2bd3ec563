//! Hashes passwords on a few dedicated threads. Each thread reuses one block of memory, so a flood
//! of wrong passwords takes no more than a few do. It frees the memory when no password waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::Block;
use tokio::sync::oneshot;

use super::password::{hash, hash_with, verify_with};
use crate::kit::error::{AppError, AppResult};
use crate::kit::supervise::{self, Stop};

/// The maximum number of passwords hashed at once. Each needs 19 MiB.
const MAX_THREADS: usize = 4;
/// The maximum queue length. On two cores, the last password waits about a second.
const MAX_WAITING: usize = 64;
/// Seconds to wait when the queue is full.
const RETRY_AFTER: u64 = 2;

type HashingTask = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// Hashes and checks passwords with bounded concurrency and a bounded queue.
#[derive(Clone)]
pub struct Hashing {
    jobs: SyncSender<HashingTask>,
    /// A hash that no password matches, so that an unknown email takes as long as a known one.
    decoy: Arc<str>,
}

impl Hashing {
    /// Starts the threads, which end when the last clone is dropped. Fails like [`hash`], and if
    /// the operating system can't start a thread.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self::with(cores.min(MAX_THREADS), MAX_WAITING)
    }

    fn with(threads: usize, waiting: usize) -> anyhow::Result<Self> {
        let (jobs, received) = sync_channel::<HashingTask>(waiting);
        let received = Arc::new(Mutex::new(received));
        for _ in 0..threads {
            let received = Arc::clone(&received);
            supervise::spawn("passwords", &Stop::default(), move || work(&received))?;
        }
        Ok(Self { jobs, decoy: hash("decoy")?.into() })
    }

    /// Whether `password` matches `phc`. Without a hash it does the same work and returns `false`.
    /// Fails with `TooMany` if the queue is full.
    pub async fn verify(&self, password: String, phc: Option<String>) -> AppResult<bool> {
        let is_known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.decoy.to_string());
        let matches = self.run(move |memory| verify_with(memory, &password, &phc)).await?;
        Ok(is_known && matches)
    }

    /// The PHC string of a new password. Fails like [`Hashing::verify`] and [`hash`].
    pub async fn hash(&self, password: String) -> AppResult<String> {
        let hashed = self.run(move |memory| hash_with(memory, &password)).await?;
        hashed.map_err(AppError::Internal)
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> AppResult<T> {
        let (send, receive) = oneshot::channel();
        let job = move |memory: &mut Vec<Block>| {
            // The visitor may have left while the password waited.
            if !send.is_closed() {
                let _ = send.send(job(memory));
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| AppError::TooMany(RETRY_AFTER))?;
        receive.await.map_err(|_| AppError::Unavailable)
    }
}

fn work(jobs: &Mutex<Receiver<HashingTask>>) {
    let mut memory = Vec::new();
    while let Some(job) = next(jobs, &mut memory) {
        // The panic hook has logged it, and this thread must live on for the next password.
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            memory = Vec::new();
        }
    }
}

/// The next password. Frees the memory while none waits.
fn next(jobs: &Mutex<Receiver<HashingTask>>, memory: &mut Vec<Block>) -> Option<HashingTask> {
    // If another thread holds the lock, it's waiting for a password too.
    let waiting = jobs.try_lock().ok().and_then(|received| received.try_recv().ok());
    if waiting.is_some() {
        return waiting;
    }
    *memory = Vec::new();
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join, join_all};

    use super::*;

    #[actix_web::test]
    async fn reused_memory_makes_no_difference() {
        let hashing = Hashing::with(1, 8).unwrap();
        let phc = hashing.hash("correct horse".to_owned()).await.unwrap();
        for (password, matches) in [("wrong", false), ("correct horse", true), ("", false)] {
            let verified = hashing.verify(password.to_owned(), Some(phc.clone())).await.unwrap();
            assert_eq!(verified, matches, "{password}");
        }
        assert!(!hashing.verify("decoy".to_owned(), None).await.unwrap());
    }

    #[actix_web::test]
    async fn more_than_may_wait_are_refused_and_the_others_answered() {
        let hashing = Hashing::with(1, 2).unwrap();
        let attempts = (0..20).map(|_| hashing.verify("wrong".to_owned(), None));
        let outcomes = join_all(attempts).await;
        let refused = outcomes.iter().filter(|o| matches!(o, Err(AppError::TooMany(_)))).count();
        let answered = outcomes.iter().filter(|outcome| matches!(outcome, Ok(false))).count();
        assert_eq!(refused + answered, 20);
        assert!((1..=4).contains(&answered), "{answered}");
        assert!(!hashing.verify("wrong".to_owned(), None).await.unwrap(), "there is room again");
    }

    #[actix_web::test]
    async fn memory_is_used_again_while_passwords_wait_and_then_given_back() {
        let hashing = Hashing::with(1, 8).unwrap();
        let size = |memory: &mut Vec<Block>| memory.len();
        let attempts = (0..3).map(|_| hashing.verify("wrong".to_owned(), None));
        let (_, kept) = join(join_all(attempts), hashing.run(size)).await;
        assert!(kept.unwrap() > 0);
        // The thread sends its answer just before it looks for the next password.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert_eq!(hashing.run(size).await.unwrap(), 0);
    }

    #[actix_web::test]
    async fn a_job_that_panics_takes_no_thread_away() {
        let hashing = Hashing::with(1, 2).unwrap();
        let lost = hashing.run(|_| -> bool { panic!("on purpose") }).await;
        assert!(matches!(lost, Err(AppError::Unavailable)));
        assert!(!hashing.verify("wrong".to_owned(), None).await.unwrap());
    }
}
