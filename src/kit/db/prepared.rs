//! Hand-written SQL that PostgreSQL prepares once per connection.
//!
//! Diesel does not cache the statements of `sql_query`, and preparing a statement costs more than
//! running it. [`prepared`] and [`constant`] are cached under their text, which must not change.

use std::marker::PhantomData;

use diesel::expression::{TypedExpressionType, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, SqlType};

/// A statement with `?` where its values go. Answers rows of the SQL type `ST`, a tuple.
///
/// A literal question mark cannot be written; no statement here needs one.
pub(crate) fn prepared<'a, ST>(sql: &'static str) -> Prepared<'a, ST> {
    Prepared { sql, binds: Vec::new(), row: PhantomData }
}

/// See [`prepared`].
pub(crate) struct Prepared<'a, ST> {
    sql: &'static str,
    binds: Vec<Box<dyn Bind + 'a>>,
    row: PhantomData<ST>,
}

trait Bind: Send {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Bound<T, U> {
    value: U,
    sql_type: PhantomData<fn() -> T>,
}

impl<T, U> Bind for Bound<T, U>
where
    Pg: HasSqlType<T>,
    U: ToSql<T, Pg> + Send,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<T, U>(&self.value)
    }
}

impl<'a, ST> Prepared<'a, ST> {
    /// Gives the next `?` its value.
    pub(crate) fn bind<T, U>(mut self, value: U) -> Self
    where
        T: 'a,
        Pg: HasSqlType<T>,
        U: ToSql<T, Pg> + Send + 'a,
    {
        self.binds.push(Box::new(Bound { value, sql_type: PhantomData::<fn() -> T> }));
        self
    }
}

impl<ST> QueryFragment<Pg> for Prepared<'_, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut pieces = self.sql.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        for (piece, bind) in pieces.zip(&self.binds) {
            bind.push(&mut out)?;
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl<ST> QueryId for Prepared<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Prepared<'_, ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<PgConnection> for Prepared<'_, ST> {}

/// An expression of the SQL type `ST` for diesel's query builder, written by hand. Unlike
/// [`diesel::dsl::sql`], whose text might be another every time, it lets its query be cached.
pub(crate) fn constant<ST>(sql: &'static str) -> Constant<ST> {
    Constant { sql, sql_type: PhantomData }
}

/// See [`constant`].
pub(crate) struct Constant<ST> {
    sql: &'static str,
    sql_type: PhantomData<ST>,
}

impl<ST: SqlType + TypedExpressionType> Expression for Constant<ST> {
    type SqlType = ST;
}

impl<ST, Table> AppearsOnTable<Table> for Constant<ST> where Self: Expression {}

impl<ST, Table> SelectableExpression<Table> for Constant<ST> where Self: AppearsOnTable<Table> {}

impl<ST> ValidGrouping<()> for Constant<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST> QueryFragment<Pg> for Constant<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.sql);
        Ok(())
    }
}

impl<ST> QueryId for Constant<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
