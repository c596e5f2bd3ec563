//! Runs migrations while another version keeps serving. Lock timeouts are short, because later
//! statements on the same table queue behind a waiting migration.

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

/// The advisory lock of migrations: "vouch" in ASCII.
pub(super) const LOCK: i64 = 0x76_6f75_6368;

/// The timeout for each lock of a migration.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
/// The first and the maximum pause between two attempts. Statements that queued behind the last
/// attempt run in it.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// How often Vouch checks whether another process has finished its migrations.
const OTHERS_PAUSE: Duration = Duration::from_secs(1);

/// Runs every missing migration, one process at a time, and grants the server's role its rights.
/// Returns the names of the migrations.
///
/// Fails if the database doesn't answer or is too old, if the role bypasses row-level security, or
/// if a migration fails.
pub fn run_pending(addresses: Addresses<'_>) -> Result<Vec<String>, MigrateError> {
    run_pending_then(addresses, &ConnectRetry::default(), |_| Ok(()))
}

/// Like [`run_pending`], then runs `then` under the same lock, for changes that SQL can't make.
/// `then` is retried after a lock timeout. It waits for a database that isn't up yet as long as
/// `retry` allows.
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

/// The server's role. Fails if row-level security doesn't apply to it.
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
            return Err(blocked("the migration", &wait, holder, retry));
        }
    }
}

/// The steps of a migration, on one connection.
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

    /// Runs one step, and retries with growing pauses while another session holds a lock that it
    /// needs.
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

/// Recognizes PostgreSQL's English messages. On a server with another language, the observer finds
/// the blocking session instead.
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
        holder: holder.unwrap_or_else(|| "a session that has ended".to_owned()),
    }
}
