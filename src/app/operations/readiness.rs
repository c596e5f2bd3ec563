use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use diesel::r2d2::R2D2Connection;

use crate::kit::db::{Db, Pool, migrate};
use crate::kit::supervise::{self, Stop};

/// How often the database is checked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// A check older than this says nothing about the present. One check takes at most four seconds.
const STALE: Duration = Duration::from_secs(6);

/// Why this process shouldn't receive requests now. Anyone can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error("Vouch is shutting down.")]
    Stopping,
    #[error("The database isn't responding.")]
    NoDatabase,
    #[error("The database has pending migrations. Run `vouch migrate`.")]
    Outdated,
    /// The checking thread is delayed or gone.
    #[error("The database was last checked {0} seconds ago.")]
    Stale(u64),
}

/// Whether this process should receive requests. A thread checks the database once a second, so
/// that no response waits for it.
pub struct Readiness {
    shared: Arc<Shared>,
}

struct Shared {
    /// The intake's pool. Slow pages under load must not make Vouch unready for orders or shift all
    /// load to the next process.
    pool: Pool,
    is_stopping: AtomicBool,
    last: Mutex<(Instant, Result<(), NotReady>)>,
}

impl Readiness {
    /// Checks the database once before it returns.
    pub(crate) fn new(db: &Db) -> io::Result<Self> {
        let pool = db.intake_pool().clone();
        let last = Mutex::new((Instant::now(), ask(&pool)));
        let shared = Arc::new(Shared { pool, is_stopping: AtomicBool::new(false), last });
        let looks_at = Arc::downgrade(&shared);
        supervise::spawn("readiness", &Stop::default(), move || keep_looking(&looks_at))?;
        Ok(Self { shared })
    }

    /// From now on, the load balancer should send requests elsewhere.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
    }

    /// The result of the last check.
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

/// Runs until the last `Readiness` is dropped.
fn keep_looking(shared: &Weak<Shared>) {
    loop {
        thread::sleep(POLL_INTERVAL);
        let Some(shared) = shared.upgrade() else { return };
        let seen = ask(&shared.pool);
        *shared.last.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), seen);
    }
}

/// The database may be newer than this Vouch, because a newer Vouch is about to replace it.
fn ask(pool: &Pool) -> Result<(), NotReady> {
    let mut conn = pool.get().map_err(|_| NotReady::NoDatabase)?;
    let applied: HashSet<String> = match migrate::applied(&mut conn) {
        Ok(applied) => applied.into_iter().collect(),
        // Either the connection was cut or the database has no tables yet.
        Err(_) if conn.ping().is_err() => return Err(NotReady::NoDatabase),
        Err(_) => return Err(NotReady::Outdated),
    };
    let is_up_to_date = migrate::expected().iter().all(|version| applied.contains(version));
    is_up_to_date.then_some(()).ok_or(NotReady::Outdated)
}
