//! The database timeouts per kind of work.

use std::time::Duration;

use diesel::PgConnection;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;

/// The timeouts of one kind of work. Each is shorter than the next one, so PostgreSQL's own timeout
/// comes first and the connection survives. The last one works even if the network fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// The pool's name in metrics and the log.
    pub(crate) name: &'static str,
    /// For a free connection.
    pub(crate) connection: Duration,
    /// For one lock.
    pub(crate) lock: Duration,
    /// For one statement.
    pub(crate) statement: Duration,
    /// From the request for a connection to the end of the transaction. Then the connection is
    /// closed.
    pub(crate) transaction: Duration,
}

/// For pages and the API. All transactions of a request share the last timeout.
pub(crate) const PAGES: Timeouts = Timeouts {
    name: "pages",
    connection: Duration::from_millis(1500),
    lock: Duration::from_secs(4),
    statement: Duration::from_millis(4500),
    transaction: Duration::from_secs(5),
};

/// For webhooks: Shopify stops waiting after five seconds.
pub(crate) const INTAKE: Timeouts = Timeouts {
    name: "intake",
    connection: Duration::from_millis(1500),
    lock: Duration::from_secs(2),
    statement: Duration::from_millis(2500),
    transaction: Duration::from_secs(3),
};

/// For looking up the store before a webhook is processed.
pub(crate) const STORES: Timeouts = Timeouts {
    name: "stores",
    connection: Duration::from_secs(1),
    lock: Duration::from_secs(1),
    statement: Duration::from_millis(1500),
    transaction: Duration::from_secs(2),
};

/// For looking up the API key before an order report is processed, and the result of the order.
pub(crate) const REPORTS: Timeouts = Timeouts { name: "reports", ..STORES };

/// For workers and commands.
pub(crate) const JOBS: Timeouts = Timeouts {
    name: "jobs",
    connection: Duration::from_secs(5),
    lock: Duration::from_secs(20),
    statement: Duration::from_secs(60),
    transaction: Duration::from_secs(90),
};

/// The minimum time for each transaction of a request. So the last one, which may only record the
/// result, is still attempted.
const LAST: Duration = Duration::from_millis(250);

/// Sets English messages if the server lets this role choose, because [`Fault`](super::Fault)
/// parses some.
// copy: SQL
const ENGLISH: &str = "DO $$ BEGIN SET lc_messages = 'C'; \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

impl Timeouts {
    /// Multiplies all timeouts.
    #[must_use]
    pub(super) fn times(self, factor: u32) -> Self {
        Self {
            name: self.name,
            connection: self.connection * factor,
            lock: self.lock * factor,
            statement: self.statement * factor,
            transaction: self.transaction * factor,
        }
    }

    /// The remaining time for a transaction of a request that has already waited.
    pub(super) fn left_after(&self, waited: Duration) -> Duration {
        self.transaction.saturating_sub(waited).max(LAST)
    }

    /// Sets up a new connection.
    pub(super) fn apply(&self, conn: &mut PgConnection) -> QueryResult<()> {
        // Newer servers also end a transaction that takes too long, before the watchdog closes its
        // connection, and check whether the client is still connected.
        conn.batch_execute(&format!(
            "{ENGLISH}; SET application_name = 'vouch'; SET TIME ZONE 'UTC';
             SET statement_timeout = {statement}; SET lock_timeout = {lock};
             SET idle_in_transaction_session_timeout = '60s';
             DO $$ BEGIN
                 IF current_setting('server_version_num')::integer >= 170000 THEN
                     SET transaction_timeout = {transaction};
                 END IF;
             END $$;
             DO $$ BEGIN
                 SET client_connection_check_interval = '2s';
             EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$",
            statement = self.statement.as_millis(),
            lock = self.lock.as_millis(),
            transaction = (self.statement.as_millis() + self.transaction.as_millis()) / 2,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_answers_before_the_connection_is_cut() {
        for limits in [PAGES, INTAKE, STORES, REPORTS, JOBS] {
            assert!(limits.lock < limits.statement, "{limits:?}");
            assert!(limits.statement < limits.transaction, "{limits:?}");
        }
        assert!(PAGES.transaction <= Duration::from_secs(5));
        assert!(INTAKE.transaction < Duration::from_secs(4));
    }

    #[test]
    fn the_transactions_of_a_request_share_its_time() {
        assert_eq!(PAGES.left_after(Duration::ZERO), PAGES.transaction);
        assert_eq!(PAGES.left_after(Duration::from_secs(3)), Duration::from_secs(2));
        assert_eq!(PAGES.left_after(Duration::from_secs(60)), LAST);
    }
}
