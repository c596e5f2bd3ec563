use std::fmt;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{JobKind, Priority, QueueProblem};
use crate::kit::db::schema::{job_queues, jobs};
use crate::kit::db::statement::statement;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::stored_text::{StoredText, shown};

/// For so long a job that was dead-lettered can be retried.
const DEAD_RETENTION: Duration = Duration::days(90);

/// Jobs that run one after the other: those of a kind, of a merchant and, where they call it, of a store.
/// A queue with a store rests while the store can't be called.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Whose its jobs are; 0 for the instance itself.
    pub merchant_id: i64,
    pub kind: JobKind,
    pub store_id: Option<i64>,
}

impl Queue {
    /// The queue of a store.
    pub const fn of_store(merchant_id: i64, store_id: i64, kind: JobKind) -> Self {
        Self { merchant_id, kind, store_id: Some(store_id) }
    }

    /// As keys of rows have it.
    pub(super) fn target_id(&self) -> i64 {
        self.store_id.unwrap_or(0)
    }
}

/// Leaves a job for the worker pools for each of `keys`, in the running transaction and under its scope.
/// A key whose job waits already, or was dead-lettered, is due again with all its attempts; one whose job
/// is running runs once more.
///
/// To be called after everything else that the transaction locks, in the order of stores and the names of
/// kinds: a worker that finishes locks its rows in that order too.
pub fn enqueue(
    conn: &mut PgConnection,
    queue: &Queue,
    keys: &[impl AsRef<str>],
    run_at: DateTime<Utc>,
) -> QueryResult<()> {
    enqueue_with(conn, queue, Priority::Normal, keys, run_at)
}

/// [`enqueue`] with a priority. A job that waits already keeps its own where that is higher.
pub fn enqueue_with(
    conn: &mut PgConnection,
    queue: &Queue,
    priority: Priority,
    keys: &[impl AsRef<str>],
    run_at: DateTime<Utc>,
) -> QueryResult<()> {
    let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    statement!(
        "WITH q AS (SELECT :merchant_id::bigint AS merchant_id, :kind::text AS kind, \
                 :store_id::bigint AS store_id, :run_at::timestamptz AS run_at), \
         enqueued AS (INSERT INTO jobs AS j (merchant_id, kind, target_id, key, run_at, priority) \
             SELECT q.merchant_id, q.kind, coalesce(q.store_id, 0), k.key, q.run_at, :priority \
             FROM q CROSS JOIN (SELECT key FROM unnest(:keys) AS k (key) ORDER BY key) k \
             ON CONFLICT (merchant_id, kind, target_id, key) DO UPDATE \
                 SET run_at = least(j.run_at, excluded.run_at), attempts = 0, reason = NULL, \
                     dead_at = NULL, priority = least(j.priority, excluded.priority) \
             RETURNING j.run_at) \
         INSERT INTO job_queues AS t (merchant_id, kind, store_id, due_at) \
         SELECT q.merchant_id, q.kind, q.store_id, (SELECT min(run_at) FROM enqueued) FROM q \
         ON CONFLICT (merchant_id, kind, target_id) DO UPDATE \
             SET due_at = least(t.due_at, excluded.due_at)",
        merchant_id: BigInt = queue.merchant_id,
        kind: Text = queue.kind.name,
        store_id: Nullable<BigInt> = queue.store_id,
        run_at: Timestamptz = run_at,
        priority: SmallInt = priority.value(),
        keys: Array<Text> = keys,
    )
    .execute(conn)
    .map(drop)
}

/// Has all queues of a store looked at now, whatever they waited for: its access was restored. As
/// [`enqueue`], last in its transaction.
pub(crate) fn wake_store(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    statement!(
        "UPDATE job_queues q SET due_at = least(due_at, :now), paused_until = NULL, failures = 0 \
         FROM (SELECT merchant_id, kind, target_id FROM job_queues \
             WHERE merchant_id = :merchant_id AND target_id = :store_id ORDER BY kind FOR NO KEY UPDATE) w \
         WHERE q.merchant_id = w.merchant_id AND q.kind = w.kind AND q.target_id = w.target_id",
        now: Timestamptz = now,
        merchant_id: BigInt = merchant_id,
        store_id: BigInt = store_id,
    )
    .execute(conn)
    .map(drop)
}

/// Has all queues of a kind looked at now, whatever they waited for. Within `Scope::Instance`.
pub(crate) fn unpause(
    conn: &mut PgConnection,
    kind: JobKind,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    statement!(
        "UPDATE job_queues SET due_at = least(due_at, :now), paused_until = NULL, failures = 0 \
         WHERE kind = :kind AND paused_until IS NOT NULL",
        now: Timestamptz = now,
        kind: Text = kind.name,
    )
    .execute(conn)
    .map(drop)
}

/// Has a queue looked at now, unless it's paused. As [`enqueue`], last in its transaction.
pub(crate) fn wake(conn: &mut PgConnection, queue: &Queue, now: DateTime<Utc>) -> QueryResult<()> {
    statement!(
        "UPDATE job_queues SET due_at = least(due_at, :now) \
         WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id",
        now: Timestamptz = now,
        merchant_id: BigInt = queue.merchant_id,
        kind: Text = queue.kind.name,
        target_id: BigInt = queue.target_id(),
    )
    .execute(conn)
    .map(drop)
}

/// Deletes jobs that were dead-lettered long ago; answers how many. What they were for still says that
/// it failed.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        diesel::delete(jobs::table.filter(jobs::dead_at.lt(now - DEAD_RETENTION))).execute(conn)
    })
}

/// How a job stands that waits, runs or was dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub(crate) struct JobState {
    pub(crate) run_at: DateTime<Utc>,
    /// Why the last one failed.
    pub(crate) reason: Option<String>,
    pub(crate) dead_at: Option<DateTime<Utc>>,
}

/// The job of a key, if it isn't done.
pub(crate) fn find(
    conn: &mut PgConnection,
    queue: &Queue,
    key: &str,
) -> QueryResult<Option<JobState>> {
    job_of(queue.merchant_id, queue.kind.name, queue.target_id(), key)
        .select(JobState::as_select())
        .first(conn)
        .optional()
}

/// Takes the job of a key away: it's no longer needed.
pub(crate) fn cancel(conn: &mut PgConnection, queue: &Queue, key: &str) -> QueryResult<()> {
    diesel::delete(job_of(queue.merchant_id, queue.kind.name, queue.target_id(), key))
        .execute(conn)
        .map(drop)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn job_of<'a>(merchant_id: i64, kind: &'a str, target_id: i64, key: &'a str) -> _ {
    jobs::table
        .filter(jobs::merchant_id.eq(merchant_id))
        .filter(jobs::kind.eq(kind))
        .filter(jobs::target_id.eq(target_id))
        .filter(jobs::key.eq(key))
}

/// Why the last run of a queue failed; `None` where it didn't. `R` has the reasons of its feature.
pub(crate) fn last_problem<R>(conn: &mut PgConnection, queue: &Queue) -> QueryResult<Option<String>>
where
    R: DeserializeOwned + Serialize + fmt::Display + 'static,
{
    type Row<R> = (Option<StoredText<QueueProblem<R>>>, Option<String>);
    let found: Option<Row<R>> = job_queues::table
        .find((queue.merchant_id, queue.kind.name, queue.target_id()))
        .filter(job_queues::failures.gt(0))
        .select((job_queues::problem, job_queues::last_error))
        .first(conn)
        .optional()?;
    Ok(found.and_then(|(stored, earlier)| shown(stored.as_ref(), earlier.as_deref())))
}
