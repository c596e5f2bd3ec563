//! Which affiliates a list shows, in which order, and how many there are.
//!
//! Without a search, a list is a walk along an index. A search collects its hits first and sorts
//! them after, as long as they are few. Where they are very many, what stands together in the order
//! is walked to, and the rest collected.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, SqlTypeOf, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use serde::{Deserialize, Serialize};

use super::filter::{AffiliateFilter, AffiliateSort};
use crate::features::affiliates::model::Affiliate;
use crate::features::affiliates::search::{Boxed, Condition, Head};
use crate::kit::db::listing::{Named, beyond, count_of, list_count, named, replanned, searched};
use crate::kit::db::prepared;
use crate::kit::db::schema::affiliates;
use crate::kit::web::paginate::{COUNT_LIMIT, Count, Cursor, SEARCH_LIMIT, SortKey};

/// An affiliate with what it is sorted by.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) affiliate: Affiliate,
    name_key: String,
    begins: bool,
}

type Row = (Affiliate, String, bool);

impl From<Row> for Found {
    fn from((affiliate, name_key, begins): Row) -> Self {
        Self { affiliate, name_key, begins }
    }
}

/// Where a row stands in any of the orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    name: String,
    at: DateTime<Utc>,
    id: i64,
    /// Whether the name begins with what is looked for.
    begins: bool,
}

impl SortKey for Place {
    fn is_possible(&self) -> bool {
        self.name.is_possible() && self.at.is_possible()
    }
}

impl Place {
    pub(super) fn of(found: &Found) -> Self {
        let Affiliate { created_at: at, id, .. } = found.affiliate;
        Self { name: found.name_key.clone(), at, id, begins: found.begins }
    }
}

type CountedRow = (SqlTypeOf<AsSelect<Affiliate, Pg>>, Text, Bool, BigInt);
type Columns = (AsSelect<Affiliate, Pg>, affiliates::name_key, Named<Condition>);

/// Some rows of a list: what it shows, in which order, from where on, and how many.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) merchant_id: i64,
    pub(super) filter: &'a AffiliateFilter,
    pub(super) sort: AffiliateSort,
    pub(super) cursor: &'a Cursor<Place>,
    pub(super) limit: usize,
}

impl Wanted<'_> {
    /// The rows along the cursor (for [`Cursor::Before`], in reverse).
    pub(super) fn rows(&self, conn: &mut PgConnection) -> QueryResult<Vec<Found>> {
        if self.filter.search.is_empty() { self.walk(conn) } else { Ok(self.search(conn)?.0) }
    }

    /// The same, and the count of all that the list shows.
    pub(super) fn counted(&self, conn: &mut PgConnection) -> QueryResult<(Vec<Found>, Count)> {
        if !self.filter.search.is_empty() {
            return self.search(conn);
        }
        let some = self.matching().select(affiliates::id).limit(COUNT_LIMIT + 1);
        let all_of = (*self.filter == AffiliateFilter::default()).then_some("affiliates");
        let count = list_count(conn, some, COUNT_LIMIT, all_of, self.merchant_id)?;
        Ok((self.walk(conn)?, Count::new(count, COUNT_LIMIT)))
    }

    fn search(&self, conn: &mut PgConnection) -> QueryResult<(Vec<Found>, Count)> {
        let some = || self.matching().limit(SEARCH_LIMIT + 1);
        let (hits, limit) = (some().select(self.columns()), self.limit as i64);
        let hits = searched::<CountedRow, _, _>(hits, self.beyond(), self.order(), limit);
        let hits: Vec<(Affiliate, String, bool, i64)> = replanned(hits).load(conn)?;
        let count = match hits.first() {
            Some((.., in_all)) => *in_all,
            None => replanned(count_of(some().select(affiliates::id))).get_result(conn)?,
        };
        let count = Count::new(count, SEARCH_LIMIT);
        if count.is_exact() {
            let hits = hits.into_iter();
            let found = hits.map(|(affiliate, key, begins, _)| (affiliate, key, begins).into());
            return Ok((found.collect(), count));
        }
        let found = match self.sort {
            AffiliateSort::BestMatch => self.best_of_many(conn),
            AffiliateSort::Name | AffiliateSort::NameBackwards => {
                self.collect(conn, self.matching(), self.place(), self.limit)
            }
            // By time the hits of a common word are spread, and walking soon meets a page of them.
            AffiliateSort::Newest | AffiliateSort::Oldest => self.walk(conn),
        };
        Ok((found?, count))
    }

    /// Names that begin with the word stand together in the index by name, and are walked to. The
    /// others may stand anywhere.
    fn best_of_many(&self, conn: &mut PgConnection) -> QueryResult<Vec<Found>> {
        let parts = if self.is_reversed() { [false, true] } else { [true, false] };
        let (mut found, mut place) = (Vec::new(), self.place());
        for begins in parts {
            let rest = self.limit - found.len();
            if rest == 0 || place.is_some_and(|place| place.begins != begins) {
                continue;
            }
            let place = place.take();
            found.extend(if begins {
                let heads = self.matching().filter(self.begins());
                self.walk_along(conn, heads, place, rest)?
            } else {
                let others = self.matching().filter(not(self.begins()));
                self.collect(conn, others, place, rest)?
            });
        }
        Ok(found)
    }

    /// All that matches.
    fn matching(&self) -> Boxed {
        let mut query = affiliates::table
            .into_boxed::<Pg>()
            .filter(affiliates::merchant_id.eq(self.merchant_id));
        if let Some(status) = self.filter.status {
            query = query.filter(affiliates::status.eq(status));
        }
        if let Some(offer_id) = self.filter.offer_id {
            query = query.filter(affiliates::offer_id.eq(offer_id));
        }
        self.filter.search.matching(query)
    }

    /// Along the index that is in the list's order.
    fn walk(&self, conn: &mut PgConnection) -> QueryResult<Vec<Found>> {
        self.walk_along(conn, self.matching(), self.place(), self.limit)
    }

    fn walk_along(
        &self,
        conn: &mut PgConnection,
        mut query: Boxed,
        place: Option<&Place>,
        limit: usize,
    ) -> QueryResult<Vec<Found>> {
        if let Some(place) = place {
            query = query.filter(self.beyond_column(place));
        }
        let query = match (self.by_name(), self.is_reversed()) {
            (true, false) => query.order((affiliates::name_key, affiliates::id)),
            (true, true) => query.order((affiliates::name_key.desc(), affiliates::id.desc())),
            (false, false) => query.order((affiliates::created_at, affiliates::id)),
            (false, true) => query.order((affiliates::created_at.desc(), affiliates::id.desc())),
        };
        let query = query.select(self.columns()).limit(limit as i64);
        let rows: Vec<Row> = if self.filter.search.is_empty() {
            query.load(conn)?
        } else {
            replanned(query).load(conn)?
        };
        Ok(rows.into_iter().map(Found::from).collect())
    }

    /// Every hit, sorted by name after: walking there would pass everybody before them.
    fn collect(
        &self,
        conn: &mut PgConnection,
        query: Boxed,
        place: Option<&Place>,
        limit: usize,
    ) -> QueryResult<Vec<Found>> {
        let order = if self.is_reversed() { "name_key DESC, id DESC" } else { "name_key, id" };
        let beyond = place.map(|place| self.beyond_column(place));
        let hits = query.select((affiliates::id, affiliates::name_key));
        let hits = searched::<(BigInt, Text, BigInt), _, _>(hits, beyond, order, limit as i64);
        let hits: Vec<(i64, String, i64)> = replanned(hits).load(conn)?;
        let ids: Vec<i64> = hits.into_iter().map(|(id, ..)| id).collect();
        let mut found: HashMap<i64, Found> = affiliates::table
            .filter(affiliates::merchant_id.eq(self.merchant_id))
            .filter(affiliates::id.eq_any(&ids))
            .select(self.columns())
            .load(conn)?
            .into_iter()
            .map(|row: Row| (row.0.id, row.into()))
            .collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    fn columns(&self) -> Columns {
        (Affiliate::as_select(), affiliates::name_key, named(self.begins(), "begins"))
    }

    fn begins(&self) -> Condition {
        self.filter
            .search
            .head()
            .map_or_else(|| Box::new(false.into_sql::<Bool>()) as Condition, Head::begins)
    }

    fn place(&self) -> Option<&Place> {
        match self.cursor {
            Cursor::Start => None,
            Cursor::After(place) | Cursor::Before(place) => Some(place),
        }
    }

    fn by_name(&self) -> bool {
        !matches!(self.sort, AffiliateSort::Newest | AffiliateSort::Oldest)
    }

    /// Whether the rows are wanted from the greatest key to the smallest.
    fn is_reversed(&self) -> bool {
        let descending = matches!(self.sort, AffiliateSort::NameBackwards | AffiliateSort::Newest);
        descending != self.cursor.is_backward()
    }

    /// By columns without a table, for [`searched`].
    fn order(&self) -> &'static str {
        match (self.sort, self.is_reversed()) {
            (AffiliateSort::BestMatch, false) => "NOT begins, name_key, id",
            (AffiliateSort::BestMatch, true) => "begins, name_key DESC, id DESC",
            (AffiliateSort::Name | AffiliateSort::NameBackwards, false) => "name_key, id",
            (AffiliateSort::Name | AffiliateSort::NameBackwards, true) => "name_key DESC, id DESC",
            (AffiliateSort::Newest | AffiliateSort::Oldest, false) => "created_at, id",
            (AffiliateSort::Newest | AffiliateSort::Oldest, true) => "created_at DESC, id DESC",
        }
    }

    /// What lies beyond the cursor in [`Self::order`].
    fn beyond(&self) -> Option<Box<dyn QueryFragment<Pg> + '_>> {
        let place = self.place()?;
        if self.sort != AffiliateSort::BestMatch {
            return Some(Box::new(self.beyond_column(place)));
        }
        let beyond = prepared::<Bool>(if self.is_reversed() {
            "(NOT begins, name_key, id) < (?, ?, ?)"
        } else {
            "(NOT begins, name_key, id) > (?, ?, ?)"
        });
        let beyond = beyond.bind::<Bool, _>(!place.begins).bind::<Text, _>(place.name.as_str());
        Some(Box::new(beyond.bind::<BigInt, _>(place.id)))
    }

    /// What lies beyond a place by name or time alone.
    fn beyond_column(&self, place: &Place) -> Condition {
        let (reversed, id) = (self.is_reversed(), place.id);
        if self.by_name() {
            Box::new(beyond::<Text, _>("name_key, id", reversed, place.name.clone(), id))
        } else {
            Box::new(beyond::<Timestamptz, _>("created_at, id", reversed, place.at, id))
        }
    }
}
