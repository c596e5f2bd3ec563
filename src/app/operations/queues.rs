use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz};

use crate::kit::db::schema::jobs;
use crate::kit::db::statement::statement;

/// What waits for the workers, of one kind.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Queue {
    /// `store_jobs`, `deliveries`, `pushes`, `emails`, `recalculations`, `deliveries_retried`; and
    /// `recalculations_failed` and `deliveries_failed`, which wait for a person.
    #[diesel(sql_type = Text)]
    pub(crate) name: String,
    /// How much of it.
    #[diesel(sql_type = BigInt)]
    pub(crate) waiting: i64,
    /// For how long the oldest has, in seconds; 0 when nothing waits.
    #[diesel(sql_type = Double)]
    pub(crate) oldest: f64,
}

/// All of them, within `Scope::Instance`. Each is read from an index of what waits, so that it
/// costs what waits and not what is there.
///
/// Work for a store that is disconnected or lets Vouch in no more rests: it is the merchant's to
/// mend, and they see it on their pages.
pub(super) fn read(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Vec<Queue>> {
    conn.batch_execute("SET LOCAL statement_timeout = '2s'")?;
    statement!(
        "WITH open AS (SELECT merchant_id, id, creates_codes FROM stores \
             WHERE disconnected_at IS NULL AND access_problem IS NULL \
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

/// How many jobs were dead-lettered, by kind. Within `Scope::Instance`.
pub(super) fn dead_jobs(conn: &mut PgConnection) -> QueryResult<Vec<(String, i64)>> {
    jobs::table
        .filter(jobs::dead_at.is_not_null())
        .group_by(jobs::kind)
        .select((jobs::kind, count_star()))
        .load(conn)
}

/// The queues whose oldest piece of work has waited for longer than `seconds`, each with how long it
/// has. Within `Scope::Instance`.
pub(crate) fn late(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    seconds: f64,
) -> QueryResult<Vec<(String, f64)>> {
    let queues = read(conn, now)?;
    // What has failed isn't late: it's told apart.
    let has_failed = |name: &str| name.ends_with("_failed");
    Ok(queues
        .into_iter()
        .filter(|queue| queue.oldest > seconds && !has_failed(&queue.name))
        .map(|queue| (queue.name, queue.oldest))
        .collect())
}
