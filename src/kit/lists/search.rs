//! What searches of long lists need beyond Diesel's query builder: sorting only after what was searched
//! for is found, planning a search for the word it looks for, and patterns for `LIKE`.

use std::marker::PhantomData;

use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::range::{Beyond, OrderBy, Range};

/// A text column whose parts are searched, for `LIKE` and `ILIKE`.
///
/// Indexes of parts (`gin_trgm_ops`) also serve `=` since PostgreSQL 14, at a thousand times the price of a
/// btree index, and for a long list of values the planner chooses them. So the indexes of columns that are
/// compared with `=` as well (`triggers.key`, `triggers.look_alike`) have the collation POSIX. It orders
/// as the columns' own "C" does, and only a comparison that names it, as this one, can use them. Every
/// other comparison has the btree indexes, whatever its plan. `tests/plans.rs` checks that of every index.
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

/// A column of a select list under a name of its own, for the order of [`searched`].
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

/// Finds what `query` answers, which is to have a limit, and only then counts it, sorts it and takes
/// `limit` rows of what lies beyond the cursor. Behind each row stands how many were found in all.
///
/// With the search on a trigram index and the order on another, PostgreSQL sometimes prefers to
/// walk along the order until it has met enough hits, and a rare word makes it walk the whole
/// table. A materialised part cannot be walked that way, and is searched once for rows and count.
/// The order of `range` names columns without a table. `ST` is the SQL type of the rows with that number
/// behind them.
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

/// Has PostgreSQL plan `query` for the values of today, each time anew.
///
/// How common a word is decides how a search is best done, and a plan that serves all words alike
/// serves common ones badly. Planning costs some tenths of a millisecond.
pub(crate) fn replanned<Q>(query: Q) -> Replanned<Q> {
    Replanned(query)
}

/// See [`replanned`].
pub(crate) struct Replanned<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Replanned<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // An unnamed statement is planned when its values are there.
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

/// A pattern for `LIKE` that finds `text` anywhere, its `%` and `_` taken as they are.
pub(crate) fn contains(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A pattern for `LIKE` that finds what begins with `text`.
pub(crate) fn begins_with(text: &str) -> String {
    format!("{}%", escaped(text))
}

/// A pattern for `LIKE` in which `*` stands for anything, and all else for itself.
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
