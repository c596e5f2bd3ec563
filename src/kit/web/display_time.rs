//! Times and dates in the merchant's time zone, formatted for people.

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use vouch_core::calendar::Calendar;

/// A moment for a page, for machines and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DisplayTime {
    /// RFC 3339, for the `datetime` attribute.
    pub(crate) iso: String,
    /// `Mar 3, 2026, 2:05 PM`, in the zone and format of the page.
    pub(crate) text: String,
}

impl DisplayTime {
    /// The moment as a merchant's pages show it.
    pub(crate) fn new(at: DateTime<Utc>, calendar: Calendar) -> Self {
        Self { iso: at.to_rfc3339_opts(SecondsFormat::Secs, true), text: calendar.moment(at) }
    }

    /// The moment in UTC, for pages about several programs, and people's own pages.
    pub(crate) fn utc(at: &DateTime<Utc>) -> Self {
        Self::new(*at, Calendar::UTC)
    }

    /// The moment, of which people see only the date.
    pub(crate) fn day(at: DateTime<Utc>, calendar: Calendar) -> Self {
        Self { text: calendar.date(calendar.date_of(at)), ..Self::new(at, calendar) }
    }
}

/// The date of `at` in `zone`.
pub(crate) fn day_of(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// Parses a date in a URL (`YYYY-MM-DD`) with a plausible year.
pub(crate) fn read_day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    (1970..=9000).contains(&day.year()).then_some(day)
}

/// Whether PostgreSQL can store a moment and its year is plausible. chrono's range starts at the
/// year −262143.
pub(crate) fn is_storable(at: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&at.year())
}

/// Parses a moment in a URL, in microseconds since 1970.
pub(crate) fn from_micros(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).filter(is_storable)
}

/// The first moment of a date in a time zone. If a clock change skips midnight, it's later than
/// 0:00.
pub(crate) fn start_of_day(tz: Tz, day: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    if let Some(start) = tz.from_local_datetime(&midnight).earliest() {
        return Some(start.with_timezone(&Utc));
    }
    let day_before = day.checked_sub_days(Days::new(1))?.and_time(NaiveTime::MIN);
    let mut at = tz.from_local_datetime(&day_before).earliest()?.with_timezone(&Utc);
    while day_of(at, tz) < day {
        at = at.checked_add_signed(TimeDelta::minutes(15))?;
    }
    Some(at)
}

/// A moment before the start of `day` in every time zone, as a bound for searches by date on an
/// index of moments.
pub(crate) fn before_day(day: NaiveDate) -> DateTime<Utc> {
    // Local clocks are at most 14 hours ahead of UTC.
    day.checked_sub_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

/// A moment after the end of `day` in every time zone.
pub(crate) fn after_day(day: NaiveDate) -> DateTime<Utc> {
    // Local clocks are at most 12 hours behind UTC.
    day.checked_add_days(Days::new(2)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_for_machines_as_well() {
        let at = "2026-03-03T23:30:15Z".parse().unwrap();
        let calendar = Calendar { zone: chrono_tz::Europe::Berlin, ..Calendar::UTC };
        let when = DisplayTime::new(at, calendar);
        assert_eq!(when.iso, "2026-03-03T23:30:15Z");
        assert_eq!(when.text, calendar.moment(at));
        let on = DisplayTime { text: "Mar 4, 2026".to_owned(), ..when };
        assert_eq!(DisplayTime::day(at, calendar), on);
    }

    #[test]
    fn the_bounds_hold_a_day_in_every_zone() {
        let the_day = read_day("2026-03-04").unwrap();
        for zone in chrono_tz::TZ_VARIANTS {
            for at in ["2026-03-03T09:59:59Z", "2026-03-04T12:00:00Z", "2026-03-05T12:00:01Z"] {
                let at: DateTime<Utc> = at.parse().unwrap();
                if day_of(at, zone) == the_day {
                    assert!(before_day(the_day) <= at && at < after_day(the_day), "{zone}");
                }
            }
        }
    }

    #[test]
    fn only_whole_days_are_read() {
        assert_eq!(read_day("2026-02-30"), None);
        assert_eq!(read_day("0001-01-01"), None);
        assert_eq!(read_day(" 2026-02-28 "), NaiveDate::from_ymd_opt(2026, 2, 28));
    }
}
