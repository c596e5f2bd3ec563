//! Time: this machine's clock against the database's, and the rules of time zones in both.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::dsl::sql;
use diesel::sql_types::{Timestamp, Timestamptz};
use diesel::{PgConnection, RunQueryDsl};

use super::report::{CheckResult, asked, problem};
use super::text;
use crate::kit::clock;

/// Orders are dated by their store, sessions and leases by the database: seconds matter little,
/// minutes would.
const MAX_DIFFERENCE: TimeDelta = TimeDelta::seconds(5);

/// Zones whose rules have changed lately, in many ways: where two sets of rules differ, they
/// differ here.
const ZONES: [Tz; 6] = [
    Tz::America__New_York,
    Tz::America__Mexico_City,
    Tz::Europe__Berlin,
    Tz::Africa__Cairo,
    Tz::Asia__Almaty,
    Tz::Pacific__Auckland,
];

pub(super) fn agrees(conn: &mut PgConnection) -> CheckResult {
    let before = clock::now();
    let theirs: DateTime<Utc> =
        asked(diesel::select(sql::<Timestamptz>("clock_timestamp()")).get_result(conn))?;
    let after = clock::now();
    judge(before, theirs, after)
}

/// The database's time should be between two of ours, give or take.
fn judge(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> CheckResult {
    let difference = (before - theirs).max(theirs - after).max(TimeDelta::zero());
    if difference > MAX_DIFFERENCE {
        return Err(problem(text::clocks_differ(difference.num_seconds())));
    }
    Ok(text::CLOCK.to_owned())
}

pub(super) fn zones_agree(conn: &mut PgConnection) -> CheckResult {
    let now = clock::now();
    for zone in ZONES {
        let query = format!("timestamptz '{}' AT TIME ZONE '{zone}'", now.to_rfc3339());
        let theirs: Result<NaiveDateTime, _> =
            diesel::select(sql::<Timestamp>(&query)).get_result(conn);
        let ours = now.with_timezone(&zone).naive_local();
        if theirs.as_ref() != Ok(&ours) {
            return Err(problem(text::time_zones_differ(zone)));
        }
    }
    Ok(text::TIME_ZONES.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_difference() {
        let begun: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let ended = begun + TimeDelta::seconds(60);
        assert!(judge(begun, begun + TimeDelta::seconds(30), ended).is_ok());
        assert!(judge(begun, begun - TimeDelta::seconds(4), ended).is_ok());
        assert!(judge(begun, ended + TimeDelta::seconds(6), ended).is_err());
        assert!(judge(begun, begun - TimeDelta::seconds(90), ended).is_err());
    }
}
