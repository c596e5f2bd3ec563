//! The wall clock. Everything below the edge is told the time (`Actor::now`), so that tests and
//! replays decide what time it is.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

/// Now, to the microsecond: what PostgreSQL keeps, so that a value survives a round trip.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Now, and later than any earlier answer: what arrives second is later, also within a microsecond
/// or where the clock was set back.
pub fn arrival() -> DateTime<Utc> {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let now = now().timestamp_micros();
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    // Nobody else had this microsecond: otherwise the next that nobody has.
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
