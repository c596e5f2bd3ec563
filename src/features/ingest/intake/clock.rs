//! Converts the time when an order was placed to Vouch's clock. Stores report it by their own
//! clock, but periods begin and end by Vouch's. If the clocks differ, the store's time is shifted
//! before the two are compared. The first report of an order decides the shift, which is stored so
//! that recalculations give the same result. docs/crediting.md has the rule.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_core::attribution::Candidate;
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::order::state::OrderState;
use vouch_core::order::times::MAX_CLOCK_SECONDS;

use super::delivery::{DeliverySource, IncomingDelivery};
use crate::features::stores::clock::{
    ClockDifference, SentReceived, TOLERANCE_SECONDS, difference,
};

/// The current clock difference isn't valid for older orders.
const RECENT: Duration = Duration::days(1);

/// The period in which an affiliate held a trigger.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldPeriod {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl HeldPeriod {
    pub(super) fn of(candidate: &Candidate) -> Self {
        Self { from: candidate.owned_from, until: candidate.owned_until }
    }

    /// Whether it begins or ends so close to `at` that a wrong clock would matter.
    fn is_near(self, at: DateTime<Utc>) -> bool {
        let is_near = |bound: DateTime<Utc>| (bound - at).num_seconds().abs() <= MAX_CLOCK_SECONDS;
        is_near(self.from) || self.until.is_some_and(is_near)
    }
}

/// Converts a time of the store to Vouch's clock.
pub(super) fn by_ours(at: DateTime<Utc>, clock_shift: Option<i32>) -> DateTime<Utc> {
    at + Duration::seconds(clock_shift.unwrap_or_default().into())
}

/// The state of an order, with its time of placement by Vouch's clock.
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

/// How many seconds the placement of a new order is shifted. The clocks are only checked if a
/// matching trigger changed its holder around that time.
pub(super) fn shift(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    report: &OrderSnapshot,
    holdings: &[HeldPeriod],
) -> QueryResult<i32> {
    let is_recent = incoming.received_at - report.placed_at <= RECENT;
    let is_near = holdings.iter().any(|holding| holding.is_near(report.placed_at));
    if incoming.source == DeliverySource::Api || !is_recent || !is_near {
        return Ok(0);
    }
    let own = (incoming.source == DeliverySource::Webhook).then(|| SentReceived {
        sent_at: incoming.sent_at.unwrap_or(report.reported_at),
        received_at: incoming.received_at,
    });
    let store = (incoming.merchant_id, incoming.store_id);
    let difference = difference(conn, store, own, incoming.received_at)?;
    Ok(decide(difference, report.placed_at, incoming.received_at, holdings))
}

fn decide(
    difference: ClockDifference,
    placed_at: DateTime<Utc>,
    received_at: DateTime<Utc>,
    holdings: &[HeldPeriod],
) -> i32 {
    let after = |seconds: i64| placed_at + Duration::seconds(seconds);
    let ends = || holdings.iter().filter_map(|holding| holding.until);
    let mut seconds = difference.behind_seconds;
    // A merely likely difference never takes an order from a holder. It may only move an order into
    // the first holder's period.
    if !difference.is_certain && ends().any(|end| placed_at < end && end <= after(seconds)) {
        seconds = 0;
    }
    // An order can't be received before it's placed.
    let most = (received_at - placed_at).num_seconds();
    if seconds > 0 || (-MAX_CLOCK_SECONDS..-TOLERANCE_SECONDS).contains(&most) {
        seconds = seconds.min(most);
    }
    if seconds == 0 {
        return 0;
    }
    // Just after a holder's end, within the tolerance of clocks, the order goes to that holder.
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
        let difference = ClockDifference { behind_seconds: behind, is_certain };
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
