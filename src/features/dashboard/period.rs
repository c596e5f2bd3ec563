use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Deserialize;
use vouch_core::calendar::Calendar;

use super::text;
use crate::kit::web::display_time::read_day;

/// The maximum length of a period in days. A longer chart would be unreadable.
const MAX_DAYS: u64 = 366;

/// The period in the URL. Unknown values are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PeriodQuery {
    period: String,
    from: String,
    to: String,
}

/// A range of days and the range before it to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportPeriod {
    /// The value in the URL; `custom` if the URL contains the dates.
    pub(crate) key: &'static str,
    pub(crate) from: NaiveDate,
    /// The last day, inclusive.
    pub(crate) to: NaiveDate,
    pub(crate) before_from: NaiveDate,
    /// Inclusive.
    pub(crate) before_to: NaiveDate,
}

impl ReportPeriod {
    /// The requested period as of `today`. The default is the last 30 days.
    pub(crate) fn read(query: &PeriodQuery, today: NaiveDate) -> Self {
        match (query.period.as_str(), read_day(&query.from), read_day(&query.to)) {
            ("7", ..) => Self::last("7", 7, today),
            ("30", ..) => Self::last("30", 30, today),
            ("90", ..) => Self::last("90", 90, today),
            ("month", ..) => Self::this_month(today),
            ("last-month", ..) => Self::last_month(today),
            (_, Some(from), Some(to)) => Self::custom(from.min(to), from.max(to)),
            (_, Some(from), None) => Self::custom(from.min(today), from.max(today)),
            _ => Self::last("30", 30, today),
        }
    }

    fn last(key: &'static str, days: u64, today: NaiveDate) -> Self {
        Self::before_it(key, back(today, days - 1), today)
    }

    fn custom(from: NaiveDate, to: NaiveDate) -> Self {
        Self::before_it("custom", from.max(back(to, MAX_DAYS - 1)), to)
    }

    /// A period with an equally long one right before it.
    fn before_it(key: &'static str, from: NaiveDate, to: NaiveDate) -> Self {
        let length = u64::try_from((to - from).num_days()).unwrap_or_default();
        let before_to = back(from, 1);
        Self { key, from, to, before_from: back(before_to, length), before_to }
    }

    /// The first of the month up to today, compared with the same days of the month before.
    fn this_month(today: NaiveDate) -> Self {
        let from = first_of(today);
        let before_from = first_of(back(from, 1));
        let before_to = today.checked_sub_months(Months::new(1)).unwrap_or(before_from);
        Self { key: "month", from, to: today, before_from, before_to }
    }

    fn last_month(today: NaiveDate) -> Self {
        let to = back(first_of(today), 1);
        let before_to = back(first_of(to), 1);
        let from = first_of(to);
        Self { key: "last-month", from, to, before_from: first_of(before_to), before_to }
    }

    pub(crate) fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to;
        self.from.iter_days().take_while(move |day| *day <= to)
    }

    pub(crate) fn text(&self, calendar: Calendar) -> String {
        text::period(&calendar.date(self.from), &calendar.date(self.to))
    }

    /// The previous period.
    pub(crate) fn previous(&self, calendar: Calendar) -> String {
        text::period(&calendar.date(self.before_from), &calendar.date(self.before_to))
    }
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

fn first_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(period: &str, from: &str, to: &str) -> [String; 4] {
        let query = PeriodQuery { period: period.into(), from: from.into(), to: to.into() };
        let today = NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        let period = ReportPeriod::read(&query, today);
        [period.from, period.to, period.before_from, period.before_to].map(|day| day.to_string())
    }

    #[test]
    fn a_period_has_one_before_it() {
        assert_eq!(read("7", "", ""), ["2026-03-25", "2026-03-31", "2026-03-18", "2026-03-24"]);
        assert_eq!(read("", "", ""), read("30", "", ""));
        assert_eq!(read("month", "", ""), ["2026-03-01", "2026-03-31", "2026-02-01", "2026-02-28"]);
        assert_eq!(
            read("last-month", "", ""),
            ["2026-02-01", "2026-02-28", "2026-01-01", "2026-01-31"]
        );
    }

    #[test]
    fn own_days_are_put_in_order_and_kept_within_a_year() {
        let expected = ["2026-03-02", "2026-03-05", "2026-02-26", "2026-03-01"];
        assert_eq!(read("custom", "2026-03-05", "2026-03-02"), expected);
        assert_eq!(read("custom", "soon", "2026-03-02"), read("30", "", ""));
        assert_eq!(read("", "1999-01-01", "2026-03-31")[0], "2025-03-31");
        assert_eq!(read("", "2026-03-31", "")[1], "2026-03-31");
    }
}
