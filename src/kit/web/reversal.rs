//! The URL of an undo button, which names the records that were changed together.

use chrono::{DateTime, Utc};

use super::display_time::from_micros;

/// The moment of the change, in microseconds since 1970, and the IDs, separated by commas. `None` if
/// no change of at most `max` records can have that URL.
pub(crate) fn parse(at: i64, ids: &str, max: usize) -> Option<(DateTime<Utc>, Vec<i64>)> {
    let ids: Vec<i64> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
    (1..=max).contains(&ids.len()).then_some((from_micros(at)?, ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_change_can_be_undone() {
        assert_eq!(parse(1, "3,4", 2).map(|(_, ids)| ids), Some(vec![3, 4]));
        for (at, ids) in [(1, ""), (1, "x"), (1, "1,2,3"), (i64::MAX, "1"), (i64::MIN / 2, "1")] {
            assert_eq!(parse(at, ids, 2), None, "{at} {ids}");
        }
    }
}
