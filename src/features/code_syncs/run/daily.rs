//! When a store is compared by itself.

use chrono::{DateTime, Duration, NaiveTime, Utc};

use crate::features::code_syncs::model::CodeSync;
use crate::features::store_workers::{StoreRun, StoreRunError};

/// The daily check comes at the store's own time of day, at least so long after the one before.
const MIN_INTERVAL: Duration = Duration::hours(12);

/// When the store's next daily check is due; `None`: it had none yet.
pub(super) fn next_daily(run: &StoreRun<'_, '_>) -> Result<Option<DateTime<Utc>>, StoreRunError> {
    let store = &run.store;
    let shown = run.read(|conn| CodeSync::shown(conn, store))?;
    let begun = shown.and_then(|shown| shown.started_at);
    Ok(begun.map(|begun| daily_after(store.id, begun)))
}

/// The first time of day that is the store's own, well after `begun`: the stores of an installation
/// are spread over the day.
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
