use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::web;
use diesel::r2d2::R2D2Connection;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::db::{Db, Pool, migrate};

/// An answer is given again for so long: however often anybody asks, the database is asked once.
const FRESH: Duration = Duration::from_secs(1);
/// The database has so long to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why no requests should be sent here now. Shown to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error("Vouch is stopping.")]
    Stopping,
    #[error("The database does not answer.")]
    NoDatabase,
    #[error("The database is not up to date: vouch migrate brings it there.")]
    Outdated,
}

/// Whether this process should be sent requests.
pub struct Readiness {
    /// That of the intake: pages that are slow under load do not make Vouch unready for orders, nor
    /// send all of its load to the next process.
    pool: Pool,
    is_stopping: AtomicBool,
    last: Mutex<Option<(Instant, Result<(), NotReady>)>>,
}

impl Readiness {
    /// That of a process which uses `db`.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self {
            pool: db.intake_pool().clone(),
            is_stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    /// From now on it is not ready: whatever spreads the requests should send them elsewhere.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it is ready, as of a second ago at the earliest.
    pub(super) async fn check(&self) -> Result<(), NotReady> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(NotReady::Stopping);
        }
        let mut last = self.last.lock().await;
        if let Some((_, verdict)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return verdict;
        }
        let pool = self.pool.clone();
        let verdict = match timeout(PATIENCE, web::block(move || ask(&pool))).await {
            Ok(Ok(verdict)) => verdict,
            _ => Err(NotReady::NoDatabase),
        };
        *last = Some((Instant::now(), verdict));
        verdict
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
