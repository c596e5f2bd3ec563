//! The log as a merchant reads it, newest first.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use crate::kit::audit::ActorKind;
use crate::kit::db::listing::{beyond, count_of};
use crate::kit::db::schema::audit_log;
use crate::kit::db::text_enum;
use crate::kit::web::display_time::start_of_day;
use crate::kit::web::paginate::{COUNT_LIMIT, Count, Cursor, Listing, PAGE_SIZE};

text_enum! {
    /// What an act was about.
    pub enum SubjectKind {
        /// Somebody who promotes the merchant.
        Affiliate = "affiliate", "Affiliates";
        /// What ties orders to them.
        Trigger = "trigger", "Conversion Triggers";
        /// Their credits.
        Conversion = "conversion", "Conversions";
        /// What they are credited for.
        Order = "order", "Orders";
        /// What they earn.
        Offer = "offer", "Offers";
        /// Codes they may not claim.
        Exclusion = "exclusion", "Coupon Exclusions";
        /// Connections to stores.
        Store = "store", "Stores";
        /// What stores sent.
        Delivery = "delivery", "Messages";
        /// People of the program.
        Member = "member", "Members";
        /// Keys of programs.
        ApiKey = "api_key", "API keys";
        /// Files of the program's data.
        Export = "export", "Exports";
        /// Exports and erasures of one person's data.
        Person = "person", "Privacy";
        /// The program itself.
        Merchant = "merchant", "Settings";
    }
}

/// One act with all that was recorded of it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub struct Line {
    /// Its key within the merchant.
    pub id: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What kind of hand it was.
    pub actor_kind: ActorKind,
    /// Who it was.
    pub actor_name: String,
    /// As noun.verb.
    pub action: String,
    /// The act in one sentence.
    pub summary: String,
    /// The network address it came from, unless support staff did it.
    pub came_from: Option<String>,
    /// The changed fields as they were.
    pub before: Option<serde_json::Value>,
    /// The changed fields as they became.
    pub after: Option<serde_json::Value>,
}

/// Which acts are shown.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only about these.
    pub subject: Option<SubjectKind>,
    /// Only by these hands.
    pub actor: Option<ActorKind>,
    /// Only from this day on.
    pub from: Option<NaiveDate>,
    /// Only until this day, itself included.
    pub until: Option<NaiveDate>,
}

/// Where a row stands.
pub type Place = (DateTime<Utc>, i64);

type Boxed = IntoBoxed<'static, audit_log::table, Pg>;

/// An act that was recorded once, and is about support's staff alone.
const SUPPORT_REMOVED: &str = "member.support_removed";

fn matching(merchant_id: i64, filter: &LogFilter, tz: Tz) -> Boxed {
    let mut query = audit_log::table
        .into_boxed::<Pg>()
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::action.ne(SUPPORT_REMOVED));
    if let Some(subject) = filter.subject {
        query = query.filter(audit_log::subject_kind.eq(subject.as_str()));
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

fn fetch(
    conn: &mut PgConnection,
    mut query: Boxed,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<Vec<Line>> {
    let backward = cursor.is_backward();
    if let Cursor::After((at, id)) | Cursor::Before((at, id)) = cursor {
        let columns = "audit_log.at, audit_log.id";
        query = query.filter(beyond::<Timestamptz, _>(columns, !backward, *at, *id));
    }
    let query = if backward {
        query.order((audit_log::at, audit_log::id))
    } else {
        query.order((audit_log::at.desc(), audit_log::id.desc()))
    };
    let mut lines: Vec<Line> = query.select(Line::as_select()).limit(limit as i64).load(conn)?;
    for line in lines.iter_mut().filter(|line| line.actor_kind == ActorKind::Support) {
        line.came_from = None;
    }
    Ok(lines)
}

/// One page of the log, and how many acts match.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
    cursor: &Cursor<Place>,
) -> QueryResult<(Listing<Line>, Count)> {
    let all = matching(merchant_id, filter, tz).select(audit_log::id).limit(COUNT_LIMIT + 1);
    let count = Count::new(count_of(all).get_result(conn)?, COUNT_LIMIT);
    let lines = fetch(conn, matching(merchant_id, filter, tz), cursor, PAGE_SIZE + 1)?;
    Ok((Listing::new(lines, cursor, |line: &Line| (line.at, line.id)), count))
}

/// Up to `limit` acts from the cursor on, and the place of the next ones: for downloads.
pub fn piece(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<(Vec<Line>, Option<Cursor<Place>>)> {
    let lines = fetch(conn, matching(merchant_id, filter, tz), cursor, limit)?;
    let next = lines.last().filter(|_| lines.len() == limit);
    let next = next.map(|line| Cursor::After((line.at, line.id)));
    Ok((lines, next))
}
