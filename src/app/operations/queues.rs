use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz};

use crate::kit::db::schema::jobs;
use crate::kit::db::statement::statement;

/// The waiting work of one kind.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct QueueBacklog {
    /// One of `store_jobs`, `deliveries`, `pushes`, `emails`, `recalculations` and
    /// `deliveries_retried`. Two others wait for a person: `recalculations_failed` and
    /// `deliveries_failed`.
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) waiting: i64,
    /// How long the oldest item has waited, in seconds. It's 0 if nothing waits.
    #[diesel(sql_type = Double)]
    pub(crate) oldest: f64,
}

/// Reads all queues. Each is read from an index of waiting rows, so the cost depends on those
/// alone. The caller holds `Scope::Instance`.
///
/// Work for a store that's disconnected or rejects the credentials isn't counted. Its merchant must
/// fix that, and sees it on their pages.
pub(super) fn read(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Vec<QueueBacklog>> {
    conn.batch_execute("SET LOCAL statement_timeout = '2s'")?;
    statement!(
        "WITH open AS (SELECT merchant_id, id, creates_codes FROM stores \
             WHERE disconnected_at IS NULL AND access_problem IS NULL AND access_reason IS NULL \
                 AND credentials IS NOT NULL), \
         asked AS (SELECT :now::timestamptz AS now), \
         queued (name, since) AS ( \
             SELECT 'store_jobs', greatest(q.due_at, q.paused_until) FROM job_queues q \
             LEFT JOIN open s ON s.merchant_id = q.merchant_id AND s.id = q.store_id CROSS JOIN asked \
             WHERE (q.store_id IS NULL OR s.id IS NOT NULL) AND q.kind <> 'emails' \
                 AND q.leased_until IS NULL AND q.due_at <= now \
                 AND (q.paused_until IS NULL OR q.paused_until <= now) \
             UNION ALL \
             SELECT 'deliveries', d.received_at FROM deliveries d \
             JOIN open s ON s.merchant_id = d.merchant_id AND s.id = d.store_id \
             WHERE d.outcome = 'waiting' \
             UNION ALL \
             SELECT 'pushes', p.created_at FROM pushes p \
             JOIN open s ON s.merchant_id = p.merchant_id AND s.id = p.store_id \
             WHERE p.status = 'queued' AND s.creates_codes \
             UNION ALL \
             SELECT 'emails', created_at FROM emails \
             WHERE delivered_at IS NULL AND failed_at IS NULL \
             UNION ALL \
             SELECT 'recalculations', requested_at FROM recalculations WHERE failed_at IS NULL \
             UNION ALL \
             SELECT 'recalculations_failed', failed_at FROM recalculations WHERE failed_at IS NOT NULL \
             UNION ALL \
             SELECT CASE WHEN j.id IS NULL THEN 'deliveries_failed' ELSE 'deliveries_retried' END, \
                 d.received_at \
             FROM delivery_failures f \
             JOIN deliveries d ON d.merchant_id = f.merchant_id AND d.id = f.delivery_id \
             LEFT JOIN jobs j ON j.merchant_id = f.merchant_id AND j.kind = 'delivery_retries' \
                 AND j.target_id = 0 AND j.key = f.delivery_id::text AND j.dead_at IS NULL \
             WHERE d.outcome = 'failed') \
         SELECT name, count(since) AS waiting, coalesce(greatest(0, \
             extract(epoch FROM now - min(since))), 0)::double precision AS oldest \
         FROM asked CROSS JOIN unnest(ARRAY['store_jobs', 'deliveries', 'pushes', 'emails', \
                 'recalculations', 'recalculations_failed', 'deliveries_failed', \
                 'deliveries_retried']) AS named (name) \
         LEFT JOIN queued USING (name) \
         GROUP BY name, now",
        now: Timestamptz = now,
    )
    .load(conn)
}

/// How many jobs were dead-lettered, by kind. The caller holds `Scope::Instance`.
pub(super) fn dead_jobs(conn: &mut PgConnection) -> QueryResult<Vec<(String, i64)>> {
    jobs::table
        .filter(jobs::dead_at.is_not_null())
        .group_by(jobs::kind)
        .select((jobs::kind, count_star()))
        .load(conn)
}

/// The queues whose oldest item has waited for more than `seconds`, with its wait in seconds. The
/// caller holds `Scope::Instance`.
pub(crate) fn late(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    seconds: f64,
) -> QueryResult<Vec<(String, f64)>> {
    let queues = read(conn, now)?;
    // Failed work isn't late, and it's reported separately.
    let has_failed = |name: &str| name.ends_with("_failed");
    Ok(queues
        .into_iter()
        .filter(|queue| queue.oldest > seconds && !has_failed(&queue.name))
        .map(|queue| (queue.name, queue.oldest))
        .collect())
}
