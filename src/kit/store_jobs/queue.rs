//! The rows: what is due, who has it.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};

use super::JobKind;
use crate::kit::db::prepared;
use crate::kit::db::schema::store_jobs;

/// A worker that says nothing for so long has lost its job to another.
const LEASE: Duration = Duration::seconds(20);

/// The first comparison comes so long after a store was connected.
const BEFORE_COMPARISON: Duration = Duration::minutes(10);

/// Sees to it that work of this kind is done for the store at `at` or earlier. To be called in the
/// transaction that leaves the work, after everything else it locks: a worker that finishes locks
/// its rows in that order too.
pub fn make_due(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    kind: JobKind,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    prepared::<()>(
        "INSERT INTO store_jobs AS j (merchant_id, store_id, kind, due_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (merchant_id, store_id, kind) DO UPDATE \
             SET due_at = least(j.due_at, excluded.due_at)",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(store_id)
    .bind::<Text, _>(kind)
    .bind::<Timestamptz, _>(at)
    .execute(conn)
    .map(drop)
}

/// Makes every kind of work due for the store, and forgets why any of it had to wait: its access
/// was mended. As [`make_due`], last in its transaction.
pub fn wake(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    for kind in JobKind::ALL {
        // The other work, which somebody may wait for, comes first.
        let at = if *kind == JobKind::Compare { now + BEFORE_COMPARISON } else { now };
        make_due(conn, merchant_id, store_id, *kind, at)?;
    }
    let jobs = store_jobs::table
        .filter(store_jobs::merchant_id.eq(merchant_id))
        .filter(store_jobs::store_id.eq(store_id));
    diesel::update(jobs)
        .set((store_jobs::not_before.eq(None::<DateTime<Utc>>), store_jobs::failures.eq(0)))
        .execute(conn)
        .map(drop)
}

/// Why the last turn for a store failed; `None` when it did not.
pub fn last_problem(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    kind: JobKind,
) -> QueryResult<Option<String>> {
    let problem = store_jobs::table
        .find((merchant_id, store_id, kind))
        .filter(store_jobs::failures.gt(0))
        .select(store_jobs::last_error)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok(problem.flatten())
}

/// A job that a worker has.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) merchant_id: i64,
    pub(crate) store_id: i64,
    pub(crate) kind: JobKind,
    /// Which taking of it this is.
    pub(crate) lease: i64,
    pub(crate) failures: i32,
    pub(crate) state: Option<serde_json::Value>,
}

/// Who has as many workers as it may have.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    pub(crate) merchants: Vec<i64>,
    /// Keys of stores differ over all merchants.
    pub(crate) stores: Vec<i64>,
}

/// Takes the job that has waited longest, of nobody in `busy`. Within `Scope::Instance`.
///
/// Stores that are disconnected, have no credentials, or refuse them, rest. A job that its worker
/// left is taken again, whether or not anything is due.
pub(crate) fn claim(
    conn: &mut PgConnection,
    busy: &Busy,
    now: DateTime<Utc>,
) -> QueryResult<Option<Job>> {
    let kinds: Vec<&str> = JobKind::ALL.iter().map(|kind| kind.as_str()).collect();
    prepared::<(BigInt, BigInt, Text, BigInt, Integer, Nullable<Jsonb>)>(
        "UPDATE store_jobs t SET leased_until = ?, lease = t.lease + 1, due_at = NULL \
         FROM (SELECT j.merchant_id, j.store_id, j.kind FROM store_jobs j \
             JOIN stores s ON s.merchant_id = j.merchant_id AND s.id = j.store_id \
             WHERE (j.leased_until <= ? OR (j.leased_until IS NULL AND j.due_at <= ? \
                     AND (j.not_before IS NULL OR j.not_before <= ?))) \
                 AND s.disconnected_at IS NULL AND s.access_problem IS NULL \
                 AND s.credentials IS NOT NULL \
                 AND j.kind = ANY(?) AND j.merchant_id <> ALL(?) \
                 AND j.store_id <> ALL(?) \
             ORDER BY j.due_at NULLS FIRST LIMIT 1 FOR UPDATE OF j SKIP LOCKED) due \
         WHERE t.merchant_id = due.merchant_id AND t.store_id = due.store_id \
             AND t.kind = due.kind \
         RETURNING t.merchant_id, t.store_id, t.kind, t.lease, t.failures, t.state",
    )
    .bind::<Timestamptz, _>(now + LEASE)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<BigInt>, _>(&busy.merchants)
    .bind::<Array<BigInt>, _>(&busy.stores)
    .get_result::<(i64, i64, JobKind, i64, i32, Option<serde_json::Value>)>(conn)
    .optional()
    .map(|row| {
        row.map(|(merchant_id, store_id, kind, lease, failures, state)| Job {
            merchant_id,
            store_id,
            kind,
            lease,
            failures,
            state,
        })
    })
}

/// Says that the worker still has the job; `false` when another has taken it. The row stays locked
/// until the end of the transaction, so that nobody takes it between this and the commit.
pub(crate) fn hold(conn: &mut PgConnection, job: &Job, now: DateTime<Utc>) -> QueryResult<bool> {
    let row = store_jobs::table.find((job.merchant_id, job.store_id, job.kind));
    let held = diesel::update(row)
        .filter(store_jobs::lease.eq(job.lease))
        .filter(store_jobs::leased_until.is_not_null())
        .set(store_jobs::leased_until.eq(now + LEASE))
        .execute(conn)?;
    Ok(held > 0)
}
