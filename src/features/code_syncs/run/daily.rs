//! When the daily check of a store is due.

use chrono::{DateTime, Duration, NaiveTime, Utc};

use crate::features::code_syncs::model::CodeSync;
use crate::features::store_workers::{StoreRun, StoreRunError};

/// The daily check runs at the store's own time of day, at least this long after the previous one.
const MIN_INTERVAL: Duration = Duration::hours(12);

/// When the store's next daily check is due. `None` if it never had one.
pub(super) fn next_daily(run: &StoreRun<'_, '_>) -> Result<Option<DateTime<Utc>>, StoreRunError> {
    let store = &run.store;
    let shown = run.read(|conn| CodeSync::shown(conn, store))?;
    let begun = shown.and_then(|shown| shown.started_at);
    Ok(begun.map(|begun| daily_after(store.id, begun)))
}

/// The first occurrence of the store's own time of day, at least [`MIN_INTERVAL`] after `begun`.
/// The stores of an instance are spread over the day.
fn daily_after(store_id: i64, begun: DateTime<Utc>) -> DateTime<Utc> {
    const DAY: u64 = 86_400;
    let second = store_id.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let midnight = begun.date_naive().and_time(NaiveTime::MIN).and_utc();
    let mut at = midnight + Duration::seconds(i64::try_from(second % DAY).unwrap_or_default());
    while at < begun + MIN_INTERVAL {
        at += Duration::days(1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_check_keeps_its_time_of_day_and_its_distance() {
        let begun: DateTime<Utc> = "2026-03-04T23:10:00Z".parse().unwrap();
        let mut slots = Vec::new();
        for store_id in 1..=50 {
            let next = daily_after(store_id, begun);
            let apart = next - begun;
            assert!(
                apart >= MIN_INTERVAL && apart < MIN_INTERVAL + Duration::days(1),
                "{store_id}: {apart}"
            );
            assert_eq!(daily_after(store_id, next), next + Duration::days(1), "{store_id}");
            slots.push(next.time());
        }
        slots.sort();
        slots.dedup();
        assert!(slots.len() > 45, "spread over the day: {slots:?}");
    }
}
