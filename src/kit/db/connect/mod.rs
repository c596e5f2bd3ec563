//! The only place that opens connections.
//!
//! Every address is completed with time limits first ([`bounded`]), and every connection comes with a
//! handle on its socket, so that a watchdog can end what waits on it: neither keepalives nor
//! `tcp_user_timeout` help against a peer whose kernel still acknowledges.

mod conninfo;
mod retry;
mod socket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection};

pub use self::conninfo::bounded;
pub(in crate::kit::db) use self::retry::Wait;
pub use self::retry::{ConnectRetry, establish_with_retry};
pub(super) use self::socket::{Condition, Socket};

/// What PostgreSQL's refusals of one more connection contain.
const NO_CONNECTION_LEFT: [&str; 3] =
    ["too many clients", "remaining connection slots", "too many connections"];

/// Connects to the database at `url`, within the time that the address allows.
///
/// # Errors
/// libpq's words, with what to do where they don't say.
pub fn establish(url: &str) -> ConnectionResult<PgConnection> {
    PgConnection::establish(&bounded(url)).map_err(in_words)
}

/// [`establish`] for a command, which a person waits for: no lock is waited for long.
pub fn establish_for_command(url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = establish(url)?;
    conn.batch_execute("SET lock_timeout = '20s'")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// [`establish`], and the connection's socket, where it could be told apart.
pub(super) fn establish_with_socket(url: &str) -> ConnectionResult<(PgConnection, Option<Socket>)> {
    // One at a time to the same ports, so that the socket that is new afterwards is this connection's.
    static CONNECTING: Mutex<BTreeMap<Vec<u16>, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let ports = conninfo::ports(url);
    let turns = Arc::clone(
        CONNECTING.lock().unwrap_or_else(PoisonError::into_inner).entry(ports.clone()).or_default(),
    );
    let _alone = turns.lock().unwrap_or_else(PoisonError::into_inner);
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
        "{}. The database server has no connection left: close other programs' connections, lower \
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
