use std::fmt;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use crate::kit::db::schema::server_processes;

/// A process that has said nothing for so long is gone.
pub(super) const GONE_AFTER_SECONDS: i32 = 30;

/// A process of `vouch serve`, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ServerProcess {
    /// What its machine or container is called.
    pub host: String,
    /// Its number there.
    pub pid: i32,
    /// Its version of Vouch.
    pub version: String,
    /// When it last said that it serves.
    pub seen_at: DateTime<Utc>,
}

impl fmt::Display for ServerProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, version {})", self.host, self.pid, self.version)
    }
}

/// The processes that serve, by the database's clock.
pub fn serving(conn: &mut PgConnection) -> QueryResult<Vec<ServerProcess>> {
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
