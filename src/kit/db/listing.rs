//! What long lists need beyond Diesel's query builder: comparing sort keys as rows, counting up to
//! a limit, sorting only after what was searched for is found, and planning a search for the word
//! it looks for.

use std::marker::PhantomData;

use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Text};

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

impl<T, U, QS> SelectableExpression<QS> for Beyond<T, U> {}

impl<T, U> ValidGrouping<()> for Beyond<T, U> {
    type IsAggregate = is_aggregate::Never;
}

/// A text column whose parts are searched, for `LIKE` and `ILIKE`.
///
/// Indexes of parts (`gin_trgm_ops`) also serve `=` since PostgreSQL 14, at a thousand times the price of a
/// btree index, and for a long list of values the planner chooses them. So the indexes of columns that are
/// compared with `=` as well (`triggers.key`, `triggers.look_alike`) have the collation POSIX. It orders
/// as the columns' own "C" does, and only a comparison that names it, as this one, can use them. Every
/// other comparison has the btree indexes, whatever its plan. `tests/plans.rs` checks that of every index.
pub fn by_parts<E>(column: E) -> ByParts<E> {
    ByParts(column)
}

/// See [`by_parts`].
pub struct ByParts<E>(E);

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

/// A column of a select list under a name of its own, for the `order` and the `beyond` of [`searched`].
pub fn named<E>(expression: E, name: &'static str) -> Named<E> {
    Named { expression, name }
}

/// See [`named`].
pub struct Named<E> {
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

/// How many rows of the merchant a list shows, as far as `limit`, which `query` has as well; one more,
/// or any greater number, stands for all beyond.
///
/// `all_of` names what the list shows where it shows all there is, of rows that are never deleted: once
/// there were more, there always will be, and the connection remembers that instead of counting again.
pub fn list_count<Q: QueryFragment<Pg> + Send>(
    conn: &mut PgConnection,
    query: Q,
    limit: i64,
    all_of: Option<&str>,
    merchant_id: i64,
) -> QueryResult<i64> {
    let Some(what) = all_of else { return count_of(query).get_result(conn) };
    let note = format!("vouch.many_{what}_{merchant_id}");
    CountOfKept { query, note, limit }.get_result(conn)
}

struct CountOfKept<Q> {
    query: Q,
    /// The setting of the connection that remembers.
    note: String,
    limit: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for CountOfKept<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT CASE WHEN current_setting(");
        out.push_bind_param::<Text, _>(&self.note)?;
        out.push_sql(", true) = 'yes' THEN ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" + 1 ELSE (SELECT CASE WHEN found > ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" AND remember_many(");
        out.push_bind_param::<Text, _>(&self.note)?;
        out.push_sql(") THEN found ELSE found END FROM (SELECT count(*) FROM (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted) AS counts (found)) END");
        Ok(())
    }
}

impl<Q> QueryId for CountOfKept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for CountOfKept<Q> {
    type SqlType = BigInt;
}

impl<Q> RunQueryDsl<PgConnection> for CountOfKept<Q> {}

/// Finds what `query` answers, which is to have a limit, and only then counts it, sorts it and takes
/// `limit` rows of what lies beyond the cursor. Behind each row stands how many were found in all.
///
/// With the search on a trigram index and the order on another, PostgreSQL sometimes prefers to
/// walk along the order until it has met enough hits, and a rare word makes it walk the whole
/// table. A materialised part cannot be walked that way, and is searched once for rows and count.
/// `order` and the columns of `beyond` are without a table. `ST` is the SQL type of the rows with that
/// number behind them.
pub fn searched<ST, Q, B>(
    query: Q,
    beyond: Option<B>,
    order: &'static str,
    limit: i64,
) -> Searched<ST, Q, B> {
    Searched { query, beyond, order, limit, row: PhantomData }
}

/// See [`searched`].
pub struct Searched<ST, Q, B> {
    query: Q,
    beyond: Option<B>,
    order: &'static str,
    limit: i64,
    row: PhantomData<fn() -> ST>,
}

impl<ST, Q: QueryFragment<Pg>, B: QueryFragment<Pg>> QueryFragment<Pg> for Searched<ST, Q, B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH found AS MATERIALIZED (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") SELECT *, (SELECT count(*) FROM found) FROM found");
        if let Some(beyond) = &self.beyond {
            out.push_sql(" WHERE ");
            beyond.walk_ast(out.reborrow())?;
        }
        out.push_sql(" ORDER BY ");
        out.push_sql(self.order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, i64>(&self.limit)
    }
}

impl<ST, Q, B> QueryId for Searched<ST, Q, B> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST, Q, B> Query for Searched<ST, Q, B> {
    type SqlType = ST;
}

impl<ST, Q, B> RunQueryDsl<PgConnection> for Searched<ST, Q, B> {}

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
