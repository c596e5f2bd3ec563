//! When an order was placed by Vouch's clock. The store says it by its own, and periods begin and end by
//! Vouch's; where the two differ, the store's time is moved before it's compared with them. That's
//! decided once, by the first report of an order, and kept with it, so that a later recalculation comes
//! to the same. docs/crediting.md has the rule.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_core::attribution::Candidate;
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::order::state::OrderState;
use vouch_core::order::times::MAX_CLOCK_SECONDS;

use super::delivery::{IncomingDelivery, Source};
use crate::features::stores::clock::{Difference, SentReceived, TOLERANCE_SECONDS, difference};

/// A difference of now says nothing of an order from long ago.
const RECENT: Duration = Duration::days(1);

/// From when until when somebody had a trigger.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldPeriod {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl HeldPeriod {
    pub(super) fn of(candidate: &Candidate) -> Self {
        Self { from: candidate.owned_from, until: candidate.owned_until }
    }

    /// Whether it begins or ends so near to `at` that a wrong clock would matter.
    fn is_near(self, at: DateTime<Utc>) -> bool {
        let is_near = |bound: DateTime<Utc>| (bound - at).num_seconds().abs() <= MAX_CLOCK_SECONDS;
        is_near(self.from) || self.until.is_some_and(is_near)
    }
}

/// A time of the store's by Vouch's clock.
pub(super) fn by_ours(at: DateTime<Utc>, clock_shift: Option<i32>) -> DateTime<Utc> {
    at + Duration::seconds(clock_shift.unwrap_or_default().into())
}

/// What is known of an order, with its time of placement by Vouch's clock.
pub(super) fn dated(state: &OrderState, clock_shift: Option<i32>) -> Cow<'_, OrderState> {
    if clock_shift.unwrap_or_default() == 0 {
        return Cow::Borrowed(state);
    }
    let mut dated = state.clone();
    if let Some(report) = &mut dated.report {
        report.placed_at = by_ours(report.placed_at, clock_shift);
    }
    Cow::Owned(dated)
}

/// By how many seconds the placement of a new order is moved. The clocks are asked about only where a
/// trigger that matches it changed hands about then.
pub(super) fn shift(
    conn: &mut PgConnection,
    arrival: &IncomingDelivery,
    report: &OrderSnapshot,
    holdings: &[HeldPeriod],
) -> QueryResult<i32> {
    let is_recent = arrival.received_at - report.placed_at <= RECENT;
    let is_near = holdings.iter().any(|holding| holding.is_near(report.placed_at));
    if arrival.source == Source::Api || !is_recent || !is_near {
        return Ok(0);
    }
    let own = (arrival.source == Source::Webhook).then(|| SentReceived {
        sent_at: arrival.sent_at.unwrap_or(report.reported_at),
        received_at: arrival.received_at,
    });
    let store = (arrival.merchant_id, arrival.store_id);
    let difference = difference(conn, store, own, arrival.received_at)?;
    Ok(decide(difference, report.placed_at, arrival.received_at, holdings))
}

fn decide(
    difference: Difference,
    placed_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    holdings: &[HeldPeriod],
) -> i32 {
    let after = |seconds: i64| placed_at + Duration::seconds(seconds);
    let ends = || holdings.iter().filter_map(|holding| holding.until);
    let mut seconds = difference.behind_seconds;
    // What's only likely takes an order from no holder: it may only reach the first one.
    if !difference.is_certain && ends().any(|end| placed_at < end && end <= after(seconds)) {
        seconds = 0;
    }
    // Nothing is received before it's placed.
    let most = (received_at - placed_at).num_seconds();
    if seconds > 0 || (-MAX_CLOCK_SECONDS..-TOLERANCE_SECONDS).contains(&most) {
        seconds = seconds.min(most);
    }
    if seconds == 0 {
        return 0;
    }
    // In doubt, within what clocks may differ by anyway, it's the one before.
    let doubtful = Duration::seconds(TOLERANCE_SECONDS);
    let end = ends().filter(|end| *end <= after(seconds) && after(seconds) - *end < doubtful).min();
    if let Some(end) = end {
        seconds = (end - placed_at).num_seconds() - 1;
    }
    i32::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    /// Ada had it from second 0 to 1000, and Ben has it from then on.
    const HANDOVER: i64 = 1_000;

    fn holdings() -> [HeldPeriod; 2] {
        let end = at(HANDOVER);
        [HeldPeriod { from: at(0), until: Some(end) }, HeldPeriod { from: end, until: None }]
    }

    fn placed(behind: i64, is_certain: bool, said: i64, received: i64) -> i64 {
        let difference = Difference { behind_seconds: behind, is_certain };
        said + i64::from(decide(difference, at(said), at(received), &holdings()))
    }

    #[test]
    fn a_known_difference_goes_to_whoever_held_it_by_vouchs_clock() {
        for behind in [-600, 600] {
            for truly in [200, 990, 1_010, 1_500] {
                let judged = placed(behind, true, truly - behind, truly + 2);
                assert_eq!(judged, truly, "behind by {behind}");
            }
        }
    }

    #[test]
    fn what_is_only_likely_takes_no_order_from_its_holder() {
        assert_eq!(
            placed(600, false, 700, 1_302),
            700,
            "Ada's by the store's clock, and stays hers"
        );
        assert_eq!(placed(600, false, -500, 102), 100, "but it reaches the first holder");
    }

    #[test]
    fn nothing_was_placed_after_it_was_received() {
        assert_eq!(placed(0, true, 1_500, 902), 902);
        assert_eq!(placed(0, true, 1_001, 1_000), 1_001, "clocks are never quite the same");
    }

    #[test]
    fn in_doubt_it_is_the_one_before() {
        assert_eq!(placed(-600, true, 1_600, 1_002), HANDOVER - 1);
        assert_eq!(placed(-600, true, 1_604, 1_010), HANDOVER - 1);
        assert_eq!(placed(-600, true, 1_605, 1_010), HANDOVER + 5);
    }

    #[test]
    fn clocks_that_agree_move_nothing() {
        assert_eq!(placed(0, true, 999, 1_001), 999);
        assert_eq!(placed(0, true, 1_000, 1_001), 1_000);
    }
}
