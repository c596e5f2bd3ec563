//! Computes the periods of a fact after a change. It's pure, so that tests can set the clock.

use chrono::{DateTime, SubsecRound as _, Utc};

/// A value of a fact, and when it was active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period<V> {
    /// The start (inclusive), a whole second.
    pub(crate) from: DateTime<Utc>,
    /// The end (exclusive); none while the period lasts.
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) value: V,
}

/// The start of the second. Stores report in whole seconds when an order was placed (Shopify and
/// WooCommerce in ISO 8601, BigCommerce in RFC 2822). So a change applies to its whole second;
/// otherwise an order placed right after it would seem earlier.
pub fn second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0)
}

/// The active value at a moment. `periods` must be sorted by time.
pub(crate) fn at<V>(periods: &[Period<V>], moment: DateTime<Utc>) -> Option<&V> {
    let begun = periods.iter().rfind(|period| period.from <= moment)?;
    begun.until.is_none_or(|until| moment < until).then_some(&begun.value)
}

/// Like [`at`], for a fact that always has a value: before the first period it's the first value.
pub(crate) fn at_or_first<V>(periods: &[Period<V>], moment: DateTime<Utc>) -> Option<&V> {
    let begun = periods.iter().rfind(|period| period.from <= moment);
    begun.or(periods.first()).map(|period| &period.value)
}

/// The periods after a change at `now`; `None` ends the active period.
///
/// If the clock went back, the change applies at the latest known time. The later of two changes in
/// one second replaces the earlier one.
pub(super) fn changed<V: Clone + PartialEq>(
    periods: &[Period<V>],
    value: Option<V>,
    now: DateTime<Utc>,
) -> Vec<Period<V>> {
    if current(periods) == value.as_ref() {
        return periods.to_vec();
    }
    let latest = periods.last().map(|last| last.until.unwrap_or(last.from));
    held_from(periods, value, latest.map_or(now, |latest| latest.max(now)))
}

/// The periods if `value` is active from `from` on. Everything after `from` is replaced.
pub(super) fn held_from<V: Clone + PartialEq>(
    periods: &[Period<V>],
    value: Option<V>,
    from: DateTime<Utc>,
) -> Vec<Period<V>> {
    let from = second(from);
    let mut kept: Vec<Period<V>> =
        periods.iter().filter(|period| period.from < from).cloned().collect();
    if let Some(last) = kept.last_mut() {
        let goes_on = last.until.is_none_or(|until| until > from);
        if goes_on {
            last.until = Some(from);
        }
    }
    let Some(value) = value else { return kept };
    match kept.last_mut() {
        Some(last) if last.until == Some(from) && last.value == value => last.until = None,
        _ => kept.push(Period { from, until: None, value }),
    }
    kept
}

/// The value of the period that has no end.
pub(super) fn current<V>(periods: &[Period<V>]) -> Option<&V> {
    periods.last().filter(|last| last.until.is_none()).map(|last| &last.value)
}

/// One statement to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write<V> {
    Delete { from: DateTime<Utc> },
    End { from: DateTime<Utc>, until: Option<DateTime<Utc>> },
    Begin(Period<V>),
}

/// The statements that turn `before` into `after`, in an order in which periods never overlap.
pub(super) fn writes<V: Clone + PartialEq>(
    before: &[Period<V>],
    after: &[Period<V>],
) -> Vec<Write<V>> {
    let same = |all: &[Period<V>], one: &Period<V>| {
        all.iter().find(|other| other.from == one.from && other.value == one.value).cloned()
    };
    let gone = before.iter().filter(|old| same(after, old).is_none());
    let mut writes: Vec<Write<V>> = gone.map(|old| Write::Delete { from: old.from }).collect();
    let mut longer = Vec::new();
    for new in after {
        let Some(old) = same(before, new) else {
            longer.push(Write::Begin(new.clone()));
            continue;
        };
        let end = Write::End { from: new.from, until: new.until };
        match (old.until, new.until) {
            (old, new) if old == new => {}
            (Some(old), Some(new)) if old < new => longer.push(end),
            (Some(_), None) => longer.push(end),
            _ => writes.push(end),
        }
    }
    writes.append(&mut longer);
    writes
}

#[cfg(test)]
mod tests;
