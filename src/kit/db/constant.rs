//! Hand-written expressions inside Diesel's query builder. Whole statements are in `statement`.

use std::marker::PhantomData;

use diesel::expression::{TypedExpressionType, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::SqlType;

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
