//! Which processes are serving. Each one updates its own row every few seconds. Unlike a session
//! lock, that works behind a pooler and shows where the process runs.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::dsl::now;
use diesel::prelude::*;

use super::key::{self, KeyError, fingerprint, recorded, share_lock};
use super::process::ago;
use crate::kit::config::Config;
use crate::kit::db::schema::server_processes;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::os;

/// How often a process updates its row.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Marks this process as serving. While the value exists, the secret key isn't rotated.
pub(crate) struct Presence {
    db: Db,
    id: i64,
    thread: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

/// The result of one heartbeat.
enum Beat {
    Said,
    /// The instance's key is no longer this process's key.
    KeyChanged,
}

impl Presence {
    /// Marks this process as serving with the configured key. Fails with [`KeyError`] if the key
    /// can't be used.
    pub(crate) fn enter(db: &Db, config: &Config) -> anyhow::Result<Self> {
        let id = rand::random();
        let entered: Result<(), KeyError> = db.run_blocking(Scope::Instance, |conn| {
            let outcome = key::take_into_use(conn, config)?;
            if outcome.is_ok() {
                say(conn, id)?;
            }
            QueryResult::Ok(outcome)
        })?;
        entered?;
        let (sender, stopped) = mpsc::channel();
        let (of_thread, key) = (db.clone(), fingerprint(&config.secret_key));
        let work = move || go_on(&of_thread, id, &key, &stopped);
        let thread = thread::Builder::new().name("presence".to_owned()).spawn(work)?;
        Ok(Self { db: db.clone(), id, thread: Some((sender, thread)) })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let Some((sender, thread)) = self.thread.take() else { return };
        drop(sender);
        // If the database doesn't respond, the row expires.
        let _ = thread.join();
        let _ = self.db.run_blocking(Scope::Unowned, |conn| {
            diesel::delete(server_processes::table.find(self.id)).execute(conn)
        });
    }
}

fn go_on(db: &Db, id: i64, key: &[u8], stopped: &mpsc::Receiver<()>) {
    while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
        match beat(db, id, key) {
            Ok(Beat::Said) => {}
            Ok(Beat::KeyChanged) => {
                // This process would write secrets that no other process can decrypt.
                tracing::error!("secret_key_changed");
                os::ask_to_end();
                return;
            }
            Err(error) => tracing::debug!(%error, "heartbeat_failed"),
        }
    }
}

fn beat(db: &Db, id: i64, key: &[u8]) -> AppResult<Beat> {
    db.run_blocking(Scope::Unowned, |conn| {
        // During a rotation the row isn't updated. The next heartbeat checks again.
        if !share_lock(conn)? {
            return QueryResult::Ok(Beat::Said);
        }
        if recorded(conn)?.is_some_and(|held| held != key) {
            return Ok(Beat::KeyChanged);
        }
        say(conn, id)?;
        Ok(Beat::Said)
    })
}

/// Also re-creates the row of a process that was considered gone, and deletes rows older than an
/// hour.
fn say(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    diesel::insert_into(server_processes::table)
        .values((
            server_processes::id.eq(id),
            server_processes::host.eq(os::host_name()),
            server_processes::pid.eq(i32::try_from(std::process::id()).unwrap_or(i32::MAX)),
            server_processes::version.eq(env!("CARGO_PKG_VERSION")),
            server_processes::started_at.eq(now),
            server_processes::seen_at.eq(now),
        ))
        .on_conflict(server_processes::id)
        .do_update()
        .set(server_processes::seen_at.eq(now))
        .execute(conn)?;
    let gone = server_processes::seen_at.lt(ago(3600));
    diesel::delete(server_processes::table.filter(gone)).execute(conn)?;
    Ok(())
}
