//! Finds the session that blocks a migration.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl};

use super::MigrateError;
use crate::kit::db::connect::establish;
use crate::kit::db::statement::statement;

/// How often blockers are checked; a lock is waited for several times as long.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Nullable<Text>)]
    application_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
    /// NULL if this role may not see the other role's sessions.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime<Utc>>,
}

impl Session {
    fn describe(&self) -> String {
        let known = |text: &Option<String>| match text.as_deref() {
            None | Some("") => "unknown".to_owned(),
            Some(text) => text.to_owned(),
        };
        let since = self.since.map_or("an unknown time".to_owned(), |since| {
            since.format("%Y-%m-%d %H:%M:%S UTC").to_string()
        });
        format!(
            "pid {} (application {}, role {}, in a transaction since {since})",
            self.pid,
            known(&self.application_name),
            known(&self.role)
        )
    }
}

/// The session that holds an advisory lock.
pub(super) fn holder_of(conn: &mut PgConnection, lock: i64) -> QueryResult<Option<String>> {
    let session: Option<Session> = statement!(
        "SELECT a.pid, a.application_name, a.usename::text AS role, a.backend_start AS since
         FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND (l.classid::bigint << 32) | l.objid::bigint = :lock
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         LIMIT 1",
        lock: BigInt,
    )
    .get_result(conn)
    .optional()?;
    Ok(session.map(|session| session.describe()))
}

/// Checks on a separate connection which session blocks another connection.
pub(super) struct Observer {
    seen: Arc<Mutex<Option<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Starts the thread that checks.
    pub(super) fn start(url: &str, observed: &mut PgConnection) -> Result<Self, MigrateError> {
        let pid: i32 =
            statement!("SELECT pg_backend_pid()").scalar::<Integer>().get_result(observed)?;
        let mut conn = establish(url)?;
        let (seen, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (sees, ends) = (Arc::clone(&seen), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                match blockers_of(&mut conn, pid) {
                    Ok(Some(found)) => *held(&sees) = Some(found),
                    Ok(None) => {}
                    // If the database is down, the other connection reports it.
                    Err(_) => return,
                }
                thread::sleep(POLL_INTERVAL);
            }
        });
        Ok(Self { seen, is_over, thread: Some(thread) })
    }

    /// The blocking session seen since [`Observer::forget`].
    pub(super) fn seen(&self) -> Option<String> {
        held(&self.seen).clone()
    }

    /// Forgets the sessions seen so far.
    pub(super) fn forget(&self) {
        *held(&self.seen) = None;
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(thread = "migration blockers", "thread_panicked");
        }
    }
}

fn held(seen: &Mutex<Option<String>>) -> std::sync::MutexGuard<'_, Option<String>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn blockers_of(conn: &mut PgConnection, pid: i32) -> QueryResult<Option<String>> {
    let pids: Vec<i32> = statement!("SELECT pg_blocking_pids(:pid)", pid: Integer)
        .scalar::<Array<Integer>>()
        .get_result(conn)?;
    if pids.is_empty() {
        return Ok(None);
    }
    let sessions: Vec<Session> = statement!(
        "SELECT pid, application_name, usename::text AS role, xact_start AS since
         FROM pg_stat_activity WHERE pid = ANY(:pids)",
        pids: Array<Integer>,
    )
    .load(conn)?;
    let described: Vec<String> = sessions.iter().map(Session::describe).collect();
    Ok((!described.is_empty()).then(|| described.join(", ")))
}
