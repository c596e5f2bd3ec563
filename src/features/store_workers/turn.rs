//! What a turn is given, and what it answers.

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::ExposeSecret;
use vouch_platforms::http;
use vouch_platforms::http::Http;
use vouch_platforms::{CallError, Client};

use crate::features::stores::{self, Store};
use crate::kit::clock;
use crate::kit::config::{Config, InstanceRetention};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppError;
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::store_jobs::{Job, JobKind, hold};
use crate::kit::supervise::Stop;

/// After so long a turn hands back, and goes on next time.
const TURN: Duration = Duration::from_secs(20);

/// How a store's client is made.
pub type Open = dyn Fn(&Store, DateTime<Utc>) -> Result<Box<dyn Client>, CallError> + Send + Sync;

/// Does a stretch of a job: some 20 seconds at the most. The application knows who does which.
pub type RunJob = fn(JobKind, &mut Turn<'_>) -> Result<Next, TurnError>;

/// What the work for stores needs.
#[derive(Clone)]
pub struct Tools {
    /// The door to the database.
    pub db: Db,
    /// Seals what a turn keeps.
    pub encryptor: Encryptor,
    /// The door to the stores.
    pub http: Http,
    /// How long the instance keeps what belongs to no merchant.
    pub keep: InstanceRetention,
    /// Where stores reach Vouch, without a slash at the end.
    pub public_url: Arc<str>,
    /// Makes the client of a store.
    pub open: Arc<Open>,
}

impl Tools {
    /// Those of an installation.
    pub fn new(config: &Config, db: Db) -> Self {
        let encryptor = Encryptor::new(&config.secret_key);
        let http = Http::new(config.local_stores);
        let (opens, calls) = (encryptor.clone(), http.clone());
        Self {
            db,
            encryptor,
            http,
            keep: config.keep,
            public_url: config.public_url.as_str().into(),
            open: Arc::new(move |store, now| stores::open_client(store, &opens, &calls, now)),
        }
    }
}

impl Tools {
    /// Pseudonyms of people who were erased.
    pub fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(&self.encryptor)
    }

    /// The client of a store, for calls from `now` on. What token it gets is kept for the next.
    ///
    /// # Errors
    /// `CallError::Denied` when its credentials cannot be used at all.
    pub fn client(&self, store: &Store, now: DateTime<Utc>) -> Result<Caller, CallError> {
        let client = (self.open)(store, now)?;
        // What was called before on this thread is another's.
        let _ = http::take_clock();
        let (db, encryptor) = (self.db.clone(), self.encryptor.clone());
        Ok(Caller { client, db, encryptor, store: store.clone() })
    }
}

/// A client that, when it goes, leaves the token it got to the next one, and what it saw of the store's
/// clock.
pub struct Caller {
    client: Box<dyn Client>,
    db: Db,
    encryptor: Encryptor,
    store: Store,
}

impl Deref for Caller {
    type Target = dyn Client;
    fn deref(&self) -> &Self::Target {
        self.client.as_ref()
    }
}

impl DerefMut for Caller {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.client.as_mut()
    }
}

impl Caller {
    fn note_clock(&self, behind_seconds: i32) {
        let store = &self.store;
        let noted = self.db.run_blocking(Scope::Merchant(store.merchant_id), |conn| {
            stores::clock::note(conn, store, behind_seconds, clock::now())
        });
        if let Err(error) = noted {
            tracing::debug!(store_id = store.id, %error, "store_clock_not_noted");
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(behind) = http::take_clock() {
            self.note_clock(behind);
        }
        let Some(fresh) = self.client.fresh_token() else { return };
        let (encryptor, store) = (&self.encryptor, &self.store);
        let kept = self.db.run_blocking(Scope::Merchant(store.merchant_id), |conn| {
            let token = fresh.token.expose_secret().as_bytes();
            stores::keep_access_token(conn, encryptor, store, token, fresh.expires_at)
        });
        if let Err(error) = kept {
            tracing::warn!(store_id = store.id, %error, "a token is not kept, and asked for again");
        }
    }
}

/// One stretch of work for one store.
pub struct Turn<'a> {
    /// What it works with.
    pub tools: &'a Tools,
    /// The store, as it stood when the turn began.
    pub store: Store,
    /// Where the turn before it left off.
    pub state: Option<serde_json::Value>,
    pub(super) job: Job,
    pub(super) begun_at: DateTime<Utc>,
    pub(super) begun: Instant,
    pub(super) stop: &'a Stop,
}

/// When the next turn is wanted.
#[derive(Debug, Default)]
pub struct Next {
    /// `None`: when somebody makes it due.
    pub due_at: Option<DateTime<Utc>>,
    /// Where it goes on.
    pub state: Option<serde_json::Value>,
}

impl Next {
    /// Nothing to do until somebody makes it due.
    pub fn idle() -> Self {
        Self::default()
    }

    /// From the beginning, at `at`.
    pub fn at(at: DateTime<Utc>) -> Self {
        Self { due_at: Some(at), state: None }
    }
}

/// Why a turn ended early.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The store's doing.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Another worker has the job: this one writes nothing more.
    #[error("another worker has the job")]
    Lost,
    /// Ours.
    #[error(transparent)]
    Own(#[from] AppError),
}

impl TurnError {
    /// Whether Vouch failed on what it was at, and would do so again. What comes after it in the same
    /// store must not wait for that.
    pub fn is_own_fault(&self) -> bool {
        matches!(self, Self::Own(error) if !error.is_passing())
    }
}

impl Turn<'_> {
    /// What time it is: moves on while the turn runs.
    pub fn now(&self) -> DateTime<Utc> {
        self.begun_at + self.begun.elapsed()
    }

    /// Whether there is time for another step. To be asked before each one.
    pub fn goes_on(&self) -> bool {
        self.begun.elapsed() < TURN && !self.stop.is_asked()
    }

    /// The store's client. What token it gets is kept for the next.
    ///
    /// # Errors
    /// `CallError::Denied` when its credentials cannot be used at all.
    pub fn client(&self) -> Result<Caller, CallError> {
        self.tools.client(&self.store, self.now())
    }

    /// A call about one order or one code. Should Vouch panic on what the store answers, the others go on:
    /// the outer error is an own fault.
    ///
    /// # Errors
    /// [`TurnError::Own`] after a panic.
    pub fn call<T>(
        &self,
        call: impl FnOnce() -> Result<T, CallError>,
    ) -> Result<Result<T, CallError>, TurnError> {
        catch_unwind(AssertUnwindSafe(call)).map_err(|_| TurnError::Own(panicked()))
    }

    /// Reads the merchant's rows, in a transaction of its own: none is open during a call.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, TurnError> {
        Ok(self.tools.db.run_blocking(Scope::Merchant(self.store.merchant_id), work)?)
    }

    /// Writes the merchant's rows, if this worker still has the job.
    ///
    /// # Errors
    /// [`TurnError::Lost`] when it has not; then nothing is written.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, TurnError> {
        self.write_and(work, |conn| hold(conn, &self.job, self.now()))
    }

    /// `work`, then `last`, which says whether this worker still had the job and locks its row: as
    /// everywhere, that row comes last.
    pub(super) fn write_and<T>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
        last: impl FnOnce(&mut PgConnection) -> QueryResult<bool>,
    ) -> Result<T, TurnError> {
        let mut lost = false;
        let scope = Scope::Merchant(self.store.merchant_id);
        let write = || {
            self.tools.db.run_blocking(scope, |conn| {
                let value = work(conn)?;
                lost = !last(conn)?;
                if lost { Err(diesel::result::Error::RollbackTransaction) } else { Ok(value) }
            })
        };
        // Of one order, or one code: the others of the store go on.
        let written = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| Err(panicked()));
        if lost { Err(TurnError::Lost) } else { Ok(written?) }
    }
}

/// What panicked has been logged, with its place.
fn panicked() -> AppError {
    AppError::Internal(anyhow::anyhow!("it panicked"))
}
