//! The list of exclusions, for its page and CSV file.

use chrono::{DateTime, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;

use super::exclusion::Exclusion;
use crate::features::availability::ExclusionScope;
use crate::features::code_requests;
use crate::features::triggers::list::count_like;
use crate::kit::db::schema::exclusions;
use crate::kit::db::text_enum;
use crate::kit::lists::{
    ColumnType, Count, ListUrl, Listing, Range, Sort, SortKey, SortOrder, contains,
};

use super::look_alike::Pattern;

text_enum! {
    /// Whether an exclusion is active today.
    pub(crate) enum ExclusionState {
        /// Active.
        Holds = "holds", "Active";
        /// Scheduled: its first day is in the future.
        Later = "later", "Scheduled";
        /// Expired: its last day is in the past.
        Over = "over", "Expired";
    }
}

impl ExclusionState {
    pub(crate) fn of(exclusion: &Exclusion, now: DateTime<Utc>) -> Self {
        match (exclusion.starts_at, exclusion.ends_at) {
            (_, Some(end)) if end <= now => Self::Over,
            (Some(start), _) if start > now => Self::Later,
            _ => Self::Holds,
        }
    }

    /// The tone of its badge.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Self::Holds => "good",
            Self::Later => "info",
            Self::Over => "off",
        }
    }
}

text_enum! {
    /// The order of the list.
    #[derive(Default)]
    pub(crate) enum ExclusionSort {
        /// Newest first.
        #[default]
        Newest = "newest", "Newest";
        /// By the key of the code.
        Code = "code", "Code";
    }
}

impl ExclusionSort {
    fn key(self, exclusion: &Exclusion) -> SortKey {
        match self {
            Self::Newest => (exclusion.id,).into(),
            Self::Code => (exclusion.key.clone(), exclusion.id).into(),
        }
    }
}

impl Sort for ExclusionSort {
    fn order(self) -> SortOrder {
        match self {
            Self::Newest => SortOrder::descending(&[("id", ColumnType::Number)]),
            Self::Code => {
                SortOrder::ascending(&[("key", ColumnType::Text), ("id", ColumnType::Number)])
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ExclusionFilter {
    /// Part of the code, pattern or description, as typed.
    pub(crate) q: String,
    pub(crate) scope: Option<ExclusionScope>,
    pub(crate) state: Option<ExclusionState>,
}

impl ExclusionFilter {
    pub(crate) fn read(address: &mut ListUrl) -> Self {
        Self {
            q: address.search(),
            scope: address.choice("scope", "Applied to"),
            state: address.choice("state", "Status"),
        }
    }
}

/// An exclusion with the number of codes that it would stop.
#[derive(Clone, Debug)]
pub(crate) struct ExclusionRow {
    pub(crate) exclusion: Exclusion,
    /// The affiliates' coupon codes that it would stop.
    pub(crate) affected: Count,
    /// The codes in pending requests that it would stop.
    pub(crate) waiting: usize,
}

type Boxed = IntoBoxed<'static, exclusions::table, Pg>;

fn matching(merchant_id: i64, filter: &ExclusionFilter, now: DateTime<Utc>) -> Boxed {
    let mut query = exclusions::table
        .into_boxed::<Pg>()
        .filter(exclusions::merchant_id.eq(merchant_id))
        .filter(exclusions::removed_at.is_null());
    let words = filter.q.to_lowercase();
    if !words.is_empty() {
        query = query.filter(exclusions::search.like(contains(&words)));
    }
    if let Some(scope) = filter.scope {
        query = query.filter(exclusions::scope.eq(scope));
    }
    match filter.state {
        None => query,
        Some(ExclusionState::Over) => query.filter(exclusions::ends_at.le(now)),
        Some(ExclusionState::Later) => query.filter(exclusions::starts_at.gt(now)),
        Some(ExclusionState::Holds) => query
            .filter(exclusions::starts_at.is_null().or(exclusions::starts_at.le(now)))
            .filter(exclusions::ends_at.is_null().or(exclusions::ends_at.gt(now))),
    }
}

pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    (filter, sort): (&ExclusionFilter, ExclusionSort),
    range: &Range,
    now: DateTime<Utc>,
) -> QueryResult<Listing<Exclusion>> {
    let query = matching(merchant_id, filter, now).select(Exclusion::as_select());
    let found: Vec<Exclusion> = range.walk(query).load(conn)?;
    Ok(range.listing(found, |exclusion| sort.key(exclusion)))
}

/// The exclusions of a page with the codes that they would stop, and the count of all that match.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    (filter, sort): (&ExclusionFilter, ExclusionSort),
    range: &Range,
    now: DateTime<Utc>,
) -> QueryResult<(Listing<ExclusionRow>, Count)> {
    let count = Count::of(conn, matching(merchant_id, filter, now).select(exclusions::id))?;
    let found = rows(conn, merchant_id, (filter, sort), range, now)?;
    let asked = code_requests::waiting(conn, merchant_id)?;
    let row = |conn: &mut PgConnection, exclusion: Exclusion| {
        let (affected, waiting) = match Pattern::recorded(&exclusion.value) {
            Ok(pattern) => (
                count_like(conn, merchant_id, &pattern)?,
                asked.iter().filter(|one| one.is_like(&pattern)).count(),
            ),
            Err(_) => (Count::all(0), 0),
        };
        QueryResult::Ok(ExclusionRow { exclusion, affected, waiting })
    };
    let listing = found.complete(|found| found.into_iter().map(|one| row(conn, one)).collect())?;
    Ok((listing, count))
}
