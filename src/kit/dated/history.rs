//! Which periods a fact has after a change: pure, so that clocks can be tested.

use chrono::{DateTime, SubsecRound as _, Utc};

/// One value of a fact, and when it was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period<V> {
    /// Its first moment, a whole second.
    pub from: DateTime<Utc>,
    /// Its end, itself excluded; none while it lasts.
    pub until: Option<DateTime<Utc>>,
    /// The value.
    pub value: V,
}

/// The beginning of the second. Stores say in whole seconds when an order was placed (Shopify and
/// WooCommerce in ISO 8601, BigCommerce in RFC 2822): a change counts for all of its second, or an
/// order placed just after it would be taken for an earlier one.
pub fn second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0)
}

/// The value in force at a moment; `periods` are in the order of time.
pub fn at<V>(periods: &[Period<V>], moment: DateTime<Utc>) -> Option<&V> {
    let begun = periods.iter().rfind(|period| period.from <= moment)?;
    begun.until.is_none_or(|until| moment < until).then_some(&begun.value)
}

/// [`at`] for a fact that always has a value: before its first period, that of the first.
pub fn at_or_first<V>(periods: &[Period<V>], moment: DateTime<Utc>) -> Option<&V> {
    let begun = periods.iter().rfind(|period| period.from <= moment);
    begun.or(periods.first()).map(|period| &period.value)
}

/// The periods after a change that is made `now`; `None` ends what is in force.
///
/// Never before what was written last, should a clock have gone back. Of two changes in one second
/// the later one replaces the earlier.
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

/// The periods when `value` is in force from `from` on, whatever was from then on before.
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

/// The value of the period that goes on.
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

/// What turns `before` into `after`, in an order in which no two periods ever overlap.
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
