use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use vouch_core::delivery::DeliveryOutcome;

use super::build;
use crate::kit::db::schema::{deliveries, delivery_failures};
use crate::kit::db::{prepared, text_enum};

/// The pause before the first automatic attempt; each further one doubles it.
const FIRST_WAIT: Duration = Duration::minutes(1);
/// The longest.
const MAX_WAIT: Duration = Duration::hours(6);
/// After so many automatic attempts, over about two days, a member decides.
pub(super) const MAX_ATTEMPTS: i32 = 16;

/// What pages say of a delivery that Vouch failed on.
pub(in crate::features::ingest) const OWN_FAULT: &str = "Vouch could not process it.";

text_enum! {
    /// Why a delivery failed.
    pub enum FailureReason {
        /// Vouch failed on it: a panic, or a broken rule of the schema.
        OwnFault = "own_fault", "Vouch failed";
        /// It holds a value that no row can hold.
        Value = "value", "Impossible value";
        /// Vouch doesn't understand it.
        Unreadable = "unreadable", "Unreadable";
        /// The store didn't show the order that it names.
        NotFetched = "not_fetched", "Not fetched";
    }
}

/// What is known of a failed delivery.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = delivery_failures)]
pub struct Failure {
    /// Why it failed.
    pub reason: FailureReason,
    /// Automatic attempts by the build that failed last.
    pub attempts: i32,
    /// The next one; `None` when there is none until another build starts.
    pub retry_at: Option<DateTime<Utc>>,
}

/// What is known of the failure of one delivery.
pub fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
) -> QueryResult<Option<Failure>> {
    delivery_failures::table
        .find((merchant_id, delivery_id))
        .select(Failure::as_select())
        .first(conn)
        .optional()
}

/// Records that deliveries failed, which were just kept.
pub(in crate::features::ingest) fn record(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_ids: &[i64],
    reason: FailureReason,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let retry_at = (reason == FailureReason::OwnFault).then(|| now + wait_after(0));
    for delivery_id in delivery_ids {
        let failure = (
            delivery_failures::reason.eq(reason),
            delivery_failures::build.eq(build()),
            delivery_failures::attempts.eq(0),
            delivery_failures::retry_at.eq(retry_at),
        );
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

/// Ends the failure of a delivery that is processed by now.
pub(in crate::features::ingest) fn resolve(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
) -> QueryResult<()> {
    diesel::delete(delivery_failures::table.find((merchant_id, delivery_id)))
        .execute(conn)
        .map(drop)
}

/// How long after that many automatic attempts the next one comes.
pub(super) fn wait_after(attempts: i32) -> Duration {
    (FIRST_WAIT * (1 << attempts.clamp(0, 10))).min(MAX_WAIT)
}

/// How many deliveries are failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureCounts {
    /// Those that Vouch retries automatically.
    pub retried: i64,
    /// Those that need a person, or another build.
    pub left: i64,
}

/// How many deliveries of all merchants are failed and still have their body. Within `Scope::Instance`.
pub fn counts(conn: &mut PgConnection) -> QueryResult<FailureCounts> {
    let (retried, left) = prepared::<(BigInt, BigInt)>(
        "SELECT count(f.retry_at), count(*) FILTER (WHERE f.retry_at IS NULL) \
         FROM deliveries d LEFT JOIN delivery_failures f \
             ON f.merchant_id = d.merchant_id AND f.delivery_id = d.id \
         WHERE d.outcome = ? AND d.body_gzip IS NOT NULL",
    )
    .bind::<Text, _>(DeliveryOutcome::Failed)
    .get_result(conn)?;
    Ok(FailureCounts { retried, left })
}

/// A failed delivery that a worker has for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) merchant_id: i64,
    pub(super) delivery_id: i64,
    /// With this one.
    pub(super) attempts: i32,
}

/// Takes the failed delivery whose attempt is longest due, and plans the next one: should this
/// process die on it, the attempt counts. Within `Scope::Instance`.
pub(super) fn claim(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<Claimed>> {
    let due: Option<(i64, i64, i32)> = delivery_failures::table
        .filter(delivery_failures::retry_at.le(now))
        .order((delivery_failures::retry_at, delivery_failures::delivery_id))
        .select((
            delivery_failures::merchant_id,
            delivery_failures::delivery_id,
            delivery_failures::attempts,
        ))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some((merchant_id, delivery_id, before)) = due else { return Ok(None) };
    let claimed = Claimed { merchant_id, delivery_id, attempts: before + 1 };
    claimed.plan(conn, claimed.attempts, Some(now + wait_after(before + 1)))?;
    Ok(Some(claimed))
}

impl Claimed {
    /// Plans the next attempt, by this build.
    pub(super) fn plan(
        self,
        conn: &mut PgConnection,
        attempts: i32,
        retry_at: Option<DateTime<Utc>>,
    ) -> QueryResult<()> {
        diesel::update(delivery_failures::table.find((self.merchant_id, self.delivery_id)))
            .set((
                delivery_failures::build.eq(build()),
                delivery_failures::attempts.eq(attempts),
                delivery_failures::retry_at.eq(retry_at),
            ))
            .execute(conn)
            .map(drop)
    }

    /// Like [`Claimed::plan`], with another reason than before.
    pub(super) fn plan_for(
        self,
        conn: &mut PgConnection,
        reason: FailureReason,
        retry_at: Option<DateTime<Utc>>,
    ) -> QueryResult<()> {
        diesel::update(delivery_failures::table.find((self.merchant_id, self.delivery_id)))
            .set(delivery_failures::reason.eq(reason))
            .execute(conn)?;
        self.plan(conn, self.attempts, retry_at)
    }
}

/// Makes what failed under another build due. Bodies that are no longer kept can't be processed.
/// Within `Scope::Instance`.
pub(super) fn renew_all(
    conn: &mut PgConnection,
    build: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let kept = deliveries::table
        .filter(deliveries::merchant_id.eq(delivery_failures::merchant_id))
        .filter(deliveries::id.eq(delivery_failures::delivery_id))
        .filter(deliveries::body_gzip.is_not_null());
    let others = delivery_failures::table
        .filter(delivery_failures::build.ne(build))
        .filter(diesel::dsl::exists(kept));
    diesel::update(others)
        .set((
            delivery_failures::build.eq(build),
            delivery_failures::attempts.eq(0),
            delivery_failures::retry_at.eq(now),
        ))
        .execute(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_hours_and_all_attempts_take_about_two_days() {
        let waits: Vec<i64> = (0..MAX_ATTEMPTS).map(|n| wait_after(n).num_minutes()).collect();
        assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
        assert_eq!(*waits.last().unwrap(), 360);
        let hours = waits.iter().sum::<i64>() / 60;
        assert!((36..60).contains(&hours), "{hours}");
    }
}
