//! r2d2 over diesel's connections, with a liveness check that costs nothing under load.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, R2D2Connection};

/// A pool of PostgreSQL connections.
pub type Pool = r2d2::Pool<Manager>;
/// A connection on loan from a [`Pool`].
pub type Pooled = r2d2::PooledConnection<Manager>;

/// Where to connect, and how many connections to keep.
pub struct PoolOptions<'a> {
    /// A libpq URL or connection string.
    pub url: &'a str,
    /// The greatest number of connections.
    pub size: u32,
    /// How long a statement may run, in PostgreSQL's words.
    pub statement_timeout: &'static str,
}

/// How long a request waits for a connection. Shopify gives up after five seconds; we answer 503
/// before that, so that it sends again.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long the first connection may take at start, when nobody waits for a page yet.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A connection is asked whether it lives only after it has rested this long: under load the
/// question is never asked, after a restart of the server the dead ones are found.
const RESTED: Duration = Duration::from_secs(1);

/// Messages in English, where the server lets this role choose: [`Fault`](super::Fault) reads some.
const ENGLISH: &str = "DO $$ BEGIN SET lc_messages = 'C'; \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

pub(super) fn open(options: PoolOptions<'_>) -> Result<Pool, r2d2::Error> {
    let pool = r2d2::Pool::builder()
        .max_size(options.size)
        .min_idle(Some(1))
        .connection_timeout(PATIENCE)
        .test_on_check_out(true)
        .build_unchecked(Manager {
            connections: ConnectionManager::new(options.url),
            statement_timeout: options.statement_timeout,
        });
    // Gone back at once: it only shows that there is a database.
    drop(pool.get_timeout(START_PATIENCE)?);
    Ok(pool)
}

/// Makes and checks the connections of a [`Pool`].
pub struct Manager {
    connections: ConnectionManager<PgConnection>,
    statement_timeout: &'static str,
}

/// A connection that knows when it was last used.
pub struct Resting {
    conn: PgConnection,
    used: Instant,
}

impl Deref for Resting {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for Resting {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Resting;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Resting, Self::Error> {
        let mut conn = r2d2::ManageConnection::connect(&self.connections)?;
        conn.batch_execute(&format!(
            "{ENGLISH}; SET application_name = 'vouch'; SET TIME ZONE 'UTC'; \
             SET statement_timeout = '{}'; SET idle_in_transaction_session_timeout = '60s'",
            self.statement_timeout
        ))
        .map_err(diesel::r2d2::Error::QueryError)?;
        Ok(Resting { conn, used: Instant::now() })
    }

    fn is_valid(&self, resting: &mut Resting) -> Result<(), Self::Error> {
        if resting.used.elapsed() < RESTED {
            return Ok(());
        }
        resting.conn.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, resting: &mut Resting) -> bool {
        resting.used = Instant::now();
        std::thread::panicking() || resting.conn.is_broken()
    }
}
