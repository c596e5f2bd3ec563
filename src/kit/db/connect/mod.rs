//! The only place that opens connections.
//!
//! Every URL gets timeouts first ([`bounded`]), and every connection comes with a handle on its
//! socket. So a watchdog can end a wait on it. Keepalives and `tcp_user_timeout` don't help if the
//! peer's kernel still acknowledges.

mod conninfo;
mod retry;
mod socket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection};

pub(crate) use self::conninfo::bounded;
pub use self::retry::ConnectRetry;
pub(in crate::kit::db) use self::retry::Wait;
pub(crate) use self::retry::establish_with_retry;
pub(super) use self::socket::{Condition, Socket};

/// Parts of PostgreSQL's messages when it has no free connection.
const NO_CONNECTION_LEFT: [&str; 3] =
    ["too many clients", "remaining connection slots", "too many connections"];

/// Connects to the database at `url`, within the URL's timeout.
///
/// Fails with libpq's message, plus advice if the message has none.
pub(crate) fn establish(url: &str) -> ConnectionResult<PgConnection> {
    PgConnection::establish(&bounded(url)).map_err(in_words)
}

/// Like [`establish`], for a command with a waiting user: it doesn't wait long for locks.
pub(crate) fn establish_for_command(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = establish(url)?;
    conn.batch_execute("SET lock_timeout = '20s'")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Like [`establish`], and returns the connection's socket if it could be identified.
pub(super) fn establish_with_socket(url: &str) -> ConnectionResult<(PgConnection, Option<Socket>)> {
    // Only one thread connects to the same ports at a time, so a new socket must belong to its
    // connection.
    static CONNECTING: Mutex<BTreeMap<Vec<u16>, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let ports = conninfo::ports(url);
    let connecting = Arc::clone(
        CONNECTING.lock().unwrap_or_else(PoisonError::into_inner).entry(ports.clone()).or_default(),
    );
    let _alone = connecting.lock().unwrap_or_else(PoisonError::into_inner);
    let before = socket::open_now();
    let conn = establish(url)?;
    Ok((conn, socket::find_new(&before, &ports)))
}

fn in_words(error: ConnectionError) -> ConnectionError {
    let ConnectionError::BadConnection(said) = &error else { return error };
    if !NO_CONNECTION_LEFT.iter().any(|words| said.contains(words)) {
        return error;
    }
    ConnectionError::BadConnection(format!(
        "{}. The database server has no connection left. Close connections of other programs, lower \
         VOUCH_PAGE_CONNECTIONS, VOUCH_INTAKE_CONNECTIONS or VOUCH_JOB_CONNECTIONS, or raise \
         max_connections on the server",
        said.trim().trim_end_matches('.')
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_server_is_explained_and_nothing_else_is() {
        let words = |said: &str| in_words(ConnectionError::BadConnection(said.into())).to_string();
        assert!(words("FATAL:  sorry, too many clients already\n").contains("max_connections"));
        assert_eq!(words("Connection refused"), "Connection refused");
    }
}
