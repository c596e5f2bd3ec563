//! SQL statements that Diesel can't express, with named values. Rows are loaded by column name.
//!
//! ```ignore
//! statement!(
//!     "UPDATE triggers t SET look_alike = new.look_alike FROM :new \
//!      WHERE t.merchant_id = :merchant_id AND t.id = new.id",
//!     merchant_id: BigInt = actor.merchant_id,
//!     ..new = rows!(for one in changed => id: BigInt = one.id, look_alike: Text = one.look_alike()),
//! )
//! .execute(conn)
//! ```
//!
//! A `:name` without a value doesn't compile, nor does a value without a `:name`. A group comes after
//! `..`. Its columns are `:name.columns` and its values `:name.values` in the text. `:name` is the
//! relation that [`rows!`] creates from many values.
//!
//! PostgreSQL prepares a statement once per connection, because Diesel caches it by its text. Diesel
//! doesn't do that for `sql_query` or its own `UPDATE`. Preparing a statement costs more than running it.

use std::marker::PhantomData;

use diesel::expression::expression_types::Untyped;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, SingleValue};

/// A [`Statement`] from a constant text and the values of its `:names`. A value is
/// `name: SqlType = value`, or `name: SqlType` for a variable with that name.
macro_rules! statement {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    (
        $sql:expr
        $(, $name:ident : $type:ty $(= $value:expr)?)*
        $(, ..$group:ident = $columns:expr)*
        $(,)?
    ) => {{
        const TEXT: &str = $sql;
        const VALUES: &[&str] = &[$(stringify!($name)),*];
        const GROUPS: &[&str] = &[$(stringify!($group)),*];
        static PARTS: [$crate::kit::db::statement::SqlPart;
            $crate::kit::db::statement::count(TEXT)] =
            $crate::kit::db::statement::parts(TEXT, VALUES, GROUPS);
        $crate::kit::db::statement::Statement::new(&PARTS)
            $(.value::<$type, _>(statement!(@value $name $($value)?)))*
            $(.group($columns))*
    }};
}

/// Values of several columns, each as `column: SqlType = value`, for statements that share them.
macro_rules! columns {
    ($($name:ident : $type:ty = $value:expr),+ $(,)?) => {
        $crate::kit::db::statement::ColumnValues::default()
            $(.with::<$type, _>(stringify!($name), $value))+
    };
}

/// Values of many rows: `for row in rows => column: SqlType = value, …`. `rows` is a reference to a
/// collection or an iterator. It's cloned and traversed once per column.
macro_rules! rows {
    (for $row:pat in $rows:expr => $($name:ident : $type:ty = $value:expr),+ $(,)?) => {{
        let rows = $rows;
        $crate::kit::db::statement::ColumnValues::default()$(
            .with_array::<$type, _>(
                stringify!($name),
                Clone::clone(&rows).into_iter()
                    .map(|#[allow(unused_variables, reason = "a column needs a part of the row")] $row| $value)
                    .collect::<Vec<_>>(),
            )
        )+
    }};
}

pub(crate) use {columns, rows, statement};

/// A piece of SQL, followed by a value.
#[derive(Clone, Copy)]
pub(crate) struct SqlPart {
    sql: &'static str,
    name: &'static str,
    form: Form,
    /// The index of the argument.
    at: usize,
}

#[derive(Clone, Copy)]
enum Form {
    /// A value, or the relation of a group.
    Plain,
    Columns,
    Values,
    /// The end of the text; no value follows.
    End,
}

const fn is_of_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The start and end of the next `:name`. A `::cast` and quoted text don't count.
const fn placeholder(sql: &[u8], from: usize) -> Option<(usize, usize)> {
    let (mut at, mut is_quoted) = (from, false);
    while at < sql.len() {
        if sql[at] == b'\'' {
            is_quoted = !is_quoted;
        } else if sql[at] == b':' && !is_quoted {
            let mut end = at + 1;
            while end < sql.len() && is_of_name(sql[end]) {
                end += 1;
            }
            if end > at + 1 {
                return Some((at, end));
            }
            if end < sql.len() && sql[end] == b':' {
                at += 1;
            }
        }
        at += 1;
    }
    None
}

const fn slice(sql: &'static str, from: usize, to: usize) -> &'static str {
    sql.split_at(to).0.split_at(from).1
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

const fn begins_with(sql: &[u8], from: usize, word: &[u8]) -> bool {
    sql.len() >= from + word.len() && is_same(sql.split_at(from).1.split_at(word.len()).0, word)
}

const fn position(names: &[&str], name: &str) -> Option<usize> {
    let mut at = 0;
    while at < names.len() {
        if is_same(names[at].as_bytes(), name.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The number of parts in a text.
pub(crate) const fn count(sql: &str) -> usize {
    let (mut count, mut from) = (1, 0);
    while let Some((_, end)) = placeholder(sql.as_bytes(), from) {
        count += 1;
        from = end;
    }
    count
}

/// Splits a text into its parts. Panics if its names differ from those in `values` and `groups`. Only
/// for constants, where a panic is a compiler error.
pub(crate) const fn parts<const N: usize>(
    sql: &'static str,
    values: &[&str],
    groups: &[&str],
) -> [SqlPart; N] {
    let mut parts = [SqlPart { sql: "", name: "", form: Form::End, at: 0 }; N];
    let (mut count, mut from) = (0, 0);
    while let Some((begin, end)) = placeholder(sql.as_bytes(), from) {
        let name = slice(sql, begin + 1, end);
        let before = slice(sql, from, begin);
        let (at, form) = match (position(values, name), position(groups, name)) {
            (Some(at), _) => (at, Form::Plain),
            (None, None) => panic!("a :name of the statement has no value"),
            (None, Some(at)) if begins_with(sql.as_bytes(), end, COLUMNS) => {
                (values.len() + at, Form::Columns)
            }
            (None, Some(at)) if begins_with(sql.as_bytes(), end, VALUES) => {
                (values.len() + at, Form::Values)
            }
            (None, Some(at)) => (values.len() + at, Form::Plain),
        };
        parts[count] = SqlPart { sql: before, name, form, at };
        from = match form {
            Form::Columns => end + COLUMNS.len(),
            Form::Values => end + VALUES.len(),
            Form::Plain | Form::End => end,
        };
        count += 1;
    }
    parts[count] = SqlPart { sql: slice(sql, from, sql.len()), name: "", form: Form::End, at: 0 };
    let mut at = 0;
    while at < values.len() + groups.len() {
        let mut part = 0;
        while part < count && parts[part].at != at {
            part += 1;
        }
        assert!(part < count, "the statement has no :name for one of its values");
        at += 1;
    }
    parts
}

const COLUMNS: &[u8] = b".columns";
const VALUES: &[u8] = b".values";

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

type BoxedBind<'a> = Box<dyn Bind + 'a>;

fn boxed<'a, T, U>(value: U) -> BoxedBind<'a>
where
    T: 'a,
    Pg: HasSqlType<T>,
    U: ToSql<T, Pg> + Send + 'a,
{
    Box::new(Bound { value, sql_type: PhantomData::<fn() -> T> })
}

/// Columns and their values; see [`columns!`] and [`rows!`].
#[derive(Default)]
pub(crate) struct ColumnValues<'a>(Vec<ColumnValue<'a>>);

struct ColumnValue<'a> {
    name: &'static str,
    value: BoxedBind<'a>,
    /// The type of an array of it, for [`rows!`].
    array: &'static str,
}

/// A type of which arrays are bound. `unnest` takes arrays of any type, so its parameters say theirs: a
/// statement then has the same meaning where it's prepared without types, as `script/bench` does.
pub(crate) trait ArrayElement: 'static {
    const ARRAY: &'static str;
}

macro_rules! array_elements {
    ($($type:ident = $array:literal),+ $(,)?) => {$(
        impl ArrayElement for diesel::sql_types::$type {
            const ARRAY: &'static str = $array;
        }
    )+};
}
array_elements!(
    BigInt = "bigint[]",
    Bool = "boolean[]",
    Date = "date[]",
    Integer = "integer[]",
    SmallInt = "smallint[]",
    Text = "text[]",
    Timestamptz = "timestamptz[]",
);

impl<T> ArrayElement for diesel::sql_types::Nullable<T>
where
    T: ArrayElement + diesel::sql_types::SqlType,
{
    const ARRAY: &'static str = T::ARRAY;
}

impl<'a> ColumnValues<'a> {
    pub(crate) fn with<T, U>(mut self, name: &'static str, value: U) -> Self
    where
        T: 'a,
        Pg: HasSqlType<T>,
        U: ToSql<T, Pg> + Send + 'a,
    {
        self.0.push(ColumnValue { name, value: boxed::<T, U>(value), array: "" });
        self
    }

    pub(crate) fn with_array<T, U>(mut self, name: &'static str, values: U) -> Self
    where
        T: ArrayElement,
        Pg: HasSqlType<Array<T>>,
        U: ToSql<Array<T>, Pg> + Send + 'a,
    {
        let value = boxed::<Array<T>, U>(values);
        self.0.push(ColumnValue { name, value, array: T::ARRAY });
        self
    }

    fn push_names(&self, out: &mut AstPass<'_, '_, Pg>) {
        for (at, column) in self.0.iter().enumerate() {
            out.push_sql(if at == 0 { "" } else { ", " });
            out.push_sql(column.name);
        }
    }

    fn push_values<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, column) in self.0.iter().enumerate() {
            out.push_sql(if at == 0 { "" } else { ", " });
            column.value.push(out)?;
            if !column.array.is_empty() {
                out.push_sql("::");
                out.push_sql(column.array);
            }
        }
        Ok(())
    }

    fn push_relation<'b>(
        &'b self,
        name: &'static str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql("unnest(");
        self.push_values(out)?;
        out.push_sql(") AS ");
        out.push_sql(name);
        out.push_sql(" (");
        self.push_names(out);
        out.push_sql(")");
        Ok(())
    }
}

enum Argument<'a> {
    Value(BoxedBind<'a>),
    Group(ColumnValues<'a>),
}

/// A statement with its values; see [`statement!`]. Its rows are [`QueryableByName`].
pub(crate) struct Statement<'a> {
    parts: &'static [SqlPart],
    arguments: Vec<Argument<'a>>,
}

impl<'a> Statement<'a> {
    pub(crate) fn new(parts: &'static [SqlPart]) -> Self {
        Self { parts, arguments: Vec::with_capacity(parts.len()) }
    }

    pub(crate) fn value<T, U>(mut self, value: U) -> Self
    where
        T: 'a,
        Pg: HasSqlType<T>,
        U: ToSql<T, Pg> + Send + 'a,
    {
        self.arguments.push(Argument::Value(boxed::<T, U>(value)));
        self
    }

    pub(crate) fn group(mut self, columns: ColumnValues<'a>) -> Self {
        self.arguments.push(Argument::Group(columns));
        self
    }

    /// Loads rows with a single column of this SQL type.
    pub(crate) fn scalar<ST: SingleValue>(self) -> ScalarQuery<'a, ST> {
        ScalarQuery { statement: self, column: PhantomData }
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in self.parts {
            out.push_sql(part.sql);
            match (part.form, self.arguments.get(part.at)) {
                (Form::End, _) | (_, None) => {}
                (_, Some(Argument::Value(value))) => value.push(&mut out)?,
                (Form::Columns, Some(Argument::Group(group))) => group.push_names(&mut out),
                (Form::Values, Some(Argument::Group(group))) => group.push_values(&mut out)?,
                (Form::Plain, Some(Argument::Group(group))) => {
                    group.push_relation(part.name, &mut out)?;
                }
            }
        }
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Statement<'_> {}

/// See [`Statement::scalar`].
pub(crate) struct ScalarQuery<'a, ST> {
    statement: Statement<'a>,
    column: PhantomData<fn() -> ST>,
}

impl<ST> QueryFragment<Pg> for ScalarQuery<'_, ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }
}

impl<ST> QueryId for ScalarQuery<'_, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for ScalarQuery<'_, ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<PgConnection> for ScalarQuery<'_, ST> {}

#[cfg(test)]
mod tests {
    use diesel::debug_query;
    use diesel::sql_types::{BigInt, Nullable, Text};

    use super::*;

    fn text(statement: &Statement<'_>) -> String {
        debug_query::<Pg, _>(statement).to_string()
    }

    #[test]
    fn values_stand_where_their_names_are() {
        let code = "SAVE10";
        let found = statement!(
            "SELECT id::text, ':code' FROM triggers WHERE value = :code OR key = :code \
                 AND merchant_id = :merchant_id",
            merchant_id: BigInt = 7_i64,
            code: Text,
        );
        assert_eq!(
            text(&found),
            "SELECT id::text, ':code' FROM triggers WHERE value = $1 OR key = $2 \
                 AND merchant_id = $3 -- binds: [\"SAVE10\", \"SAVE10\", 7]"
        );
    }

    #[test]
    fn a_group_gives_its_columns_and_values() {
        let named = || columns!(name: Nullable<Text> = Some("Ana"), status: Text = "active");
        let insert = statement!(
            "INSERT INTO affiliates (merchant_id, :who.columns) VALUES (:merchant_id, :who.values)",
            merchant_id: BigInt = 7_i64,
            ..who = named(),
        );
        assert_eq!(
            text(&insert),
            "INSERT INTO affiliates (merchant_id, name, status) VALUES ($1, $2, $3) \
             -- binds: [7, Some(\"Ana\"), \"active\"]"
        );
        let update = statement!(
            "UPDATE affiliates SET (:who.columns) = (:who.values)",
            ..who = named(),
        );
        assert_eq!(
            text(&update),
            "UPDATE affiliates SET (name, status) = ($1, $2) -- binds: [Some(\"Ana\"), \"active\"]"
        );
    }

    #[test]
    fn many_rows_are_a_relation_with_named_columns() {
        let codes = [(1_i64, "A"), (2, "B")];
        let insert = statement!(
            "INSERT INTO triggers (merchant_id, :new.columns) \
             SELECT :merchant_id, :new.columns FROM :new",
            merchant_id: BigInt = 7_i64,
            ..new = rows!(for (id, value) in &codes => id: BigInt = *id, value: Text = *value),
        );
        assert_eq!(
            text(&insert),
            "INSERT INTO triggers (merchant_id, id, value) \
             SELECT $1, id, value FROM unnest($2::bigint[], $3::text[]) AS new (id, value) \
             -- binds: [7, [1, 2], [\"A\", \"B\"]]"
        );
    }

    #[test]
    #[should_panic = "has no value"]
    fn a_name_needs_a_value() {
        let _: [SqlPart; 2] = parts("SELECT :this", &["that"], &[]);
    }

    #[test]
    #[should_panic = "has no :name"]
    fn a_value_needs_a_name() {
        let _: [SqlPart; 2] = parts("SELECT :this", &["this", "that"], &[]);
    }
}
