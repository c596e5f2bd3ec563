//! The only place that reads the clock. Other code gets the time passed in (`Actor::now`), so that
//! tests and replays can choose it.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

/// The current time in microseconds, the precision of PostgreSQL, so that a value survives a round
/// trip.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// The current time, but always later than any earlier result. So deliveries keep their order even
/// within a microsecond, or if the clock was set back.
pub(crate) fn arrival() -> DateTime<Utc> {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let now = now().timestamp_micros();
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    // If another thread already took this microsecond, this takes the next free one.
    let at = if last < now { now } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 };
    DateTime::from_timestamp_micros(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_in_order_and_never_at_once() {
        let all = std::thread::scope(|scope| {
            let several: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..5_000).map(|_| arrival()).collect::<Vec<_>>()))
                .collect();
            let several = several.into_iter().map(|one| one.join().unwrap());
            several.inspect(|one| assert!(one.is_sorted())).flatten().collect::<Vec<_>>()
        });
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
