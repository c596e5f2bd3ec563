//! Waits for a database that isn't up yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult, PgConnection};

use super::establish;

/// The pause between two attempts, each of which logs one line.
const PAUSE: Duration = Duration::from_secs(1);

/// Messages of PostgreSQL and libpq about errors that waiting doesn't fix.
const FINAL: [&str; 8] = [
    "authentication failed",
    "no password supplied",
    // copy: quotes PostgreSQL
    "does not exist",
    "no pg_hba.conf entry",
    // copy: quotes PostgreSQL
    "is not permitted to log in",
    "invalid connection option",
    "invalid URI",
    "certificate",
];

/// The timeouts of a start, and whether the start was canceled.
#[derive(Clone, Debug)]
pub struct ConnectRetry {
    /// For the database server to come up.
    pub server: Duration,
    /// For the locks of one migration.
    pub locks: Duration,
    /// For the migrations of another process.
    pub other_migrations: Duration,
    /// Set to cancel the start.
    pub is_over: Arc<AtomicBool>,
}

impl Default for ConnectRetry {
    fn default() -> Self {
        Self {
            server: Duration::from_secs(60),
            locks: Duration::from_secs(300),
            other_migrations: Duration::from_secs(600),
            is_over: Arc::default(),
        }
    }
}

impl ConnectRetry {
    /// Whether the start was canceled.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Starts a wait of at most `limit`.
    pub(in crate::kit::db) fn wait(&self, limit: Duration) -> Wait<'_> {
        Wait { retry: self, begun: Instant::now(), limit }
    }
}

/// A wait in progress.
pub(in crate::kit::db) struct Wait<'a> {
    retry: &'a ConnectRetry,
    begun: Instant,
    limit: Duration,
}

impl Wait<'_> {
    /// The elapsed time.
    pub(in crate::kit::db) fn seconds(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }

    /// Sleeps for `pause` or the remaining time; `false` once the time is over.
    pub(in crate::kit::db) fn rest(&self, pause: Duration) -> bool {
        const POLL_INTERVAL: Duration = Duration::from_millis(50);
        let rested = Instant::now();
        while rested.elapsed() < pause && self.goes_on() {
            thread::sleep(POLL_INTERVAL);
        }
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        !self.retry.is_over() && self.begun.elapsed() < self.limit
    }
}

/// Calls [`establish`] repeatedly while the database isn't up or has no free connection, and logs
/// each attempt. Errors that waiting doesn't fix are returned at once.
///
/// Fails with the last attempt's error after the timeout.
pub(crate) fn establish_with_retry(
    url: &str,
    retry: &ConnectRetry,
) -> ConnectionResult<PgConnection> {
    let wait = retry.wait(retry.server);
    loop {
        let attempt = Instant::now();
        let error = match establish(url) {
            Ok(conn) => return Ok(conn),
            Err(error) => error,
        };
        if is_final(&error) {
            return Err(error);
        }
        let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        tracing::warn!(waited_s = wait.seconds(), error = reason, "waiting_for_database");
        if !wait.rest(PAUSE.saturating_sub(attempt.elapsed())) {
            return Err(error);
        }
    }
}

fn is_final(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::BadConnection(said) => FINAL.iter().any(|words| said.contains(words)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_waited_for() {
        let waits = |said: &str| !is_final(&ConnectionError::BadConnection(said.into()));
        assert!(waits(
            "connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection refused"
        ));
        assert!(waits(
            "could not translate host name \"db\" to address: Name or service not known"
        ));
        assert!(waits("FATAL:  the database system is starting up"));
        assert!(waits("FATAL:  sorry, too many clients already"));
        assert!(!waits("FATAL:  password authentication failed for user \"vouch\""));
        assert!(!waits("FATAL:  database \"vouhc\" does not exist"));
        assert!(!waits("FATAL:  role \"nobody\" does not exist"));
    }

    #[test]
    fn waiting_ends_with_its_limit_and_when_nobody_wants_it_any_more() {
        let nothing = "postgresql://vouch@127.0.0.1:1/vouch";
        let begun = Instant::now();
        let short = ConnectRetry { server: Duration::from_millis(300), ..ConnectRetry::default() };
        assert!(establish_with_retry(nothing, &short).is_err());
        assert!(begun.elapsed() >= Duration::from_millis(250));
        let over =
            ConnectRetry { is_over: Arc::new(AtomicBool::new(true)), ..ConnectRetry::default() };
        let begun = Instant::now();
        assert!(establish_with_retry(nothing, &over).is_err());
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
