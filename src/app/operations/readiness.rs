use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use diesel::r2d2::R2D2Connection;

use crate::kit::db::{Db, Pool, migrate};
use crate::kit::supervise::{self, Stop};

/// How often the database is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// What was seen longer ago says nothing of now. A look takes four seconds at the most.
const STALE: Duration = Duration::from_secs(6);

/// Why no requests should be sent here now. Shown to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error("Vouch is stopping.")]
    Stopping,
    #[error("The database does not answer.")]
    NoDatabase,
    #[error("The database is not up to date: vouch migrate brings it there.")]
    Outdated,
    /// The thread that looks has been held up, or is gone.
    #[error("The database was last looked at {0} seconds ago.")]
    Stale(u64),
}

/// Whether this process should be sent requests. A thread looks at the database once a second, so that
/// no answer waits for it.
pub struct Readiness {
    shared: Arc<Shared>,
}

struct Shared {
    /// That of the intake: pages that are slow under load do not make Vouch unready for orders, nor
    /// send all of its load to the next process.
    pool: Pool,
    is_stopping: AtomicBool,
    last: Mutex<(Instant, Result<(), NotReady>)>,
}

impl Readiness {
    /// That of a process which uses `db`; looks once before it returns.
    pub fn new(db: &Db) -> io::Result<Self> {
        let pool = db.intake_pool().clone();
        let last = Mutex::new((Instant::now(), ask(&pool)));
        let shared = Arc::new(Shared { pool, is_stopping: AtomicBool::new(false), last });
        let looks_at = Arc::downgrade(&shared);
        supervise::spawn("readiness", &Stop::default(), move || keep_looking(&looks_at))?;
        Ok(Self { shared })
    }

    /// From now on it is not ready: whatever spreads the requests should send them elsewhere.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it was ready when the database was last looked at.
    pub(super) fn check(&self) -> Result<(), NotReady> {
        if self.shared.is_stopping.load(Ordering::Relaxed) {
            return Err(NotReady::Stopping);
        }
        let (at, seen) = *self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
        if at.elapsed() > STALE {
            return Err(NotReady::Stale(at.elapsed().as_secs()));
        }
        seen
    }
}

/// Until nobody asks any more.
fn keep_looking(shared: &Weak<Shared>) {
    loop {
        thread::sleep(POLL_INTERVAL);
        let Some(shared) = shared.upgrade() else { return };
        let seen = ask(&shared.pool);
        *shared.last.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), seen);
    }
}

/// A database that is ahead is fine: a newer Vouch is about to take over from this one.
fn ask(pool: &Pool) -> Result<(), NotReady> {
    let mut conn = pool.get().map_err(|_| NotReady::NoDatabase)?;
    let applied: HashSet<String> = match migrate::applied(&mut conn) {
        Ok(applied) => applied.into_iter().collect(),
        // A connection may have been cut; or there is nothing there yet.
        Err(_) if conn.ping().is_err() => return Err(NotReady::NoDatabase),
        Err(_) => return Err(NotReady::Outdated),
    };
    let is_up_to_date = migrate::expected().iter().all(|version| applied.contains(version));
    is_up_to_date.then_some(()).ok_or(NotReady::Outdated)
}
