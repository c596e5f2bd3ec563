//! The affiliates that a list shows, their order and their count. Lists without a search read an index.
//!
//! A search collects its hits and then sorts them. With too many hits, rows that are adjacent in the
//! index are read in order, and the rest is collected.

use std::collections::HashMap;

use diesel::dsl::{AsSelect, SqlTypeOf, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::filter::{AffiliateFilter, AffiliateSort, NAME};
use crate::features::affiliates::model::Affiliate;
use crate::features::affiliates::search::{AffiliateCondition, BoxedAffiliates, NamePrefix};
use crate::kit::db::schema::affiliates;
use crate::kit::lists::{
    Count, Cursor, Named, Range, SortKey, SortOrder, Value, named, replanned, searched,
};

/// Counts of a search are exact up to here, because counting more hits is expensive. With more hits,
/// users refine their search anyway.
const SEARCH_LIMIT: i64 = 1_000;

/// An affiliate with the values for the sort order.
#[derive(Clone, Debug)]
pub(super) struct SortedAffiliate {
    pub(super) affiliate: Affiliate,
    name_key: String,
    begins: bool,
}

type Row = (Affiliate, String, bool);

impl From<Row> for SortedAffiliate {
    fn from((affiliate, name_key, begins): Row) -> Self {
        Self { affiliate, name_key, begins }
    }
}

impl SortedAffiliate {
    pub(super) fn key(&self, sort: AffiliateSort) -> SortKey {
        let Affiliate { created_at, id, .. } = self.affiliate;
        match sort {
            AffiliateSort::Name | AffiliateSort::NameBackwards => {
                (self.name_key.clone(), id).into()
            }
            AffiliateSort::Newest | AffiliateSort::Oldest => (created_at, id).into(),
            AffiliateSort::BestMatch => (!self.begins, self.name_key.clone(), id).into(),
        }
    }
}

type CountedRow = (SqlTypeOf<AsSelect<Affiliate, Pg>>, Text, Bool, BigInt);
type Columns = (AsSelect<Affiliate, Pg>, affiliates::name_key, Named<AffiliateCondition>);

/// The filter, order and range of the rows to read.
#[derive(Clone, Copy)]
pub(super) struct AffiliateListQuery<'a> {
    pub(super) merchant_id: i64,
    pub(super) filter: &'a AffiliateFilter,
    pub(super) sort: AffiliateSort,
    pub(super) range: &'a Range,
}

impl AffiliateListQuery<'_> {
    pub(super) fn rows(&self, conn: &mut PgConnection) -> QueryResult<Vec<SortedAffiliate>> {
        if self.filter.search.is_empty() {
            self.walk(conn, self.matching(), self.range)
        } else {
            Ok(self.search(conn)?.0)
        }
    }

    /// The rows, and the count of all that match the filter.
    pub(super) fn counted(
        &self,
        conn: &mut PgConnection,
    ) -> QueryResult<(Vec<SortedAffiliate>, Count)> {
        if !self.filter.search.is_empty() {
            return self.search(conn);
        }
        let all = self.matching().select(affiliates::id);
        let count = if *self.filter == AffiliateFilter::default() {
            Count::of_all(conn, all, "affiliates", self.merchant_id)?
        } else {
            Count::of(conn, all)?
        };
        Ok((self.walk(conn, self.matching(), self.range)?, count))
    }

    fn search(&self, conn: &mut PgConnection) -> QueryResult<(Vec<SortedAffiliate>, Count)> {
        let some = self.matching().limit(SEARCH_LIMIT + 1).select(self.columns());
        let hits = searched::<CountedRow, _>(some, self.range);
        let hits: Vec<(Affiliate, String, bool, i64)> = replanned(hits).load(conn)?;
        let count = match hits.first() {
            Some((.., in_all)) => Count::new(*in_all, SEARCH_LIMIT),
            None => Count::of_search(conn, self.matching().select(affiliates::id), SEARCH_LIMIT)?,
        };
        if count.is_exact() {
            let hits = hits.into_iter();
            let found = hits.map(|(affiliate, key, begins, _)| (affiliate, key, begins).into());
            return Ok((found.collect(), count));
        }
        let found = match self.sort {
            AffiliateSort::BestMatch => self.best_of_many(conn),
            AffiliateSort::Name | AffiliateSort::NameBackwards => {
                self.collect(conn, self.matching(), self.range)
            }
            // By time, the hits of a common word are spread out, so a page of them is found soon.
            AffiliateSort::Newest | AffiliateSort::Oldest => {
                self.walk(conn, self.matching(), self.range)
            }
        };
        Ok((found?, count))
    }

    /// Names that begin with the word are adjacent in the index by name, so they're read in order. The
    /// others can be anywhere.
    fn best_of_many(&self, conn: &mut PgConnection) -> QueryResult<Vec<SortedAffiliate>> {
        let backward = self.range.is_descending();
        let by_name =
            if backward { SortOrder::descending(NAME) } else { SortOrder::ascending(NAME) };
        let (mut found, mut from) = (Vec::new(), self.range.key());
        for begins in [!backward, backward] {
            let rest = self.range.rows + 1 - found.len();
            if rest == 0 || from.is_some_and(|key| key.first() != Some(&Value::Flag(!begins))) {
                continue;
            }
            let cursor =
                from.take().map_or(Cursor::Start, |key| Cursor::After(key.skip_columns(1)));
            let part = Range { order: by_name, cursor, rows: rest - 1 };
            found.extend(if begins {
                let heads = self.matching().filter(self.begins());
                self.walk(conn, heads, &part)?
            } else {
                let others = self.matching().filter(not(self.begins()));
                self.collect(conn, others, &part)?
            });
        }
        Ok(found)
    }

    fn matching(&self) -> BoxedAffiliates {
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

    /// Reads the rows in order, from the index with the list's order.
    fn walk(
        &self,
        conn: &mut PgConnection,
        query: BoxedAffiliates,
        range: &Range,
    ) -> QueryResult<Vec<SortedAffiliate>> {
        let query = range.walk(query.select(self.columns()));
        let rows: Vec<Row> = if self.filter.search.is_empty() {
            query.load(conn)?
        } else {
            replanned(query).load(conn)?
        };
        Ok(rows.into_iter().map(SortedAffiliate::from).collect())
    }

    /// Collects every hit and then sorts by name. Reading in order would pass every affiliate before the
    /// hits.
    fn collect(
        &self,
        conn: &mut PgConnection,
        query: BoxedAffiliates,
        range: &Range,
    ) -> QueryResult<Vec<SortedAffiliate>> {
        let hits = query.select((affiliates::id, affiliates::name_key));
        let hits = searched::<(BigInt, Text, BigInt), _>(hits, range);
        let hits: Vec<(i64, String, i64)> = replanned(hits).load(conn)?;
        let ids: Vec<i64> = hits.into_iter().map(|(id, ..)| id).collect();
        let mut found: HashMap<i64, SortedAffiliate> = affiliates::table
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

    fn begins(&self) -> AffiliateCondition {
        self.filter.search.head().map_or_else(
            || Box::new(false.into_sql::<Bool>()) as AffiliateCondition,
            NamePrefix::begins,
        )
    }
}
