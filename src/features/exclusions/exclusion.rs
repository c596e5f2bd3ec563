use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use super::look_alike::Shape;
use crate::features::audit::{Act, AuditEvent};
use crate::features::availability::ExclusionScope;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::exclusions;
use crate::kit::web::display_time::start_of_day;

/// A code or pattern that affiliates may not claim.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = exclusions)]
pub struct Exclusion {
    pub id: i64,
    /// As typed.
    pub value: String,
    /// The normalized value for comparisons.
    pub key: String,
    /// The kind of pattern.
    pub shape: Shape,
    /// The merchant's description.
    pub note: String,
    /// Whether it applies to claims only, or to orders as well.
    pub scope: ExclusionScope,
    /// The first day; `None` if it has always been active.
    pub starts_on: Option<NaiveDate>,
    /// The last day, included; `None` if it has no end.
    pub ends_on: Option<NaiveDate>,
    /// The start of the first day.
    pub starts_at: Option<DateTime<Utc>>,
    /// The end of the last day, exclusive.
    pub ends_at: Option<DateTime<Utc>>,
    pub added_at: DateTime<Utc>,
    pub added_by: String,
    pub removed_at: Option<DateTime<Utc>>,
}

impl Exclusion {
    /// The merchant's exclusion with that ID, unless it was removed.
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        exclusions::table
            .find((merchant_id, id))
            .filter(exclusions::removed_at.is_null())
            .select(Self::as_select())
            .first(conn)
    }

    pub(super) fn lock(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        exclusions::table
            .find((merchant_id, id))
            .select(Self::as_select())
            .for_no_key_update()
            .first(conn)
    }

    /// The fields shown in the audit log.
    pub(super) fn record(&self) -> serde_json::Value {
        json!({
            "value": self.value, "note": self.note, "scope": self.scope,
            "starts_on": self.starts_on, "ends_on": self.ends_on,
        })
    }

    pub(super) fn act(&self, event: AuditEvent) -> Act {
        Act::new(event, SubjectKind::Exclusion, Some(self.id))
    }
}

/// The days on which an exclusion is active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// `None` if it has always been active.
    pub starts_on: Option<NaiveDate>,
    /// The last day is included; `None` if there's no end.
    pub ends_on: Option<NaiveDate>,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: Option<DateTime<Utc>>,
}

impl Dates {
    /// The days are in the time zone `tz`.
    pub fn new(starts_on: Option<NaiveDate>, ends_on: Option<NaiveDate>, tz: Tz) -> Self {
        let day_after = |day: NaiveDate| day.checked_add_days(Days::new(1));
        let starts_at = starts_on.and_then(|day| start_of_day(tz, day));
        let ends_at = ends_on.and_then(day_after).and_then(|day| start_of_day(tz, day));
        // Days that don't exist never get here. If one did, it wouldn't limit the exclusion.
        Self {
            starts_on: starts_on.filter(|_| starts_at.is_some()),
            ends_on: ends_on.filter(|_| ends_at.is_some()),
            starts_at,
            ends_at,
        }
    }
}
