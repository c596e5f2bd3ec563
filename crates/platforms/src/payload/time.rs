use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::scalar::{Scalar, maybe};

/// A time in any format that stores and their extensions send, cut to microseconds as in
/// PostgreSQL. Without an offset it's UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub DateTime<Utc>);

const WITH_OFFSET: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%dT%H:%M%#z",
];
const WITHOUT_OFFSET: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
/// Unix times from this number on are milliseconds. Seconds reach it in the year 5138.
const MILLISECONDS: u64 = 100_000_000_000;

impl Scalar for Time {
    fn of(text: &str) -> Result<Self, &'static str> {
        parse(text)
            .map(|time| Self(time.trunc_subsecs(6)))
            .ok_or("a time must look like 2026-03-01T14:05:00-05:00")
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        maybe(deserializer)?.ok_or_else(|| D::Error::custom("the time is missing"))
    }
}

fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let (9.., Ok(unix)) = (text.len(), text.parse::<i64>()) {
        return if unix.unsigned_abs() >= MILLISECONDS {
            DateTime::from_timestamp_millis(unix)
        } else {
            DateTime::from_timestamp(unix, 0)
        };
    }
    if let Ok(time) =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text))
    {
        return Some(time.to_utc());
    }
    let utc = ["Z", "z", "UTC", "GMT"].iter().find_map(|zone| text.strip_suffix(zone));
    let text = utc.unwrap_or(text).trim_end();
    if let Some(time) =
        WITH_OFFSET.iter().find_map(|form| DateTime::parse_from_str(text, form).ok())
    {
        return Some(time.to_utc());
    }
    let naive =
        WITHOUT_OFFSET.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
    naive.or_else(day).map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_many_forms_are_one_time() {
        for text in [
            "2026-03-01T14:05:00Z",
            "2026-03-01T14:05:00+00:00",
            "2026-03-01T09:05:00-05:00",
            "2026-03-01T15:05:00+0100",
            "2026-03-01T15:05:00+01",
            "2026-03-01 15:05:00+01:00",
            "2026-03-01 15:05:00 +0100",
            "2026-03-01T14:05:00",
            "2026-03-01T14:05:00.000",
            "2026-03-01 14:05:00.000000",
            "2026-03-01 14:05",
            "2026-03-01 14:05:00 UTC",
            "Sun, 01 Mar 2026 14:05:00 +0000",
            "Sun, 01 Mar 2026 14:05:00 GMT",
            "1772373900",
            "1772373900000",
        ] {
            assert_eq!(Time::of(text).map(|time| time.0.timestamp()), Ok(1_772_373_900), "{text}");
        }
        assert_eq!(Time::of("2026-03-01").map(|time| time.0.timestamp()), Ok(1_772_323_200));
        for text in [
            "-9223372036854775808",
            "yesterday",
            "0000-00-00 00:00:00",
            "2026-13-01",
            "01/03/2026",
            "-",
        ] {
            assert!(Time::of(text).is_err(), "{text}");
        }
    }
}
