//! The totals of a period next to those of the previous one.

use vouch_core::money::Currency;
use vouch_core::number::MINUS;

use crate::features::rollups::{DayRollups, Rollups, amounts};
use crate::kit::urls;
use crate::kit::web::numbers::thousands;

use super::period::ReportPeriod;
use super::text;

/// One number on the dashboard.
pub(crate) struct Number {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// The URL of the list that adds up to exactly this number.
    pub(crate) href: String,
    /// Such as `+12%`, or empty.
    pub(crate) change: String,
    /// Whether the change is an improvement.
    pub(crate) better: bool,
    pub(crate) note: String,
}

/// The totals of a period.
#[derive(Default)]
struct Sums {
    orders: i64,
    conversions: i64,
    /// One per currency.
    rollups: Vec<Rollups>,
}

impl Sums {
    fn of<'a>(days: impl Iterator<Item = &'a DayRollups>) -> Self {
        let mut sums = Self::default();
        for day in days {
            let rollups = &day.rollups;
            sums.orders += day.orders;
            sums.conversions += rollups.conversions;
            match sums.rollups.iter_mut().find(|sum| sum.currency == rollups.currency) {
                Some(sum) => {
                    sum.revenue_minor += rollups.revenue_minor;
                    sum.refunded_minor += rollups.refunded_minor;
                    sum.commission_minor += rollups.commission_minor;
                }
                None => sums.rollups.push(*rollups),
            }
        }
        sums
    }

    fn own(&self, own: Currency, of: fn(&Rollups) -> i64) -> i64 {
        self.rollups.iter().filter(|sum| sum.currency == own).map(of).sum()
    }
}

/// The numbers of `period`, from its days and those of the previous period.
pub(crate) fn numbers(days: &[DayRollups], period: &ReportPeriod, own: Currency) -> Vec<Number> {
    let within = |from, to| days.iter().filter(move |day| (from..=to).contains(&day.day));
    let now = Sums::of(within(period.from, period.to));
    let before = Sums::of(within(period.before_from, period.before_to));
    let orders = urls::real_orders(period.from, period.to);
    let credited = urls::credited_conversions(period.from, period.to);
    let count = |label, value, before, href: &str| Number {
        label,
        value: thousands(value),
        href: href.to_owned(),
        change: change(value, before),
        better: value >= before,
        note: text::comparison(&[], &[thousands(before)]),
    };
    let money = |label, of: fn(&Rollups) -> i64, more_is_better: bool| {
        let (mut shown, previous) =
            (amounts(&now.rollups, own, of), amounts(&before.rollups, own, of));
        let (value, before) = (now.own(own, of), before.own(own, of));
        let first = shown.remove(0);
        Number {
            label,
            value: first,
            href: credited.clone(),
            change: change(value, before),
            better: (value >= before) == more_is_better,
            note: text::comparison(&shown, &previous),
        }
    };
    vec![
        count(text::ORDERS, now.orders, before.orders, &orders),
        count(text::CONVERSIONS, now.conversions, before.conversions, &credited),
        money(text::REVENUE, |sum| sum.revenue_minor, true),
        money(text::COMMISSION, |sum| sum.commission_minor, true),
        money(text::REFUNDS, |sum| sum.refunded_minor, false),
    ]
}

/// The change in percent; empty if there's nothing to compare or no change.
fn change(now: i64, before: i64) -> String {
    if before <= 0 || now == before {
        return String::new();
    }
    let percent = (i128::from(now) - i128::from(before)) * 1000 / i128::from(before);
    let percent = (percent + percent.signum() * 5) / 10;
    match percent {
        0 => String::new(),
        percent if percent < 0 => format!("{MINUS}{}%", percent.unsigned_abs()),
        percent => format!("+{percent}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_in_whole_percent_of_what_was_before() {
        assert_eq!(change(112, 100), "+12%");
        assert_eq!(change(1, 3), "\u{2212}67%");
        assert_eq!(change(5, 0), "");
        assert_eq!(change(5, 5), "");
        assert_eq!(change(10_001, 10_000), "");
    }
}
