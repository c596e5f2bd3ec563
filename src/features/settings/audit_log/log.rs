//! The log as a merchant reads it, newest first.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::kit::audit::ActorKind;
use crate::kit::db::schema::audit_log;
use crate::kit::db::text_enum;
use crate::kit::lists::{Address, Count, Kind, Listing, Order, Range};
use crate::kit::web::display_time::start_of_day;

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

impl LogFilter {
    pub(super) fn read(address: &mut Address) -> Self {
        Self {
            subject: address.choice("about", "About"),
            actor: address.choice("by", "By"),
            from: address.day("from", "From"),
            until: address.day("until", "Until"),
        }
    }
}

/// The newest first.
pub(super) const NEWEST: Order = Order::descending(&[("at", Kind::Time), ("id", Kind::Number)]);

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

/// Some of the acts.
pub(super) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
    range: &Range,
) -> QueryResult<Listing<Line>> {
    let query = matching(merchant_id, filter, tz).select(Line::as_select());
    let mut lines: Vec<Line> = range.walk(query).load(conn)?;
    for line in lines.iter_mut().filter(|line| line.actor_kind == ActorKind::Support) {
        line.came_from = None;
    }
    Ok(range.listing(lines, |line| (line.at, line.id)))
}

/// How many acts match.
pub(super) fn count(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &LogFilter,
    tz: Tz,
) -> QueryResult<Count> {
    Count::of(conn, matching(merchant_id, filter, tz).select(audit_log::id))
}
