//! Applies migrations beside a version that keeps serving: no lock is waited for long, since whatever
//! comes after in its queue waits as well.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};
use diesel_migrations::MigrationHarness;

use super::blockers::{Observer, holder_of};
use super::{
    Addresses, MIGRATIONS, MigrateError, check_server, current_role, owns_schema, pending,
};
use crate::kit::db::connect::{ConnectRetry, Wait, establish_with_retry};
use crate::kit::db::statement::statement;

/// The advisory lock under which migrations run: "vouch" in ASCII.
pub(super) const LOCK: i64 = 0x76_6f75_6368;

/// How long each lock of a migration is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
/// The first pause before another attempt, and the longest; what waited behind the last one goes
/// first.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How often it's looked whether another process is done with its migrations.
const OTHERS_PAUSE: Duration = Duration::from_secs(1);

/// Applies every migration that is missing, one process at a time, and grants the server's role what it
/// needs; returns their names.
///
/// # Errors
/// [`MigrateError`] when the database does not answer, is too old, would be used by a role that
/// bypasses row security, or refuses a migration.
pub fn run_pending(addresses: Addresses<'_>) -> Result<Vec<String>, MigrateError> {
    run_pending_then(addresses, &ConnectRetry::default(), |_| Ok(()))
}

/// [`run_pending`], and `then` what SQL cannot do, under the same lock. `then` is tried again where it
/// waits for a lock in vain. A database that isn't there yet is waited for as long as `retry` says.
///
/// # Errors
/// As [`run_pending`], or that of `then`.
pub fn run_pending_then(
    addresses: Addresses<'_>,
    retry: &ConnectRetry,
    then: impl Fn(&mut PgConnection) -> QueryResult<()>,
) -> Result<Vec<String>, MigrateError> {
    let server_role = role_of(addresses.server, retry)?;
    let mut conn = establish_with_retry(addresses.owner, retry)?;
    check_server(&mut conn)?;
    lock(&mut conn, retry)?;
    let missing = pending(&mut conn)?;
    let owns_schema = owns_schema(&mut conn)?;
    if !owns_schema && !missing.is_empty() {
        let role = current_role(&mut conn)?;
        return Err(MigrateError::NotOwner { role, missing: missing.len() });
    }
    let mut steps = Steps::new(conn, addresses.owner, retry)?;
    if owns_schema {
        for name in &missing {
            steps.take(name, |conn| conn.run_next_migration(MIGRATIONS).map(drop))?;
        }
    }
    steps.take("derived keys", |conn| Ok(then(conn)?))?;
    if owns_schema {
        steps.take("grants", |conn| {
            statement!("CALL grant_to_server(:role::name)", role: Text = &server_role)
                .execute(conn)?;
            Ok(())
        })?;
    }
    Ok(missing)
}

/// The role that the server runs as; one that is not bound by row security is refused.
fn role_of(server_url: &str, retry: &ConnectRetry) -> Result<String, MigrateError> {
    let mut conn = establish_with_retry(server_url, retry)?;
    check_server(&mut conn)?;
    Ok(current_role(&mut conn)?)
}

/// Waits until no other process migrates. The lock ends with the connection, however this process
/// ends.
fn lock(conn: &mut PgConnection, retry: &ConnectRetry) -> Result<(), MigrateError> {
    let wait = retry.wait(retry.other_migrations);
    loop {
        let is_locked: bool = statement!("SELECT pg_try_advisory_lock(:lock)", lock: BigInt = LOCK)
            .scalar::<Bool>()
            .get_result(conn)?;
        if is_locked {
            return Ok(());
        }
        let holder = holder_of(conn, LOCK)?;
        tracing::warn!(waited_s = wait.seconds(), holder, "waiting_for_migrations");
        if !wait.rest(OTHERS_PAUSE) {
            return Err(blocked("the lock of migrations", &wait, holder, retry));
        }
    }
}

/// The steps of bringing a database up to date, on one connection.
struct Steps<'a> {
    conn: PgConnection,
    observer: Observer,
    retry: &'a ConnectRetry,
}

impl<'a> Steps<'a> {
    fn new(
        mut conn: PgConnection,
        owner_url: &str,
        retry: &'a ConnectRetry,
    ) -> Result<Self, MigrateError> {
        conn.batch_execute(&format!(
            "SET application_name = 'vouch migrate'; SET lock_timeout = {}",
            LOCK_TIMEOUT.as_millis()
        ))?;
        let observer = Observer::start(owner_url, &mut conn)?;
        Ok(Self { conn, observer, retry })
    }

    /// Takes one step; again with growing pauses while somebody else has a lock that it needs.
    fn take(
        &mut self,
        name: &str,
        step: impl Fn(&mut PgConnection) -> diesel::migration::Result<()>,
    ) -> Result<(), MigrateError> {
        let wait = self.retry.wait(self.retry.locks);
        let mut pause = PAUSES[0];
        loop {
            if self.retry.is_over() {
                return Err(MigrateError::Stopped);
            }
            self.observer.forget();
            let Err(error) = step(&mut self.conn) else { return Ok(()) };
            let holder = self.observer.seen();
            if holder.is_none() && !is_lock_timeout(&*error) {
                return Err(MigrateError::Migration(error.to_string()));
            }
            let waited_s = wait.seconds();
            tracing::warn!(name, waited_s, holder, "migration_waits_for_lock");
            if !wait.rest(pause) {
                return Err(blocked(name, &wait, holder, self.retry));
            }
            pause = (pause * 2).min(PAUSES[1]);
        }
    }
}

/// In PostgreSQL's English; on a server with another language, the observer sees who is in the way.
fn is_lock_timeout(error: &dyn std::error::Error) -> bool {
    let said = error.to_string();
    ["lock timeout", "deadlock detected"].iter().any(|words| said.contains(words))
}

fn blocked(
    what: &str,
    wait: &Wait<'_>,
    holder: Option<String>,
    retry: &ConnectRetry,
) -> MigrateError {
    if retry.is_over() {
        return MigrateError::Stopped;
    }
    MigrateError::Blocked {
        what: what.to_owned(),
        seconds: wait.seconds(),
        holder: holder.unwrap_or_else(|| "a session that has ended since".to_owned()),
    }
}
