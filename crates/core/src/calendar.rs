//! Moments and dates as a merchant's pages show them.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::text_enum;

text_enum! {
    /// A merchant's date format.
    #[derive(Default)]
    pub enum DateFormat {
        /// As in the United States.
        #[default]
        MonthFirst = "month_first", "Mar 3, 2026, 2:05 PM";
        /// As in most of Europe.
        DayFirst = "day_first", "3 Mar 2026, 14:05";
        /// ISO 8601.
        YearFirst = "year_first", "2026-03-03 14:05";
    }
}

/// A merchant's time zone and date format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    pub format: DateFormat,
}

impl Calendar {
    /// UTC in the default format, for pages about several programs and people's own pages.
    pub const UTC: Self = Self { zone: Tz::UTC, format: DateFormat::MonthFirst };

    /// A moment in the zone: `Mar 3, 2026, 2:05 PM`.
    pub fn moment(self, at: DateTime<Utc>) -> String {
        let format = match self.format {
            DateFormat::MonthFirst => "%b %-d, %Y, %-I:%M %p",
            DateFormat::DayFirst => "%-d %b %Y, %H:%M",
            DateFormat::YearFirst => "%Y-%m-%d %H:%M",
        };
        at.with_timezone(&self.zone).format(format).to_string()
    }

    /// A moment's time of day in the zone: `2:05 PM`.
    pub fn time(self, at: DateTime<Utc>) -> String {
        let format = match self.format {
            DateFormat::MonthFirst => "%-I:%M %p",
            DateFormat::DayFirst | DateFormat::YearFirst => "%H:%M",
        };
        at.with_timezone(&self.zone).format(format).to_string()
    }

    /// A date: `Mar 3, 2026`.
    pub fn date(self, date: NaiveDate) -> String {
        let format = match self.format {
            DateFormat::MonthFirst => "%b %-d, %Y",
            DateFormat::DayFirst => "%-d %b %Y",
            DateFormat::YearFirst => "%Y-%m-%d",
        };
        date.format(format).to_string()
    }

    /// A date without its year, for charts: `Mar 3`.
    pub fn short_date(self, date: NaiveDate) -> String {
        let format = match self.format {
            DateFormat::MonthFirst => "%b %-d",
            DateFormat::DayFirst => "%-d %b",
            DateFormat::YearFirst => "%m-%d",
        };
        date.format(format).to_string()
    }

    /// The date of `at` in the zone.
    pub fn date_of(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_shows_its_own_format() {
        let at = "2026-03-03T14:05:59Z".parse().unwrap();
        for format in DateFormat::ALL {
            let calendar = Calendar { zone: Tz::UTC, format: *format };
            assert_eq!(calendar.moment(at), format.label());
            assert!(calendar.moment(at).contains(&calendar.date(calendar.date_of(at))));
            assert!(calendar.moment(at).ends_with(&calendar.time(at)));
        }
    }

    #[test]
    fn a_moment_is_shown_in_the_zone() {
        let at = "2026-03-03T23:30:15Z".parse().unwrap();
        let calendar = Calendar { zone: Tz::Europe__Berlin, ..Calendar::UTC };
        assert_eq!(calendar.moment(at), "Mar 4, 2026, 12:30 AM");
        assert_eq!(calendar.short_date(calendar.date_of(at)), "Mar 4");
    }
}
