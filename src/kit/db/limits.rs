//! How long each kind of work may wait for the database.

use std::time::Duration;

use diesel::PgConnection;
use diesel::QueryResult;
use diesel::connection::SimpleConnection;

/// The limits of one kind of work. Each is below the one after it, so that PostgreSQL's own answer
/// comes first and the connection lives on; the last one holds whatever the network does.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What the pool is called in metrics and the log.
    pub name: &'static str,
    /// For a connection to be free.
    pub connection: Duration,
    /// For one lock.
    pub lock: Duration,
    /// For one statement.
    pub statement: Duration,
    /// From asking for a connection to the end of the transaction. Then the connection is cut.
    pub transaction: Duration,
}

/// What a visitor or a program waits for. All transactions of a request share the last limit.
pub const PAGES: Limits = Limits {
    name: "pages",
    connection: Duration::from_millis(1500),
    lock: Duration::from_secs(4),
    statement: Duration::from_millis(4500),
    transaction: Duration::from_secs(5),
};

/// What a webhook waits for: Shopify gives up after five seconds.
pub const INTAKE: Limits = Limits {
    name: "intake",
    connection: Duration::from_millis(1500),
    lock: Duration::from_secs(2),
    statement: Duration::from_millis(2500),
    transaction: Duration::from_secs(3),
};

/// Whose store it is, before a webhook is taken in.
pub const STORES: Limits = Limits {
    name: "stores",
    connection: Duration::from_secs(1),
    lock: Duration::from_secs(1),
    statement: Duration::from_millis(1500),
    transaction: Duration::from_secs(2),
};

/// Whose API key it is, before a report is taken in, and what became of the order.
pub const REPORTS: Limits = Limits { name: "reports", ..STORES };

/// What workers and commands do.
pub const JOBS: Limits = Limits {
    name: "jobs",
    connection: Duration::from_secs(5),
    lock: Duration::from_secs(20),
    statement: Duration::from_secs(60),
    transaction: Duration::from_secs(90),
};

/// What is left to each transaction of a request at least, so that the last one, which may only note
/// that all went well, is tried.
const LAST: Duration = Duration::from_millis(250);

/// Messages in English, where the server lets this role choose: [`Fault`](super::Fault) reads some.
const ENGLISH: &str = "DO $$ BEGIN SET lc_messages = 'C'; \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

impl Limits {
    /// All of them so many times as long.
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

    /// What is left for a transaction of a request that has waited for so long already.
    pub(super) fn left_after(&self, waited: Duration) -> Duration {
        self.transaction.saturating_sub(waited).max(LAST)
    }

    /// Sets up a new connection.
    pub(super) fn apply(&self, conn: &mut PgConnection) -> QueryResult<()> {
        // Where the server can, it also ends a transaction that is too long, before the watchdog cuts its
        // connection, and looks whether its client is still there.
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
