//! One job: its attempt, and how that ends.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::JobKind;
use super::claim::Claimed;
use crate::kit::db::schema::jobs;
use crate::kit::db::statement::statement;

/// A job whose worker dies isn't tried again before.
const AFTER_CRASH: Duration = Duration::seconds(20);

/// A job that is running.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(table_name = jobs)]
pub struct Job {
    id: i64,
    /// What it's about, among the jobs of its queue.
    pub key: String,
    /// What it goes on with; kept by every end of its attempt.
    pub payload: Option<serde_json::Value>,
    /// This one included.
    pub attempts: i32,
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Complete,
    /// It's done, and comes again.
    Reschedule(DateTime<Utc>),
    /// It failed for this reason, a code: another attempt comes with the kind's backoff, or it's
    /// dead-lettered after the last.
    Retry(&'static str),
    /// No attempt will succeed, for this reason, a code.
    DeadLetter(&'static str),
    /// The attempt doesn't count: what it failed for, a code, says nothing of the job. Without a code the
    /// reason of the attempt before stays.
    Release(Option<&'static str>),
}

impl Job {
    /// The key of a job that is about a row: its ID.
    pub fn row_id(&self) -> i64 {
        self.key.parse().unwrap_or_default()
    }

    /// Whether no further attempt comes should this one fail.
    pub(crate) fn is_last_attempt(&self, kind: &JobKind) -> bool {
        self.attempts >= kind.max_attempts
    }

    /// Whether each of its attempts ended with its worker, or with the database away: it runs no more, and
    /// is only here to be ended, so that what it's about says so too.
    pub fn has_crashed(&self, kind: &JobKind) -> bool {
        self.attempts > kind.max_attempts
    }

    /// The next job of a queue that is due. Its attempt is counted before it starts, in case the process
    /// dies on it.
    pub(super) fn next(
        conn: &mut PgConnection,
        claimed: &Claimed,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        statement!(
            "UPDATE jobs SET attempts = attempts + 1, run_at = :after_crash \
             WHERE merchant_id = :merchant_id AND id = (SELECT id FROM jobs \
                 WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id \
                     AND dead_at IS NULL AND run_at <= :now \
                 ORDER BY priority, run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) \
             RETURNING id, key, payload, attempts",
            after_crash: Timestamptz = now + AFTER_CRASH,
            merchant_id: BigInt = claimed.queue.merchant_id,
            kind: Text = claimed.queue.kind.name,
            target_id: BigInt = claimed.queue.target_id(),
            now: Timestamptz = now,
        )
        .get_result(conn)
        .optional()
    }

    /// Writes how the attempt ended. A job that was enqueued meanwhile stays due.
    pub(super) fn finish(
        &self,
        conn: &mut PgConnection,
        claimed: &Claimed,
        finish: Finish,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let row = jobs::table.find((claimed.queue.merchant_id, self.id));
        // Enqueuing resets the attempts: the job then stays due, whatever its payload is by now.
        let same = row.filter(jobs::attempts.eq(self.attempts));
        let waits = |run_at, attempts, reason| Ended { run_at, attempts, reason, dead_at: None };
        let ended = match finish {
            Finish::Complete => {
                diesel::delete(same).execute(conn)?;
                return Ok(());
            }
            Finish::Reschedule(at) => waits(at, 0, Some(None)),
            Finish::Release(reason) => waits(now, self.attempts - 1, reason.map(Some)),
            Finish::Retry(reason) if !self.is_last_attempt(&claimed.queue.kind) => {
                let wait = claimed.queue.kind.wait_after(self.attempts);
                waits(now + wait, self.attempts, Some(Some(reason)))
            }
            Finish::Retry(reason) | Finish::DeadLetter(reason) => Ended {
                run_at: now,
                attempts: self.attempts,
                reason: Some(Some(reason)),
                dead_at: Some(now),
            },
        };
        diesel::update(row).set(jobs::payload.eq(self.payload.as_ref())).execute(conn)?;
        diesel::update(same).set(ended).execute(conn).map(drop)
    }
}

/// How a job's row is left: a `None` leaves its column alone.
#[derive(AsChangeset)]
#[diesel(table_name = jobs)]
struct Ended {
    run_at: DateTime<Utc>,
    attempts: i32,
    reason: Option<Option<&'static str>>,
    dead_at: Option<DateTime<Utc>>,
}
