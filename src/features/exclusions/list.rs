//! The list of exclusions, for its page and for a download.

use chrono::{DateTime, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use super::exclusion::Exclusion;
use crate::features::availability::ExclusionScope;
use crate::features::code_requests;
use crate::features::triggers::list::count_like;
use crate::kit::db::listing::{beyond, contains, count_of};
use crate::kit::db::schema::exclusions;
use crate::kit::db::text_enum;
use crate::kit::web::paginate::{COUNT_LIMIT, Count, Cursor, Listing, PAGE_SIZE, SortKey};

use super::look_alike::Pattern;

text_enum! {
    /// Whether an exclusion holds today.
    pub enum ExclusionState {
        /// It does.
        Holds = "holds", "Holds now";
        /// Its first day is still to come.
        Later = "later", "Begins later";
        /// Its last day is over.
        Over = "over", "Over";
    }
}

impl ExclusionState {
    /// The state of `exclusion` at `now`.
    pub fn of(exclusion: &Exclusion, now: DateTime<Utc>) -> Self {
        match (exclusion.starts_at, exclusion.ends_at) {
            (_, Some(end)) if end <= now => Self::Over,
            (Some(start), _) if start > now => Self::Later,
            _ => Self::Holds,
        }
    }

    /// The tone of its badge.
    pub fn tone(self) -> &'static str {
        match self {
            Self::Holds => "good",
            Self::Later => "info",
            Self::Over => "off",
        }
    }
}

text_enum! {
    /// What the list goes by.
    #[derive(Default)]
    pub enum ExclusionSort {
        /// The newest first.
        #[default]
        Newest = "newest", "Newest";
        /// By what is compared.
        Code = "code", "Code";
    }
}

/// Which exclusions the list shows.
#[derive(Clone, Debug, Default)]
pub struct ExclusionFilter {
    /// What the code, the pattern or the description contains.
    pub q: String,
    /// Only these.
    pub scope: Option<ExclusionScope>,
    /// Only these.
    pub state: Option<ExclusionState>,
}

/// Where a row stands in both orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    key: String,
    id: i64,
}

impl SortKey for Place {
    fn is_possible(&self) -> bool {
        self.key.is_possible()
    }
}

impl Place {
    fn of(exclusion: &Exclusion) -> Self {
        Self { key: exclusion.key.clone(), id: exclusion.id }
    }
}

/// An exclusion with how many codes that affiliates have it would stop.
#[derive(Clone, Debug)]
pub struct ExclusionRow {
    /// The exclusion.
    pub exclusion: Exclusion,
    /// How many.
    pub affected: Count,
    /// How many that applications wait for it would have stopped.
    pub waiting: usize,
}

type Boxed = IntoBoxed<'static, exclusions::table, Pg>;

fn matching(merchant_id: i64, filter: &ExclusionFilter, now: DateTime<Utc>) -> Boxed {
    let mut query = exclusions::table
        .into_boxed::<Pg>()
        .filter(exclusions::merchant_id.eq(merchant_id))
        .filter(exclusions::removed_at.is_null());
    let words = filter.q.trim().to_lowercase();
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

fn fetch(
    conn: &mut PgConnection,
    query: Boxed,
    sort: ExclusionSort,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<Vec<Exclusion>> {
    let (Cursor::After(place) | Cursor::Before(place)) = cursor else {
        return in_order(query, sort, false, limit).load(conn);
    };
    let backward = cursor.is_backward();
    let query = match (sort, backward) {
        (ExclusionSort::Newest, false) => query.filter(exclusions::id.lt(place.id)),
        (ExclusionSort::Newest, true) => query.filter(exclusions::id.gt(place.id)),
        (ExclusionSort::Code, backward) => {
            query.filter(beyond::<Text, _>("key, id", backward, place.key.clone(), place.id))
        }
    };
    in_order(query, sort, backward, limit).load(conn)
}

fn in_order(
    query: Boxed,
    sort: ExclusionSort,
    backward: bool,
    limit: usize,
) -> diesel::dsl::Select<Boxed, diesel::dsl::AsSelect<Exclusion, Pg>> {
    let query = match (sort, backward) {
        (ExclusionSort::Newest, false) => query.order(exclusions::id.desc()),
        (ExclusionSort::Newest, true) => query.order(exclusions::id),
        (ExclusionSort::Code, false) => query.order((exclusions::key, exclusions::id)),
        (ExclusionSort::Code, true) => query.order((exclusions::key.desc(), exclusions::id.desc())),
    };
    query.limit(limit as i64).select(Exclusion::as_select())
}

/// One page of the list, and how many match in all.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ExclusionFilter,
    sort: ExclusionSort,
    cursor: &Cursor<Place>,
    now: DateTime<Utc>,
) -> QueryResult<(Listing<ExclusionRow>, Count)> {
    let all = matching(merchant_id, filter, now).select(exclusions::id).limit(COUNT_LIMIT + 1);
    let count = Count::new(count_of(all).get_result(conn)?, COUNT_LIMIT);
    let found = fetch(conn, matching(merchant_id, filter, now), sort, cursor, PAGE_SIZE + 1)?;
    let Listing { rows, previous, next } = Listing::new(found, cursor, Place::of);
    let asked = code_requests::waiting(conn, merchant_id)?;
    let mut with_touched = Vec::with_capacity(rows.len());
    for exclusion in rows {
        let (affected, waiting) = match Pattern::recorded(&exclusion.value) {
            Ok(pattern) => (
                count_like(conn, merchant_id, &pattern)?,
                asked.iter().filter(|one| one.is_like(&pattern)).count(),
            ),
            Err(_) => (Count::all(0), 0),
        };
        with_touched.push(ExclusionRow { exclusion, affected, waiting });
    }
    Ok((Listing { rows: with_touched, previous, next }, count))
}

/// Up to `limit` of the list from the cursor on, and the place of the next ones: for downloads.
pub fn piece(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ExclusionFilter,
    sort: ExclusionSort,
    cursor: &Cursor<Place>,
    (limit, now): (usize, DateTime<Utc>),
) -> QueryResult<(Vec<Exclusion>, Option<Cursor<Place>>)> {
    let found = fetch(conn, matching(merchant_id, filter, now), sort, cursor, limit)?;
    let next = found.last().filter(|_| found.len() == limit).map(Place::of).map(Cursor::After);
    Ok((found, next))
}
