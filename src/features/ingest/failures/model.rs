use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use vouch_core::delivery::DeliveryOutcome;

use super::build;
use crate::kit::db::schema::{deliveries, delivery_failures};
use crate::kit::db::statement::statement;
use crate::kit::db::text_enum;
use crate::kit::jobs::{self, JobKind, Queue};

/// Processes a failed delivery again. The key is the delivery's ID. All attempts take about two
/// days, and then a member must decide.
pub(crate) const RETRY_DELIVERY: JobKind = JobKind {
    name: "delivery_retries",
    first_wait: Duration::minutes(1),
    max_wait: Duration::hours(6),
    max_attempts: 16,
    is_of_instance: false,
};

text_enum! {
    pub(crate) enum FailureReason {
        /// A panic, or a violated rule of the schema.
        OwnFault = "own_fault", "Internal error";
        /// It contains a value that no column can store.
        Value = "value", "Impossible value";
        /// Vouch couldn't parse it.
        Unreadable = "unreadable", "Unparseable";
        /// The order that it names couldn't be fetched from the store.
        NotFetched = "not_fetched", "Not fetched";
    }
}

#[derive(Clone, Debug)]
pub(crate) struct DeliveryFailure {
    /// The next automatic attempt. `None` if there's none until another build starts.
    pub(crate) retry_at: Option<DateTime<Utc>>,
}

/// `None` if the delivery isn't failed.
pub(crate) fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
) -> QueryResult<Option<DeliveryFailure>> {
    let failure = delivery_failures::table.find((merchant_id, delivery_id));
    if !diesel::select(diesel::dsl::exists(failure)).get_result(conn)? {
        return Ok(None);
    }
    let job = jobs::find(conn, &queue(merchant_id), &delivery_id.to_string())?;
    let retry_at = job.filter(|job| job.dead_at.is_none()).map(|job| job.run_at);
    Ok(Some(DeliveryFailure { retry_at }))
}

/// The merchant's retries of failed deliveries.
pub(super) fn queue(merchant_id: i64) -> Queue {
    Queue { merchant_id, kind: RETRY_DELIVERY, store_id: None }
}

/// Stores the reason for deliveries that have just failed.
pub(in crate::features::ingest) fn record(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_ids: &[i64],
    reason: FailureReason,
) -> QueryResult<()> {
    for delivery_id in delivery_ids {
        let failure = (delivery_failures::reason.eq(reason), delivery_failures::build.eq(build()));
        let key = (
            delivery_failures::merchant_id.eq(merchant_id),
            delivery_failures::delivery_id.eq(delivery_id),
        );
        diesel::insert_into(delivery_failures::table)
            .values((key, failure))
            .on_conflict((delivery_failures::merchant_id, delivery_failures::delivery_id))
            .do_update()
            .set(failure)
            .execute(conn)?;
    }
    Ok(())
}

/// Schedules the first retry of a failed delivery. Call it at the end of the transaction (see
/// [`jobs::enqueue`]).
pub(in crate::features::ingest) fn retry_later(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let at = now + RETRY_DELIVERY.wait_after(1);
    jobs::enqueue(conn, &queue(merchant_id), &[&delivery_id.to_string()], at)
}

/// Retries a delivery now, if it's still failed. Call it at the end of the transaction (see
/// [`jobs::enqueue`]).
pub(crate) fn retry(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let failure = delivery_failures::table.find((merchant_id, delivery_id));
    if !diesel::select(diesel::dsl::exists(failure)).get_result(conn)? {
        return Ok(());
    }
    jobs::enqueue(conn, &queue(merchant_id), &[&delivery_id.to_string()], now)
}

/// Updates the reason after a retry by this build failed.
pub(super) fn update_reason(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
    reason: FailureReason,
) -> QueryResult<()> {
    diesel::update(delivery_failures::table.find((merchant_id, delivery_id)))
        .set((delivery_failures::reason.eq(reason), delivery_failures::build.eq(build())))
        .execute(conn)
        .map(drop)
}

/// Deletes the failure and the scheduled retry of a delivery that has been processed.
pub(in crate::features::ingest) fn resolve(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
) -> QueryResult<()> {
    let failure = delivery_failures::table.find((merchant_id, delivery_id));
    if diesel::delete(failure).execute(conn)? > 0 {
        jobs::cancel(conn, &queue(merchant_id), &delivery_id.to_string())?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct FailureCounts {
    /// Vouch retries these automatically.
    #[diesel(sql_type = BigInt)]
    pub(crate) retried: i64,
    /// These need a person or another build.
    #[diesel(sql_type = BigInt)]
    pub(crate) left: i64,
}

/// Counts the failed deliveries of all merchants that still have a body. The caller holds
/// `Scope::Instance`.
pub(crate) fn counts(conn: &mut PgConnection) -> QueryResult<FailureCounts> {
    statement!(
        "SELECT count(j.id) AS retried, count(*) FILTER (WHERE j.id IS NULL) AS \"left\" \
         FROM deliveries d LEFT JOIN jobs j \
             ON j.merchant_id = d.merchant_id AND j.kind = 'delivery_retries' AND j.target_id = 0 \
                 AND j.key = d.id::text AND j.dead_at IS NULL \
         WHERE d.outcome = :failed AND d.body_gzip IS NOT NULL",
        failed: Text = DeliveryOutcome::Failed,
    )
    .get_result(conn)
}

/// Assigns the failures of other builds to `build`. Returns the IDs of merchants and deliveries.
/// Deliveries whose body was deleted can't be processed, so they're skipped. The caller holds
/// `Scope::Instance`.
pub(super) fn renew_all(conn: &mut PgConnection, build: &str) -> QueryResult<Vec<(i64, i64)>> {
    let kept = deliveries::table
        .filter(deliveries::merchant_id.eq(delivery_failures::merchant_id))
        .filter(deliveries::id.eq(delivery_failures::delivery_id))
        .filter(deliveries::body_gzip.is_not_null());
    let others = delivery_failures::table
        .filter(delivery_failures::build.ne(build))
        .filter(diesel::dsl::exists(kept));
    diesel::update(others)
        .set(delivery_failures::build.eq(build))
        .returning((delivery_failures::merchant_id, delivery_failures::delivery_id))
        .get_results(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attempts_take_about_two_days() {
        let waits = (1..RETRY_DELIVERY.max_attempts).map(|n| RETRY_DELIVERY.wait_after(n));
        let hours = waits.map(|wait| wait.num_minutes()).sum::<i64>() / 60;
        assert!((36..60).contains(&hours), "{hours}");
    }
}
