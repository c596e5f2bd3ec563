//! A connection pool (r2d2 with Diesel) with timeouts for getting and using a connection.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::r2d2::R2D2Connection;

use super::connect::{self, Condition};
use super::limits::Timeouts;
use super::watchdog::Watched;

/// A connection borrowed from a [`Pool`].
pub(crate) type Pooled = r2d2::PooledConnection<Manager>;

/// The timeout for the first connection at start, when no page waits yet.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection is only tested after it was idle this long. So no tests run under load, and dead
/// connections are found after a network failure.
const RESTED: Duration = Duration::from_secs(1);
/// The timeout for that test, and for setting up a new connection.
const ANSWER: Duration = Duration::from_secs(1);

/// The maximum number of waiting requests, because each has a thread.
const MAX_WAITING: u32 = 200;
/// How long a request waits if the previous one didn't get a connection.
const STUCK_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, thiserror::Error)]
pub enum NoConnection {
    /// All connections are in use, or none can be opened. Contains r2d2's message.
    #[error("{0}")]
    TimedOut(String),
    /// Too many requests wait already.
    #[error("too many requests wait for a connection")]
    Crowded,
}

/// A pool of PostgreSQL connections for one kind of work.
#[derive(Clone)]
pub struct Pool {
    connections: r2d2::Pool<Manager>,
    limits: Timeouts,
    crowd: Arc<Crowd>,
}

#[derive(Default)]
struct Crowd {
    waiting: AtomicU32,
    /// Whether the last request for a connection timed out.
    is_stuck: AtomicBool,
}

impl Pool {
    /// Opens a pool of at most `size` connections.
    pub(super) fn open(url: &str, size: u32, limits: Timeouts) -> Result<Self, NoConnection> {
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(limits.connection)
            .test_on_check_out(true)
            .error_handler(Box::new(Logged { pool: limits.name, last: Mutex::default() }))
            .build_unchecked(Manager {
                url: url.to_owned(),
                limits,
                suspected: Arc::new(Mutex::new(Instant::now())),
            });
        // This only checks that the database answers, and returns the connection at once.
        drop(connections.get_timeout(START_TIMEOUT).map_err(timed_out)?);
        Ok(Self { connections, limits, crowd: Arc::default() })
    }

    /// A connection for one transaction within the pool's limits. Fails if none is free in time.
    pub(crate) fn get(&self) -> Result<Pooled, NoConnection> {
        self.get_until(Instant::now() + self.limits.transaction)
    }

    /// A connection that the watchdog closes at `deadline`, unless it's returned earlier.
    pub(super) fn get_until(&self, deadline: Instant) -> Result<Pooled, NoConnection> {
        let _one_more = self.crowd.enter()?;
        let is_stuck = self.crowd.is_stuck.load(Ordering::Relaxed);
        let timeout = if is_stuck { STUCK_TIMEOUT } else { self.limits.connection };
        let left = deadline.saturating_duration_since(Instant::now());
        let found = self.connections.get_timeout(timeout.min(left)).map_err(timed_out);
        self.crowd.is_stuck.store(found.is_err(), Ordering::Relaxed);
        let conn = found?;
        conn.watched.begin(deadline);
        Ok(conn)
    }

    /// The timeouts of its work.
    pub(crate) fn limits(&self) -> &Timeouts {
        &self.limits
    }

    /// The maximum number of connections.
    pub(crate) fn max_size(&self) -> u32 {
        self.connections.max_size()
    }

    /// The number of borrowed connections.
    pub(crate) fn in_use(&self) -> u32 {
        let state = self.connections.state();
        state.connections.saturating_sub(state.idle_connections)
    }
}

impl Crowd {
    fn enter(self: &Arc<Self>) -> Result<OneMore, NoConnection> {
        let one_more = OneMore(Arc::clone(self));
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(NoConnection::Crowded);
        }
        Ok(one_more)
    }
}

struct OneMore(Arc<Crowd>);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn timed_out(error: r2d2::Error) -> NoConnection {
    NoConnection::TimedOut(one_line(&error.to_string()))
}

/// libpq's messages have several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Logs why connections can't be opened, at most once a second.
#[derive(Debug)]
struct Logged {
    pool: &'static str,
    last: Mutex<Option<Instant>>,
}

impl r2d2::HandleError<diesel::r2d2::Error> for Logged {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            return;
        }
        *last = Some(Instant::now());
        let reason = one_line(&error.to_string());
        tracing::warn!(pool = self.pool, error = reason, "database_connection_failed");
    }
}

/// Opens and checks the connections of a [`Pool`].
pub(crate) struct Manager {
    url: String,
    limits: Timeouts,
    /// Connections last used before this time must be tested, because another one was found dead
    /// then.
    suspected: Arc<Mutex<Instant>>,
}

impl Manager {
    fn suspected(&self) -> Instant {
        *self.suspected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suspect_all(&self) {
        *self.suspected.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A connection with the time of its last use.
pub(crate) struct IdleConnection {
    conn: PgConnection,
    watched: Arc<Watched>,
    used: Instant,
}

impl Deref for IdleConnection {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for IdleConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = IdleConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<IdleConnection, Self::Error> {
        let (mut conn, socket) = connect::establish_with_socket(&self.url)
            .map_err(diesel::r2d2::Error::ConnectionError)?;
        let watched = Watched::new(socket);
        watched.begin(Instant::now() + ANSWER);
        self.limits.apply(&mut conn).map_err(diesel::r2d2::Error::QueryError)?;
        watched.rest();
        Ok(IdleConnection { conn, watched, used: Instant::now() })
    }

    fn is_valid(&self, resting: &mut IdleConnection) -> Result<(), Self::Error> {
        let condition = resting.watched.condition();
        let is_fresh = resting.used.elapsed() < RESTED;
        if condition == Condition::Dead || resting.used < self.suspected() {
            return Err(diesel::r2d2::Error::QueryError(
                diesel::result::Error::BrokenTransactionManager,
            ));
        }
        if condition == Condition::Quiet && is_fresh {
            return Ok(());
        }
        resting.watched.begin(Instant::now() + ANSWER);
        let answer = resting.conn.ping();
        let is_whole = resting.watched.rest();
        if answer.is_err() || !is_whole {
            self.suspect_all();
        }
        answer.map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, resting: &mut IdleConnection) -> bool {
        resting.used = Instant::now();
        let is_cut = !resting.watched.rest();
        if is_cut {
            self.suspect_all();
        }
        is_cut
            || std::thread::panicking()
            || resting.conn.is_broken()
            || resting.watched.condition() == Condition::Dead
    }
}
