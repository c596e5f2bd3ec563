//! Lists of triggers, of one affiliate or the program, for pages and CSV files.

use std::collections::HashMap;

use diesel::dsl::{AsSelect, IntoBoxed, SqlTypeOf, exists};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use unicode_normalization::UnicodeNormalization;
use vouch_core::code::key_of_reported_code;
use vouch_core::email::EmailKey;
use vouch_core::trigger::TriggerKind;

use super::model::Trigger;
use crate::features::affiliates::AffiliateStatus;
use crate::features::exclusions::{Pattern, Shape};
use crate::features::pushes::{self, PushLine, PushStatus};
use crate::features::rollups::{self, Rollups};
use crate::kit::db::schema::{affiliates, triggers};
use crate::kit::db::text_enum;
use crate::kit::lists::{
    ColumnType, Count, ListUrl, Listing, Range, Sort, SortKey, SortOrder, begins_with, by_parts,
    contains, glob, replanned, searched,
};

text_enum! {
    /// Whether new orders are credited.
    pub(crate) enum TriggerState {
        /// They are.
        Active = "active", "Active";
        /// They aren't. The key stays in use.
        Retired = "retired", "Retired";
    }
}

text_enum! {
    /// The order of a list of triggers.
    #[derive(Default)]
    pub(crate) enum TriggerSort {
        /// Newest first.
        #[default]
        Newest = "newest", "Newest";
        /// Oldest first.
        Oldest = "oldest", "Oldest";
        /// By key, ascending.
        Value = "value", "Value";
        /// By key, descending.
        ValueBackwards = "value-backwards", "Value, Z to A";
    }
}

impl TriggerSort {
    /// The sorts by key. The first click on the column header selects the first one.
    pub(crate) const BY_VALUE: [Self; 2] = [Self::Value, Self::ValueBackwards];
    /// The sorts by age. The first click on the column header selects the first one.
    pub(crate) const BY_AGE: [Self; 2] = [Self::Newest, Self::Oldest];

    fn key(self, trigger: &Trigger) -> SortKey {
        match self {
            Self::Newest | Self::Oldest => (trigger.created_at, trigger.id).into(),
            Self::Value | Self::ValueBackwards => (trigger.key.clone(), trigger.id).into(),
        }
    }
}

impl Sort for TriggerSort {
    fn order(self) -> SortOrder {
        const AGE: &[(&str, ColumnType)] =
            &[("created_at", ColumnType::Time), ("id", ColumnType::Number)];
        const VALUE: &[(&str, ColumnType)] =
            &[("key", ColumnType::Text), ("id", ColumnType::Number)];
        match self {
            Self::Newest => SortOrder::descending(AGE),
            Self::Oldest => SortOrder::ascending(AGE),
            Self::Value => SortOrder::ascending(VALUE),
            Self::ValueBackwards => SortOrder::descending(VALUE),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TriggerFilter {
    pub(crate) affiliate_id: Option<i64>,
    /// Part of the key, as typed. One or two characters match only the beginning of a key.
    pub(crate) q: String,
    pub(crate) kind: Option<TriggerKind>,
    pub(crate) state: Option<TriggerState>,
    /// Only codes that an exclusion with this pattern would stop.
    pub(crate) like: Option<Pattern>,
    /// Only codes with this push status in a connected store.
    pub(crate) push: Option<PushStatus>,
}

impl TriggerFilter {
    /// `affiliate_id` is set for an affiliate's own list, and `None` for the program's list.
    pub(crate) fn read(address: &mut ListUrl, affiliate_id: Option<i64>) -> Self {
        let pattern = |text: &str| Pattern::parse(text).ok();
        Self {
            affiliate_id,
            q: address.search(),
            kind: address.choice("type", "Type"),
            state: address.choice("state", "Status"),
            push: address.choice("push", "Store status"),
            like: address.parsed("like", "Matches", pattern, |pattern| pattern.value().to_owned()),
        }
    }

    fn is_search(&self) -> bool {
        !self.q.is_empty() || self.like.is_some()
    }
}

/// A trigger with its related data.
#[derive(Clone, Debug)]
pub(crate) struct TriggerRow {
    pub(crate) trigger: Trigger,
    /// The affiliate who holds it now.
    pub(crate) holder: Holder,
    /// Its all-time totals, per currency.
    pub(crate) rollups: Vec<Rollups>,
    /// The states of its pushes to stores.
    pub(crate) pushes: Vec<PushLine>,
}

/// The affiliate who holds a trigger.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = affiliates)]
pub(crate) struct Holder {
    pub(crate) id: i64,
    /// The affiliate ID that users see.
    pub(crate) public_id: String,
    pub(crate) name: String,
    /// An affiliate who isn't active earns nothing.
    pub(crate) status: AffiliateStatus,
}

type Boxed = IntoBoxed<'static, triggers::table, Pg>;
type CountedRow = (SqlTypeOf<AsSelect<Trigger, Pg>>, BigInt);

/// The maximum of hits that a search collects and counts. With more hits, their number isn't shown. The
/// rows are read in order then, which finds a page of hits soon.
const MAX_COLLECTED: i64 = 3_000;

/// The maximum length of a search that the trigram index can't serve, in characters.
const SHORT: usize = 2;

/// The kinds of searches. Each finds its rows differently.
enum Search {
    None,
    /// Reads the index by key.
    Begins(String),
    /// Reads the trigram index. Emails have lower-case keys and other triggers upper-case ones. One
    /// case-insensitive scan finds both, if the text is ASCII.
    Contains(String),
    /// Reads the trigram index with both patterns, for emails and text that isn't ASCII.
    ContainsEither(String, String),
}

impl Search {
    fn of(q: &str) -> Self {
        if let Ok(email) = EmailKey::parse(q) {
            // Also as typed: if two triggers belong to one mailbox, the older one can have such a key.
            return Self::ContainsEither(
                contains(email.as_str()),
                contains(&q.trim().to_lowercase()),
            );
        }
        let upper = key_of_reported_code(q);
        let lower = q.trim().nfkc().collect::<String>().to_lowercase();
        match upper.chars().count() {
            0 => Self::None,
            1..=SHORT => Self::Begins(begins_with(&upper)),
            _ if upper.is_ascii() && lower.is_ascii() => Self::Contains(contains(&upper)),
            _ => Self::ContainsEither(contains(&upper), contains(&lower)),
        }
    }
}

fn matching(merchant_id: i64, filter: &TriggerFilter) -> Boxed {
    let mut query =
        triggers::table.into_boxed::<Pg>().filter(triggers::merchant_id.eq(merchant_id));
    if let Some(affiliate_id) = filter.affiliate_id {
        query = query.filter(triggers::affiliate_id.eq(affiliate_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(triggers::kind.eq(kind));
    }
    match filter.state {
        Some(TriggerState::Active) => query = query.filter(triggers::retired_at.is_null()),
        Some(TriggerState::Retired) => query = query.filter(triggers::retired_at.is_not_null()),
        None => {}
    }
    if let Some(status) = filter.push {
        query = query.filter(triggers::id.eq_any(pushes::in_status(merchant_id, status)));
    }
    if let Some(pattern) = &filter.like {
        query = like(query, pattern);
    }
    match Search::of(&filter.q) {
        Search::None => query,
        Search::Begins(start) => {
            let lower = start.to_lowercase();
            query.filter(triggers::key.like(start).or(triggers::key.like(lower)))
        }
        Search::Contains(part) => query.filter(by_parts(triggers::key).ilike(part)),
        Search::ContainsEither(upper, lower) => query
            .filter(by_parts(triggers::key).like(upper).or(by_parts(triggers::key).like(lower))),
    }
}

/// Codes that `pattern` stops. If the pattern has a fixed beginning, the index of look-alike keys finds
/// them, otherwise the trigram index does.
fn like(query: Boxed, pattern: &Pattern) -> Boxed {
    let key = pattern.key();
    let (head, _) = key.split_once('*').unwrap_or((key, ""));
    match pattern.shape() {
        Shape::Exact => query.filter(triggers::look_alike.eq(key.to_owned())),
        Shape::Begins => from_head(query, head),
        Shape::Ends | Shape::Contains => {
            query.filter(by_parts(triggers::look_alike).like(glob(key)))
        }
        Shape::Composed if head.is_empty() => {
            query.filter(by_parts(triggers::look_alike).like(glob(key)))
        }
        Shape::Composed => {
            from_head(query, head).filter(by_parts(triggers::look_alike).like(glob(key)))
        }
    }
}

fn from_head(query: Boxed, head: &str) -> Boxed {
    // No text with this beginning is greater.
    let last = format!("{head}\u{10ffff}");
    query.filter(triggers::look_alike.ge(head.to_owned())).filter(triggers::look_alike.lt(last))
}

fn count(conn: &mut PgConnection, merchant_id: i64, filter: &TriggerFilter) -> QueryResult<Count> {
    let all = matching(merchant_id, filter).select(triggers::id);
    if filter.is_search() {
        Count::of_search(conn, all, MAX_COLLECTED)
    } else if *filter == TriggerFilter::default() {
        Count::of_all(conn, all, "triggers", merchant_id)
    } else {
        Count::of(conn, all)
    }
}

/// Reads the rows in the list's order. A search for a rare word would pass the whole table.
fn walked(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &TriggerFilter,
    range: &Range,
) -> QueryResult<Vec<Trigger>> {
    let query = range.walk(matching(merchant_id, filter).select(Trigger::as_select()));
    if filter.is_search() { replanned(query).load(conn) } else { query.load(conn) }
}

/// The rows that a search finds, and their count.
fn found(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &TriggerFilter,
    range: &Range,
) -> QueryResult<(Vec<Trigger>, Count)> {
    let some = matching(merchant_id, filter).select(Trigger::as_select()).limit(MAX_COLLECTED + 1);
    let query = searched::<CountedRow, _>(some, range);
    let found: Vec<(Trigger, i64)> = replanned(query).load(conn)?;
    let count = match found.first() {
        Some((_, in_all)) => Count::new(*in_all, MAX_COLLECTED),
        None => count(conn, merchant_id, filter)?,
    };
    if !count.is_exact() {
        return Ok((walked(conn, merchant_id, filter, range)?, count));
    }
    Ok((found.into_iter().map(|(trigger, _)| trigger).collect(), count))
}

/// The number of the merchant's coupon codes that `pattern` stops.
pub(crate) fn count_like(
    conn: &mut PgConnection,
    merchant_id: i64,
    pattern: &Pattern,
) -> QueryResult<Count> {
    let filter = TriggerFilter { like: Some(pattern.clone()), ..TriggerFilter::default() };
    count(conn, merchant_id, &filter)
}

/// Up to `limit` of the codes that `pattern` stops, by value, with their holders' names. The count is
/// of all of them.
pub(crate) fn some_like(
    conn: &mut PgConnection,
    merchant_id: i64,
    pattern: &Pattern,
    limit: usize,
) -> QueryResult<(Vec<(Trigger, String)>, Count)> {
    let filter = TriggerFilter { like: Some(pattern.clone()), ..TriggerFilter::default() };
    let range = Range::first(TriggerSort::Value.order(), limit);
    let (mut some, count) = found(conn, merchant_id, &filter, &range)?;
    some.truncate(limit);
    let holders = holders(conn, merchant_id, &some)?;
    let named = |trigger: Trigger| {
        let name = holders.get(&trigger.affiliate_id)?.name.clone();
        Some((trigger, name))
    };
    Ok((some.into_iter().filter_map(named).collect(), count))
}

/// The triggers of a page with related data, and the count of all that match.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &TriggerFilter,
    sort: TriggerSort,
    range: &Range,
) -> QueryResult<(Listing<TriggerRow>, Count)> {
    let (found, count) = if filter.is_search() {
        found(conn, merchant_id, filter, range)?
    } else {
        let count = count(conn, merchant_id, filter)?;
        (walked(conn, merchant_id, filter, range)?, count)
    };
    let listing = range.listing(found, |trigger| sort.key(trigger));
    Ok((listing.complete(|found| complete(conn, merchant_id, found))?, count))
}

/// Some of the triggers with related data, without a count.
pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &TriggerFilter,
    sort: TriggerSort,
    range: &Range,
) -> QueryResult<Listing<TriggerRow>> {
    let found = if filter.is_search() {
        found(conn, merchant_id, filter, range)?.0
    } else {
        walked(conn, merchant_id, filter, range)?
    };
    let listing = range.listing(found, |trigger| sort.key(trigger));
    listing.complete(|found| complete(conn, merchant_id, found))
}

/// Whether the program has a trigger.
pub(crate) fn any(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let all = triggers::table.filter(triggers::merchant_id.eq(merchant_id));
    diesel::select(exists(all)).get_result(conn)
}

/// One trigger with its related data.
pub(crate) fn row(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<TriggerRow> {
    let trigger = Trigger::find(conn, merchant_id, id)?;
    complete(conn, merchant_id, vec![trigger])?.pop().ok_or(diesel::result::Error::NotFound)
}

/// The affiliates who hold some triggers, by ID.
fn holders(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: &[Trigger],
) -> QueryResult<HashMap<i64, Holder>> {
    let ids: Vec<i64> = found.iter().map(|trigger| trigger.affiliate_id).collect();
    let holders = affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::id.eq_any(ids))
        .select(Holder::as_select())
        .load(conn)?;
    Ok(holders.into_iter().map(|holder: Holder| (holder.id, holder)).collect())
}

/// Adds holders, totals and pushes. It uses simple statements, because the planner can get a large one
/// wrong.
fn complete(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: Vec<Trigger>,
) -> QueryResult<Vec<TriggerRow>> {
    let ids: Vec<i64> = found.iter().map(|trigger| trigger.id).collect();
    let holders = holders(conn, merchant_id, &found)?;
    let mut rollups = rollups::triggers(conn, merchant_id, &ids)?;
    let mut pushes = pushes::of_triggers(conn, merchant_id, &ids)?;
    let row = |trigger: Trigger| {
        let holder = holders.get(&trigger.affiliate_id)?.clone();
        let rollups = rollups.remove(&trigger.id).unwrap_or_default();
        let pushes = pushes.remove(&trigger.id).unwrap_or_default();
        Some(TriggerRow { trigger, holder, rollups, pushes })
    };
    Ok(found.into_iter().filter_map(row).collect())
}
