//! Helpers for searches of long lists that Diesel's query builder lacks. They sort only the hits, plan
//! each search for its text, and build patterns for `LIKE`.

use std::marker::PhantomData;

use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::range::{Beyond, OrderBy, Range};

/// A text column whose parts are searched, for `LIKE` and `ILIKE`.
///
/// Since PostgreSQL 14, indexes of parts (`gin_trgm_ops`) also serve `=`, at a thousand times the cost of
/// a btree index. The planner chooses them for long lists of values. So if a column is also compared
/// with `=` (`triggers.key`, `triggers.look_alike`), its index of parts has the collation POSIX.
///
/// That collation orders like the columns' own "C". Only comparisons that name it, like this one, can use
/// the index. All others use the btree indexes. `tests/plans.rs` checks that of every index.
pub(crate) fn by_parts<E>(column: E) -> ByParts<E> {
    ByParts(column)
}

/// See [`by_parts`].
pub(crate) struct ByParts<E>(E);

impl<E: QueryFragment<Pg>> QueryFragment<Pg> for ByParts<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" COLLATE \"POSIX\"");
        Ok(())
    }
}

impl<E: QueryId> QueryId for ByParts<E> {
    type QueryId = ByParts<E::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = E::HAS_STATIC_QUERY_ID;
}

impl<E: Expression> Expression for ByParts<E> {
    type SqlType = E::SqlType;
}

impl<E: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for ByParts<E> {}

impl<E: SelectableExpression<QS>, QS> SelectableExpression<QS> for ByParts<E> {}

impl<E: ValidGrouping<G>, G> ValidGrouping<G> for ByParts<E> {
    type IsAggregate = E::IsAggregate;
}

/// A named column of a select list, for the order of [`searched`].
pub(crate) fn named<E>(expression: E, name: &'static str) -> Named<E> {
    Named { expression, name }
}

/// See [`named`].
pub(crate) struct Named<E> {
    expression: E,
    name: &'static str,
}

impl<E: QueryFragment<Pg>> QueryFragment<Pg> for Named<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.expression.walk_ast(out.reborrow())?;
        out.push_sql(" AS ");
        out.push_identifier(self.name)
    }
}

impl<E> QueryId for Named<E> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<E: Expression> Expression for Named<E> {
    type SqlType = E::SqlType;
}

impl<E: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for Named<E> {}

impl<E: SelectableExpression<QS>, QS> SelectableExpression<QS> for Named<E> {}

impl<E> ValidGrouping<()> for Named<E> {
    type IsAggregate = is_aggregate::Never;
}

/// Reads the rows of `query`, which must have a limit, before it counts and sorts them and takes the rows
/// of `range`. Each row is followed by the count of all.
///
/// With the search on a trigram index and the order on another, PostgreSQL sometimes reads in order until
/// it has enough hits. For a rare word that reads the whole table. A materialized part can't be read that
/// way, and one search gives both rows and count.
///
/// The order of `range` names columns without a table. `ST` is the SQL type of the rows, including the
/// count.
pub(crate) fn searched<ST, Q>(query: Q, range: &Range) -> Searched<ST, Q> {
    let (beyond, order, limit) = (range.beyond(), range.order_by(), range.limit());
    Searched { query, beyond, order, limit, row: PhantomData }
}

/// See [`searched`].
pub(crate) struct Searched<ST, Q> {
    query: Q,
    beyond: Option<Beyond>,
    order: OrderBy,
    limit: i64,
    row: PhantomData<fn() -> ST>,
}

impl<ST, Q: QueryFragment<Pg>> QueryFragment<Pg> for Searched<ST, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS MATERIALIZED (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") SELECT *, (SELECT count(*) FROM found) FROM found");
        if let Some(beyond) = &self.beyond {
            out.push_sql(" WHERE ");
            beyond.walk_ast(out.reborrow())?;
        }
        out.push_sql(" ORDER BY ");
        self.order.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, i64>(&self.limit)
    }
}

impl<ST, Q> QueryId for Searched<ST, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST, Q> Query for Searched<ST, Q> {
    type SqlType = ST;
}

impl<ST, Q> RunQueryDsl<PgConnection> for Searched<ST, Q> {}

/// Makes PostgreSQL plan `query` for its current values every time.
///
/// The best plan for a search depends on how common a word is, and a generic plan is bad for common words.
/// Planning takes some tenths of a millisecond.
pub(crate) fn replanned<Q>(query: Q) -> Replanned<Q> {
    Replanned(query)
}

/// See [`replanned`].
pub(crate) struct Replanned<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Replanned<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // An unnamed statement is planned when its values are bound.
        out.unsafe_to_cache_prepared();
        self.0.walk_ast(out)
    }
}

impl<Q> QueryId for Replanned<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Replanned<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Replanned<Q> {}

/// A `LIKE` pattern for `text` anywhere. `%` and `_` in `text` are literal.
pub(crate) fn contains(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A `LIKE` pattern for a beginning of `text`. `%` and `_` in `text` are literal.
pub(crate) fn begins_with(text: &str) -> String {
    format!("{}%", escaped(text))
}

/// A `LIKE` pattern where `*` matches any text. All other characters are literal.
pub(crate) fn glob(text: &str) -> String {
    escaped(text).replace('*', "%")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_no_pattern() {
        assert_eq!(contains("50%_OFF\\"), "%50\\%\\_OFF\\\\%");
        assert_eq!(begins_with("A_"), "A\\_%");
    }
}
