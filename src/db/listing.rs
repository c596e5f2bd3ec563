//! What long lists need beyond Diesel's query builder: comparing sort keys as rows, counting up to
//! a limit, sorting only after what was searched for is found, and planning a search for the word
//! it looks for.

use std::marker::PhantomData;

use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType};

/// The rows beyond a sort key: `(column, id) > (key, id)`, or `<` when `descending`.
///
/// As one comparison of rows, so that an index on both columns begins right there, however many
/// rows share the first one.
pub fn beyond<T, U>(columns: &'static str, descending: bool, key: U, id: i64) -> Beyond<T, U> {
    Beyond { columns, descending, key, id, sql_type: PhantomData }
}

/// See [`beyond`].
pub struct Beyond<T, U> {
    columns: &'static str,
    descending: bool,
    key: U,
    id: i64,
    sql_type: PhantomData<fn() -> T>,
}

impl<T, U> QueryFragment<Pg> for Beyond<T, U>
where
    Pg: HasSqlType<T>,
    U: ToSql<T, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_sql(self.columns);
        out.push_sql(if self.descending { ") < (" } else { ") > (" });
        out.push_bind_param::<T, U>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, i64>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<T, U> QueryId for Beyond<T, U> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, U> Expression for Beyond<T, U> {
    type SqlType = Bool;
}

impl<T, U, QS> AppearsOnTable<QS> for Beyond<T, U> {}

impl<T, U> ValidGrouping<()> for Beyond<T, U> {
    type IsAggregate = is_aggregate::Never;
}

/// How many rows `query` answers. Give it a limit, so that the count costs no more than that.
pub fn count_of<Q>(query: Q) -> CountOf<Q> {
    CountOf(query)
}

/// See [`count_of`].
pub struct CountOf<Q>(Q);

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

/// Finds what `query` answers, and only then sorts it and takes `limit` rows.
///
/// With the search on a trigram index and the order on another, PostgreSQL sometimes prefers to
/// walk along the order until it has met enough hits, and a rare word makes it walk the whole
/// table. A materialised part cannot be walked that way. `order` names columns without a table.
pub fn sorted_after<Q>(query: Q, order: &'static str, limit: i64) -> SortedAfter<Q> {
    SortedAfter { query, order, limit }
}

/// See [`sorted_after`].
pub struct SortedAfter<Q> {
    query: Q,
    order: &'static str,
    limit: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for SortedAfter<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS MATERIALIZED (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") SELECT * FROM found ORDER BY ");
        out.push_sql(self.order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, i64>(&self.limit)
    }
}

impl<Q> QueryId for SortedAfter<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for SortedAfter<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for SortedAfter<Q> {}

/// Has PostgreSQL plan `query` for the values of today, each time anew.
///
/// How common a word is decides how a search is best done, and a plan that serves all words alike
/// serves common ones badly. Planning costs some tenths of a millisecond.
pub fn replanned<Q>(query: Q) -> Replanned<Q> {
    Replanned(query)
}

/// See [`replanned`].
pub struct Replanned<Q>(Q);

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
pub fn contains(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A pattern for `LIKE` that finds what begins with `text`.
pub fn begins_with(text: &str) -> String {
    format!("{}%", escaped(text))
}

/// A pattern for `LIKE` in which `*` stands for anything, and all else for itself.
pub fn glob(text: &str) -> String {
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
