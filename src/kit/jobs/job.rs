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
/// Why a job was dead-lettered each of whose attempts ended with its worker.
const CRASHED: &str = "crashed";

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
    /// As this attempt left it: it's another once the job was enqueued again meanwhile.
    run_at: DateTime<Utc>,
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
    /// The attempt doesn't count: what it failed for, a code, says nothing of the job.
    GiveBack(Option<&'static str>),
}

impl Job {
    /// Whether no further attempt comes should this one fail.
    pub(crate) fn is_last_attempt(&self, kind: &JobKind) -> bool {
        self.attempts >= kind.max_attempts
    }

    /// The next job of a queue that is due. Its attempt is counted before it begins, should the process
    /// die on it.
    pub(super) fn next(
        conn: &mut PgConnection,
        claimed: &Claimed,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        let max_attempts = claimed.queue.kind.max_attempts;
        loop {
            let Some(job) = Self::take(conn, claimed, now)? else { return Ok(None) };
            if job.attempts <= max_attempts {
                return Ok(Some(job));
            }
            job.finish(conn, claimed, Finish::DeadLetter(CRASHED), now)?;
        }
    }

    fn take(
        conn: &mut PgConnection,
        claimed: &Claimed,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        statement!(
            "UPDATE jobs SET attempts = attempts + 1, run_at = :after_crash \
             WHERE merchant_id = :merchant_id AND id = (SELECT id FROM jobs \
                 WHERE merchant_id = :merchant_id AND kind = :kind AND target_id = :target_id \
                     AND dead_at IS NULL AND run_at <= :now \
                 ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) \
             RETURNING id, key, payload, attempts, run_at",
            after_crash: Timestamptz = now + AFTER_CRASH,
            merchant_id: BigInt = claimed.queue.merchant_id,
            kind: Text = claimed.queue.kind.name,
            target_id: BigInt = claimed.queue.target_id(),
            now: Timestamptz = now,
        )
        .get_result(conn)
        .optional()
    }

    /// Writes how the attempt ended. A job that was enqueued again meanwhile stays due, whatever it was.
    pub(super) fn finish(
        &self,
        conn: &mut PgConnection,
        claimed: &Claimed,
        finish: Finish,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let row = jobs::table.find((claimed.queue.merchant_id, self.id));
        // Enqueuing resets the attempts, also where it leaves the time alone.
        let unchanged = jobs::run_at.eq(self.run_at).and(jobs::attempts.eq(self.attempts));
        let (run_at, attempts, reason, dead_at) = match finish {
            Finish::Complete => {
                let deleted = diesel::delete(row.filter(unchanged)).execute(conn)?;
                if deleted > 0 {
                    return Ok(());
                }
                (now, 0, None, None)
            }
            Finish::Reschedule(at) => (at, 0, None, None),
            Finish::GiveBack(reason) => (now, self.attempts - 1, reason, None),
            Finish::Retry(reason) if !self.is_last_attempt(&claimed.queue.kind) => {
                let wait = claimed.queue.kind.wait_after(self.attempts);
                (now + wait, self.attempts, Some(reason), None)
            }
            Finish::Retry(reason) | Finish::DeadLetter(reason) => {
                (now, self.attempts, Some(reason), Some(now))
            }
        };
        let payload = || jobs::payload.eq(self.payload.as_ref());
        let ended = (
            jobs::run_at.eq(run_at),
            jobs::attempts.eq(attempts),
            jobs::reason.eq(reason),
            jobs::dead_at.eq(dead_at),
        );
        let written =
            diesel::update(row.filter(unchanged)).set((payload(), ended)).execute(conn)?;
        if written == 0 {
            diesel::update(row).set(payload()).execute(conn)?;
        }
        Ok(())
    }
}
