//! The audit log of a merchant, newest first.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::features::audit::StoredEvent;
use crate::kit::audit::{ActorKind, SubjectKind};
use crate::kit::db::schema::audit_log;
use crate::kit::lists::{ColumnType, Count, ListUrl, Listing, Range, SortOrder};
use crate::kit::web::display_time::start_of_day;

/// An event with its recorded details.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub(crate) struct AuditLine {
    pub(crate) id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor_kind: ActorKind,
    pub(crate) actor_name: String,
    #[diesel(embed)]
    pub(crate) event: StoredEvent,
    /// The IP address of the request. Requests from support staff have `None`, to hide theirs.
    pub(crate) came_from: Option<String>,
    /// The old values of the changed fields.
    pub(crate) before: Option<serde_json::Value>,
    /// The new values of the changed fields.
    pub(crate) after: Option<serde_json::Value>,
}

impl AuditLine {
    /// The kind of the actor and the IP address. Vouch itself has neither.
    pub(crate) fn source(&self) -> String {
        let kind = self.actor_kind.label();
        match &self.came_from {
            Some(address) => format!("{kind} · {address}"),
            None if self.actor_name == kind => String::new(),
            None => kind.to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LogFilter {
    pub(crate) subject: Option<SubjectKind>,
    pub(crate) actor: Option<ActorKind>,
    /// The first day, in the merchant's time zone.
    pub(crate) from: Option<NaiveDate>,
    /// The last day, in the merchant's time zone.
    pub(crate) until: Option<NaiveDate>,
}

impl LogFilter {
    pub(super) fn read(address: &mut ListUrl) -> Self {
        Self {
            subject: address.choice("about", "Event"),
            actor: address.choice("by", "User type"),
            from: address.day("from", "From"),
            until: address.day("until", "To"),
        }
    }
}

pub(super) const NEWEST: SortOrder =
    SortOrder::descending(&[("at", ColumnType::Time), ("id", ColumnType::Number)]);

type Boxed = IntoBoxed<'static, audit_log::table, Pg>;

/// Only earlier versions recorded this event. It's about support staff, so merchants don't see it.
const SUPPORT_REMOVED: &str = "member.support_removed";

fn matching(merchant_id: i64, filter: &LogFilter, tz: Tz) -> Boxed {
    let mut query = audit_log::table
        .into_boxed::<Pg>()
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::action.ne(SUPPORT_REMOVED));
    if let Some(subject) = filter.subject {
        query = query.filter(audit_log::subject_kind.eq(subject));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(audit_log::actor_kind.eq(actor));
    }
    if let Some(start) = filter.from.and_then(|day| start_of_day(tz, day)) {
        query = query.filter(audit_log::at.ge(start));
    }
    let day_after = filter.until.and_then(|day| day.succ_opt());
    match day_after.and_then(|day| start_of_day(tz, day)) {
        Some(end) => query.filter(audit_log::at.lt(end)),
        None => query,
    }
}

pub(super) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
    range: &Range,
) -> QueryResult<Listing<AuditLine>> {
    let query = matching(merchant_id, filter, tz).select(AuditLine::as_select());
    let mut lines: Vec<AuditLine> = range.walk(query).load(conn)?;
    for line in lines.iter_mut().filter(|line| line.actor_kind == ActorKind::Support) {
        line.came_from = None;
    }
    Ok(range.listing(lines, |line| (line.at, line.id)))
}

pub(super) fn count(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
) -> QueryResult<Count> {
    Count::of(conn, matching(merchant_id, filter, tz).select(audit_log::id))
}
