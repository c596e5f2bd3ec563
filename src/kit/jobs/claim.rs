//! Which queue a worker has, and for how long.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};

use super::{JobKind, Priority, Queue, QueueProblem};
use crate::kit::db::Scope;
use crate::kit::db::schema::job_queues;
use crate::kit::db::statement::statement;
use crate::kit::stored_text::StoredText;

/// A worker that sends no heartbeat for so long has lost its queue to another.
const LEASE: Duration = Duration::seconds(20);

/// A queue that a worker has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed {
    pub(super) queue: Queue,
    /// Which claim of it this is.
    pub(super) lease: i64,
    /// Failed runs since the last good one.
    pub(super) failures: i32,
}

/// Who has as many workers as they may have.
#[derive(Debug, Default)]
pub(super) struct Busy {
    pub(super) merchants: Vec<i64>,
    /// Ids of stores differ over all merchants.
    pub(super) stores: Vec<i64>,
}

/// How the row of a queue is left.
pub(super) struct Release {
    /// Whether the jobs that wait make it due.
    pub(super) looks_at_jobs: bool,
    pub(super) paused_until: Option<DateTime<Utc>>,
    pub(super) failures: i32,
    pub(super) problem: Option<StoredText<QueueProblem>>,
}

#[derive(QueryableByName)]
#[diesel(table_name = job_queues)]
struct Row {
    merchant_id: i64,
    kind: String,
    store_id: Option<i64>,
    lease: i64,
    failures: i32,
}

/// Takes the queue that has been due for longest, of nobody in `busy`. Within `Scope::Instance`.
///
/// It reads `stores`, the one table of a feature that kit knows: otherwise every queue of a store would be
/// claimed and given back for as long as the store can't be called.
///
/// Queues of stores that are disconnected, have no credentials, or refuse them, rest. One that its worker
/// left is taken again, whether or not anything is due.
pub(super) fn claim(
    conn: &mut PgConnection,
    kinds: &[JobKind],
    busy: &Busy,
    now: DateTime<Utc>,
) -> QueryResult<Option<Claimed>> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let row: Option<Row> = statement!(
        "WITH asked AS (SELECT :now::timestamptz AS now) \
         UPDATE job_queues t SET leased_until = :leased_until, lease = t.lease + 1, due_at = NULL \
         FROM (SELECT q.merchant_id, q.kind, q.target_id FROM job_queues q CROSS JOIN asked \
             LEFT JOIN stores s ON s.merchant_id = q.merchant_id AND s.id = q.store_id \
             WHERE (q.leased_until <= now OR (q.leased_until IS NULL AND q.due_at <= now \
                     AND (q.paused_until IS NULL OR q.paused_until <= now))) \
                 AND (q.store_id IS NULL OR s.disconnected_at IS NULL \
                     AND s.access_problem IS NULL AND s.access_reason IS NULL \
                     AND s.credentials IS NOT NULL) \
                 AND q.kind = ANY(:kinds) AND q.merchant_id <> ALL(:merchants) \
                 AND q.target_id <> ALL(:stores) \
             ORDER BY q.due_at NULLS FIRST LIMIT 1 FOR UPDATE OF q SKIP LOCKED) due \
         WHERE t.merchant_id = due.merchant_id AND t.kind = due.kind AND t.target_id = due.target_id \
         RETURNING t.merchant_id, t.kind, t.store_id, t.lease, t.failures",
        now: Timestamptz = now,
        leased_until: Timestamptz = now + LEASE,
        kinds: Array<Text> = names,
        merchants: Array<BigInt> = &busy.merchants,
        stores: Array<BigInt> = &busy.stores,
    )
    .get_result(conn)
    .optional()?;
    Ok(row.and_then(|Row { merchant_id, kind, store_id, lease, failures }| {
        let kind = *kinds.iter().find(|one| one.name == kind)?;
        Some(Claimed { queue: Queue { merchant_id, kind, store_id }, lease, failures })
    }))
}

impl Claimed {
    pub(super) fn scope(&self) -> Scope {
        match self.queue.kind.is_of_instance {
            true => Scope::Instance,
            false => Scope::Merchant(self.queue.merchant_id),
        }
    }

    /// Prolongs the lease; `false` when another worker has the queue. The row stays locked until the end
    /// of the transaction, so that nobody takes it between this and the commit.
    pub(super) fn hold(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
        let held = diesel::update(self.row())
            .filter(job_queues::lease.eq(self.lease))
            .filter(job_queues::leased_until.is_not_null())
            .set(job_queues::leased_until.eq(now + LEASE))
            .execute(conn)?;
        Ok(held > 0)
    }

    /// Prolongs the lease, unless the row is locked: nobody can take the queue then either, and a
    /// transaction that enqueues for long must not hold up the heartbeat of other queues.
    pub(super) fn prolong(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<()> {
        statement!(
            "UPDATE job_queues t SET leased_until = :leased_until \
             FROM (SELECT merchant_id, kind, target_id FROM job_queues \
                 WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id \
                     AND lease = :lease AND leased_until IS NOT NULL \
                 FOR NO KEY UPDATE SKIP LOCKED) q \
             WHERE t.merchant_id = q.merchant_id AND t.kind = q.kind AND t.target_id = q.target_id",
            leased_until: Timestamptz = now + LEASE,
            merchant_id: BigInt = self.queue.merchant_id,
            kind: Text = self.queue.kind.name,
            target_id: BigInt = self.queue.target_id(),
            lease: BigInt = self.lease,
        )
        .execute(conn)
        .map(drop)
    }

    /// Gives the queue back; `false` when another worker has it. What was enqueued meanwhile stays due.
    pub(super) fn release(&self, conn: &mut PgConnection, release: &Release) -> QueryResult<bool> {
        let due_at = if release.looks_at_jobs { self.next_run_at(conn)? } else { None };
        let released = statement!(
            "UPDATE job_queues SET leased_until = NULL, due_at = least(due_at, :due_at), \
                 paused_until = :paused_until, failures = :failures, \
                 last_error = NULL, problem = :problem \
             WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id \
                 AND lease = :lease AND leased_until IS NOT NULL",
            due_at: Nullable<Timestamptz> = due_at,
            paused_until: Nullable<Timestamptz> = release.paused_until,
            failures: Integer = release.failures,
            problem: Nullable<Jsonb> = &release.problem,
            merchant_id: BigInt = self.queue.merchant_id,
            kind: Text = self.queue.kind.name,
            target_id: BigInt = self.queue.target_id(),
            lease: BigInt = self.lease,
        )
        .execute(conn)?;
        Ok(released > 0)
    }

    /// Read in a statement of its own: whoever enqueues after it writes the queue's row after it too.
    fn next_run_at(&self, conn: &mut PgConnection) -> QueryResult<Option<DateTime<Utc>>> {
        // The first of each priority by the index, however many wait.
        statement!(
            "SELECT min(first.run_at) FROM unnest(:priorities) AS p (priority) CROSS JOIN LATERAL ( \
                 SELECT run_at FROM jobs \
                 WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id \
                     AND priority = p.priority AND dead_at IS NULL \
                 ORDER BY run_at LIMIT 1) first",
            priorities: Array<SmallInt> = [Priority::High, Priority::Normal].map(Priority::value).to_vec(),
            merchant_id: BigInt = self.queue.merchant_id,
            kind: Text = self.queue.kind.name,
            target_id: BigInt = self.queue.target_id(),
        )
        .scalar::<Nullable<Timestamptz>>()
        .get_result(conn)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        let key =
            |of: &Self| (of.queue.merchant_id, of.queue.kind.name, of.queue.target_id(), of.lease);
        key(self) == key(other)
    }

    fn row(&self) -> diesel::dsl::Find<job_queues::table, (i64, &'static str, i64)> {
        job_queues::table.find((
            self.queue.merchant_id,
            self.queue.kind.name,
            self.queue.target_id(),
        ))
    }
}
