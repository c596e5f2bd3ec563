//! Counts of rows with a limit, so that a count never scans a large table.

use std::fmt;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LimitDsl;
use diesel::sql_types::{BigInt, Text};

use super::search::replanned;
use crate::kit::web::numbers::{counted, thousands};

/// Counts on pages are exact up to here. Pages show larger ones as "10,000+".
pub(crate) const COUNT_LIMIT: i64 = 10_000;

/// The number of matching rows, exact up to a limit. A column that counts up to [`COUNT_LIMIT`] rows
/// and one more can be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub(crate) struct Count {
    found: i64,
    limit: i64,
}

impl Count {
    /// `found` comes from a query that is limited to `limit + 1` rows.
    pub(crate) fn new(found: i64, limit: i64) -> Self {
        Self { found, limit }
    }

    /// An exact count without a limit.
    pub(crate) fn all(found: i64) -> Self {
        Self { found, limit: i64::MAX }
    }

    /// Counts the rows of `query` up to [`COUNT_LIMIT`].
    pub(crate) fn of<Q>(conn: &mut PgConnection, query: Q) -> QueryResult<Self>
    where
        Q: LimitDsl<Output = Q> + QueryFragment<Pg>,
    {
        let found = count_of(LimitDsl::limit(query, COUNT_LIMIT + 1)).get_result(conn)?;
        Ok(Self::new(found, COUNT_LIMIT))
    }

    /// Counts all rows that a merchant has in `table`, whose rows must never be deleted. A count above the
    /// limit stays above it, so the connection remembers that.
    pub(crate) fn of_all<Q>(
        conn: &mut PgConnection,
        query: Q,
        table: &str,
        merchant_id: i64,
    ) -> QueryResult<Self>
    where
        Q: LimitDsl<Output = Q> + QueryFragment<Pg>,
    {
        let query = LimitDsl::limit(query, COUNT_LIMIT + 1);
        let note = format!("vouch.many_{table}_{merchant_id}");
        let found = RememberedCount { query, note }.get_result(conn)?;
        Ok(Self::new(found, COUNT_LIMIT))
    }

    /// Counts the hits of a search up to `limit`.
    pub(crate) fn of_search<Q>(conn: &mut PgConnection, query: Q, limit: i64) -> QueryResult<Self>
    where
        Q: LimitDsl<Output = Q> + QueryFragment<Pg>,
    {
        let found = replanned(count_of(LimitDsl::limit(query, limit + 1))).get_result(conn)?;
        Ok(Self::new(found, limit))
    }

    /// Whether all rows were counted.
    pub(crate) fn is_exact(self) -> bool {
        self.found <= self.limit
    }

    pub(crate) fn is_zero(self) -> bool {
        self.found == 0
    }

    /// The number, if it's exact.
    pub(crate) fn exact(self) -> Option<i64> {
        self.is_exact().then_some(self.found)
    }

    /// For example "1 code", "830 codes" or "10,000+ codes".
    pub(crate) fn words(self, one: &str, many: &str) -> String {
        match self.exact() {
            Some(count) => counted(count, one, many),
            None => format!("{self} {many}"),
        }
    }
}

impl fmt::Display for Count {
    /// For example "830" or "1,000+".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact() {
            Some(count) => f.write_str(&thousands(count)),
            None => write!(f, "{}+", thousands(self.limit)),
        }
    }
}

impl FromSql<BigInt, Pg> for Count {
    fn from_sql(found: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        FromSql::<BigInt, Pg>::from_sql(found).map(|found| Self::new(found, COUNT_LIMIT))
    }
}

/// Counts the rows of `query`. Give it a limit, because the count reads every row.
pub(crate) fn count_of<Q>(query: Q) -> CountOf<Q> {
    CountOf(query)
}

/// See [`count_of`].
pub(crate) struct CountOf<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for CountOf<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl<Q> QueryId for CountOf<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for CountOf<Q> {
    type SqlType = BigInt;
}

impl<Q> RunQueryDsl<PgConnection> for CountOf<Q> {}

/// Counts the rows of `query`, unless the connection remembers that there are more than
/// [`COUNT_LIMIT`].
struct RememberedCount<Q> {
    query: Q,
    /// The name of the connection setting that remembers it.
    note: String,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for RememberedCount<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT CASE WHEN current_setting(");
        out.push_bind_param::<Text, _>(&self.note)?;
        out.push_sql(", true) = 'yes' THEN ");
        out.push_bind_param::<BigInt, _>(&COUNT_LIMIT)?;
        out.push_sql(" + 1 ELSE (SELECT CASE WHEN found > ");
        out.push_bind_param::<BigInt, _>(&COUNT_LIMIT)?;
        out.push_sql(" AND remember_many(");
        out.push_bind_param::<Text, _>(&self.note)?;
        out.push_sql(") THEN found ELSE found END FROM (SELECT count(*) FROM (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted) AS counts (found)) END");
        Ok(())
    }
}

impl<Q> QueryId for RememberedCount<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for RememberedCount<Q> {
    type SqlType = BigInt;
}

impl<Q> RunQueryDsl<PgConnection> for RememberedCount<Q> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stop_at_the_limit() {
        let words = |found| Count::new(found, COUNT_LIMIT).words("order", "orders");
        assert_eq!(
            [0, 1, 10_000, 10_001].map(words),
            ["0 orders", "1 order", "10,000 orders", "10,000+ orders"]
        );
        assert_eq!(Count::all(1_234_567).to_string(), "1,234,567");
    }
}
