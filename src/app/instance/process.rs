use std::fmt;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use crate::kit::db::schema::server_processes;

/// A process whose last heartbeat is older than this is gone.
pub(super) const GONE_AFTER_SECONDS: i32 = 30;

/// A process of `vouch serve`, as other processes see it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct ServerProcess {
    /// The name of its machine or container.
    pub(crate) host: String,
    /// Its process ID there.
    pub(crate) pid: i32,
    pub(crate) version: String,
    /// When its last heartbeat was.
    pub(crate) seen_at: DateTime<Utc>,
}

impl fmt::Display for ServerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, version {})", self.host, self.pid, self.version)
    }
}

/// The processes that are serving, by the database's clock.
pub(crate) fn serving(conn: &mut PgConnection) -> QueryResult<Vec<ServerProcess>> {
    server_processes::table
        .filter(server_processes::seen_at.gt(ago(GONE_AFTER_SECONDS)))
        .order((server_processes::started_at, server_processes::id))
        .select((
            server_processes::host,
            server_processes::pid,
            server_processes::version,
            server_processes::seen_at,
        ))
        .load(conn)
}

/// By the database's clock.
pub(super) fn ago(seconds: i32) -> SqlLiteral<Timestamptz> {
    sql(&format!("now() - interval '{seconds} seconds'"))
}
