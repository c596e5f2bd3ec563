//! How far the stores' clocks are from Vouch's. docs/crediting.md explains the consequences.
//!
//! There are two sources. The `Date` header of a store's API response was written between request
//! and response, so it's accurate to a second in both directions. A webhook contains the time it
//! was sent. It may be late by hours but never early, so the smallest delay is the most that the
//! store's clock can be behind.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use vouch_core::order::times::MAX_CLOCK_SECONDS;

use super::model::Store;
use crate::kit::db::schema::store_clocks;
use crate::kit::db::statement::statement;

/// With a smaller difference, the clocks count as equal.
pub(crate) const TOLERANCE_SECONDS: i64 = 5;
/// Clocks get corrected, so measurements expire after this time.
const FRESH: Duration = Duration::minutes(30);
/// How many of the newest webhooks are considered.
const WEBHOOKS: i64 = 20;
/// From this delay on, the store's clock is the likely reason, if nothing else is known.
const LIKELY_SECONDS: i64 = 900;
/// Delays that vary less than this, in seconds, come from clocks. Those of a backlog shrink.
const STEADY_SECONDS: i64 = 30;
/// The minimum time span and number of webhooks for a steady delay.
const STEADY_SPAN: Duration = Duration::minutes(5);
const STEADY_WEBHOOKS: usize = 3;

/// How far the store's clock is behind Vouch's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockDifference {
    /// Negative if it's ahead. Zero if the clocks agree or nothing is known.
    pub(crate) behind_seconds: i64,
    /// Whether it's certain. Webhooks alone only make it likely that a clock is behind.
    pub(crate) is_certain: bool,
}

/// A webhook's send time by the store's clock, and the time it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct SentReceived {
    #[diesel(sql_type = Timestamptz)]
    pub(crate) sent_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) received_at: DateTime<Utc>,
}

impl SentReceived {
    fn late_seconds(self) -> i64 {
        (self.received_at - self.sent_at).num_milliseconds().div_euclid(1_000)
    }
}

/// Records the clock difference from a store's response.
pub(crate) fn note(
    conn: &mut PgConnection,
    store: &Store,
    behind_seconds: i32,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    // Nearly every call measures the same, so an unchanged value is written only occasionally.
    statement!(
        "INSERT INTO store_clocks AS c (merchant_id, store_id, behind_seconds, measured_at) \
         VALUES (:merchant_id, :store_id, :behind_seconds, :now) \
         ON CONFLICT (merchant_id, store_id) DO UPDATE \
         SET behind_seconds = excluded.behind_seconds, measured_at = excluded.measured_at \
         WHERE abs(c.behind_seconds - excluded.behind_seconds) > 1 \
             OR c.measured_at < excluded.measured_at - interval '5 minutes'",
        merchant_id: BigInt = store.merchant_id,
        store_id: BigInt = store.id,
        behind_seconds: Integer,
        now: Timestamptz,
    )
    .execute(conn)
    .map(drop)
}

/// The difference as of `now`. `own` is the webhook that's being processed.
pub(crate) fn difference(
    conn: &mut PgConnection,
    (merchant_id, store_id): (i64, i64),
    own: Option<SentReceived>,
    now: DateTime<Utc>,
) -> QueryResult<ClockDifference> {
    let answered: Option<i32> = store_clocks::table
        .find((merchant_id, store_id))
        .filter(store_clocks::measured_at.gt(now - FRESH))
        .select(store_clocks::behind_seconds)
        .first(conn)
        .optional()?;
    // Orders that Vouch imported have a reference with spaces, and no send time.
    let mut webhooks: Vec<SentReceived> = statement!(
        "SELECT coalesce(sent_at, reported_at) AS sent_at, received_at FROM deliveries \
         WHERE merchant_id = :merchant_id AND store_id = :store_id \
             AND received_at > :since AND received_at <= :now \
             AND position(' ' in delivery_ref) = 0 AND coalesce(sent_at, reported_at) IS NOT NULL \
         ORDER BY received_at DESC, id DESC LIMIT :webhooks",
        merchant_id: BigInt,
        store_id: BigInt,
        since: Timestamptz = now - FRESH,
        now: Timestamptz,
        webhooks: BigInt = WEBHOOKS,
    )
    .load(conn)?;
    webhooks.extend(own);
    Ok(judge(answered.map(i64::from), &webhooks))
}

fn judge(answered: Option<i64>, webhooks: &[SentReceived]) -> ClockDifference {
    let latest = webhooks.iter().map(|webhook| webhook.late_seconds()).min();
    let (behind_seconds, is_certain) = match (answered, latest) {
        (Some(answered), latest) => (latest.map_or(answered, |most| most.min(answered)), true),
        (None, Some(most)) if most < 0 => (most, true),
        (None, Some(most)) if most <= LIKELY_SECONDS || is_steady(webhooks, most) => (most, false),
        (None, _) => (0, true),
    };
    let agrees =
        behind_seconds.abs() <= TOLERANCE_SECONDS || behind_seconds.abs() > MAX_CLOCK_SECONDS;
    if agrees {
        return ClockDifference { behind_seconds: 0, is_certain: true };
    }
    ClockDifference { behind_seconds, is_certain }
}

/// Whether all delays were about equal over some time. In a backlog, later webhooks have smaller
/// delays.
fn is_steady(webhooks: &[SentReceived], least: i64) -> bool {
    let most = webhooks.iter().map(|webhook| webhook.late_seconds()).max().unwrap_or(least);
    let sent = || webhooks.iter().map(|webhook| webhook.sent_at);
    let span =
        sent().max().zip(sent().min()).map_or(Duration::zero(), |(last, first)| last - first);
    webhooks.len() >= STEADY_WEBHOOKS && most - least <= STEADY_SECONDS && span >= STEADY_SPAN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates webhooks from (minute of actual sending, delay in seconds), with the store's clock
    /// behind by `behind`.
    fn webhooks(behind: i64, sent: &[(i64, i64)]) -> Vec<SentReceived> {
        let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
        let told = |&(minute, late): &(i64, i64)| SentReceived {
            sent_at: at(minute * 60 - behind),
            received_at: at(minute * 60 + late),
        };
        sent.iter().map(told).collect()
    }

    fn found(answered: Option<i64>, webhooks: &[SentReceived]) -> (i64, bool) {
        let difference = judge(answered, webhooks);
        (difference.behind_seconds, difference.is_certain)
    }

    #[test]
    fn an_answer_tells_in_both_directions() {
        for behind in [-600, 600] {
            assert_eq!(found(Some(behind), &[]), (behind, true));
            let webhooks = webhooks(behind, &[(0, 1), (5, 7200)]);
            assert_eq!(found(Some(behind), &webhooks), (behind, true));
        }
        assert_eq!(found(Some(4), &[]), (0, true));
        assert_eq!(found(Some(86_400), &[]), (0, true), "another day says nothing of minutes");
    }

    #[test]
    fn a_webhook_from_the_future_proves_a_clock_that_is_ahead() {
        assert_eq!(found(None, &webhooks(-600, &[(0, 2)])), (-598, true));
        assert_eq!(found(Some(0), &webhooks(-600, &[(0, 2)])), (-598, true));
    }

    #[test]
    fn webhooks_that_are_late_make_a_slow_clock_likely() {
        assert_eq!(found(None, &webhooks(600, &[(0, 2)])), (602, false));
        let steady = webhooks(1800, &[(0, 2), (3, 9), (6, 4)]);
        assert_eq!(found(None, &steady), (1802, false));
        assert_eq!(found(None, &steady[..2]), (0, true), "two are too few for that");
        assert_eq!(found(None, &webhooks(1800, &[(0, 2), (1, 9), (2, 4)])), (0, true), "too short");
    }

    #[test]
    fn a_backlog_is_no_slow_clock() {
        // All webhooks of ten minutes arrive at once, much later.
        let backlog = |late: i64| -> Vec<SentReceived> {
            let sent: Vec<(i64, i64)> =
                (0..10).map(|minute| (minute, late - minute * 60)).collect();
            webhooks(0, &sent)
        };
        assert_eq!(found(None, &backlog(7200)), (0, true));
        assert_eq!(found(None, &backlog(2400)), (0, true));
        assert_eq!(found(None, &webhooks(0, &[(0, 2400)])), (0, true));
        assert_eq!(found(Some(0), &backlog(800)), (0, true));
        // A punctual webhook proves that the others were late.
        assert_eq!(found(None, &webhooks(0, &[(0, 900), (6, 905), (12, 902), (13, 1)])), (0, true));
    }
}
