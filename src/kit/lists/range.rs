//! Ranges of a list's rows by keyset, so that the last page is as fast as the first.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::expression::expression_types::NotSelectable;
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::methods::{FilterDsl, LimitDsl, OrderDsl};
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use serde::Serialize;

use crate::kit::web::display_time::is_storable;

pub(crate) const PAGE_SIZE: usize = 50;

/// The maximum length of a text value in a sort key, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

/// The type of a column of a [`SortOrder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Flag,
    Number,
    Text,
    Time,
}

/// Columns or expressions that define a total order of rows, so the last one must be unique. An index
/// must have the same columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortOrder {
    columns: &'static [(&'static str, ColumnType)],
    /// Whether the greatest value is first.
    pub(crate) descending: bool,
}

impl SortOrder {
    pub(crate) const fn ascending(columns: &'static [(&'static str, ColumnType)]) -> Self {
        Self { columns, descending: false }
    }

    pub(crate) const fn descending(columns: &'static [(&'static str, ColumnType)]) -> Self {
        Self { columns, descending: true }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Flag(bool),
    Number(i64),
    Text(String),
    Time(DateTime<Utc>),
}

impl Value {
    /// `None` for values that no row can have. Anyone can put a key into a URL, and PostgreSQL would reject
    /// such values.
    fn read(kind: ColumnType, json: &serde_json::Value) -> Option<Self> {
        match kind {
            ColumnType::Flag => json.as_bool().map(Self::Flag),
            ColumnType::Number => json.as_i64().map(Self::Number),
            ColumnType::Text => {
                let text = json.as_str()?;
                let is_possible = text.chars().count() <= MAX_TEXT_CHARS && !text.contains('\0');
                is_possible.then(|| Self::Text(text.to_owned()))
            }
            ColumnType::Time => json.as_str()?.parse().ok().filter(is_storable).map(Self::Time),
        }
    }
}

macro_rules! values {
    ($($variant:ident($from:ty)),+) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}
values!(Flag(bool), Number(i64), Text(String), Time(DateTime<Utc>));

/// A row's values in the columns of a [`SortOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SortKey(Vec<Value>);

impl SortKey {
    /// The values from column `begin` on, counted from 0.
    pub(crate) fn skip_columns(&self, begin: usize) -> Self {
        Self(self.0[begin..].to_vec())
    }

    pub(crate) fn first(&self) -> Option<&Value> {
        self.0.first()
    }

    /// Decodes the result of [`SortKey::encode`] for a row in this order.
    fn decode(order: SortOrder, text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        let values: Vec<serde_json::Value> = serde_json::from_slice(&json).ok()?;
        if values.len() != order.columns.len() {
            return None;
        }
        let read = |((_, kind), value): (&(&str, ColumnType), _)| Value::read(*kind, value);
        order.columns.iter().zip(&values).map(read).collect::<Option<_>>().map(Self)
    }

    /// The text of the key in a URL.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("sort keys are plain values"))
    }
}

impl<A: Into<Value>> From<(A,)> for SortKey {
    fn from((a,): (A,)) -> Self {
        Self(vec![a.into()])
    }
}

impl<A: Into<Value>, B: Into<Value>> From<(A, B)> for SortKey {
    fn from((a, b): (A, B)) -> Self {
        Self(vec![a.into(), b.into()])
    }
}

impl<A: Into<Value>, B: Into<Value>, C: Into<Value>> From<(A, B, C)> for SortKey {
    fn from((a, b, c): (A, B, C)) -> Self {
        Self(vec![a.into(), b.into(), c.into()])
    }
}

/// The start of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    Start,
    After(SortKey),
    /// The rows immediately before this one. They're read backward.
    Before(SortKey),
}

impl Cursor {
    /// Reads the parameters of a URL. Unparseable ones, for example of an old bookmark, mean the first page.
    pub(crate) fn read(order: SortOrder, after: &str, before: &str) -> Self {
        match (SortKey::decode(order, after), SortKey::decode(order, before)) {
            (Some(key), _) => Self::After(key),
            (None, Some(key)) => Self::Before(key),
            (None, None) => Self::Start,
        }
    }
}

/// The rows of a list to read.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) order: SortOrder,
    pub(crate) cursor: Cursor,
    pub(crate) rows: usize,
}

impl Range {
    pub(crate) fn first(order: SortOrder, rows: usize) -> Self {
        Self { order, cursor: Cursor::Start, rows }
    }

    /// A range of [`PAGE_SIZE`] rows.
    pub(crate) fn page(order: SortOrder, cursor: Cursor) -> Self {
        Self { order, cursor, rows: PAGE_SIZE }
    }

    /// The key of the row where it starts.
    pub(crate) fn key(&self) -> Option<&SortKey> {
        match &self.cursor {
            Cursor::Start => None,
            Cursor::After(key) | Cursor::Before(key) => Some(key),
        }
    }

    /// Whether the rows are read from the greatest to the smallest.
    pub(crate) fn is_descending(&self) -> bool {
        self.order.descending != matches!(self.cursor, Cursor::Before(_))
    }

    /// One row more than it shows, to know whether there's another page.
    pub(crate) fn limit(&self) -> i64 {
        self.rows as i64 + 1
    }

    /// The condition for rows beyond the start. It's one row comparison, so the index scan starts exactly
    /// there, even if many rows share the first column.
    pub(crate) fn beyond(&self) -> Option<Beyond> {
        let (order, key) = (self.order, self.key()?.clone());
        Some(Beyond { columns: order.columns, descending: self.is_descending(), key })
    }

    pub(crate) fn order_by(&self) -> OrderBy {
        OrderBy { columns: self.order.columns, descending: self.is_descending() }
    }

    /// Limits `query` to these rows, in the order of reading.
    pub(crate) fn walk<Q>(&self, query: Q) -> Q
    where
        Q: FilterDsl<Beyond, Output = Q> + OrderDsl<OrderBy, Output = Q> + LimitDsl<Output = Q>,
    {
        let query = match self.beyond() {
            Some(beyond) => FilterDsl::filter(query, beyond),
            None => query,
        };
        LimitDsl::limit(OrderDsl::order(query, self.order_by()), self.limit())
    }

    /// The rows in the list's order, with the keys for the pages around them. `rows` contains at most
    /// [`Range::limit`] rows in the order of reading.
    pub(crate) fn listing<R, K: Into<SortKey>>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
    ) -> Listing<R> {
        let more = rows.len() > self.rows;
        rows.truncate(self.rows);
        let (has_previous, has_next) = match self.cursor {
            Cursor::Start => (false, more),
            Cursor::After(_) => (true, more),
            Cursor::Before(_) => {
                rows.reverse();
                (more, true)
            }
        };
        let key = |row: &R| key(row).into();
        let previous = rows.first().filter(|_| has_previous).map(key);
        let next = rows.last().filter(|_| has_next).map(key);
        Listing { rows, previous, next }
    }
}

/// The rows of a range, in the list's order.
#[derive(Debug)]
pub(crate) struct Listing<R> {
    pub(crate) rows: Vec<R>,
    /// The key that the previous page ends before, if there is such a page.
    pub(crate) previous: Option<SortKey>,
    /// The key that the next page starts after, if there is such a page.
    pub(crate) next: Option<SortKey>,
}

impl<R> Listing<R> {
    pub(crate) fn empty() -> Self {
        Self { rows: Vec::new(), previous: None, next: None }
    }

    pub(crate) fn map<S>(self, change: impl FnMut(R) -> S) -> Listing<S> {
        let Self { rows, previous, next } = self;
        Listing { rows: rows.into_iter().map(change).collect(), previous, next }
    }

    pub(crate) fn flat_map<S, I: IntoIterator<Item = S>>(
        self,
        change: impl FnMut(R) -> I,
    ) -> Listing<S> {
        let Self { rows, previous, next } = self;
        Listing { rows: rows.into_iter().flat_map(change).collect(), previous, next }
    }

    /// Adds related data to the rows.
    pub(crate) fn complete<S>(
        self,
        change: impl FnOnce(Vec<R>) -> QueryResult<Vec<S>>,
    ) -> QueryResult<Listing<S>> {
        let Self { rows, previous, next } = self;
        Ok(Listing { rows: change(rows)?, previous, next })
    }
}

/// See [`Range::beyond`].
pub(crate) struct Beyond {
    columns: &'static [(&'static str, ColumnType)],
    descending: bool,
    key: SortKey,
}

impl QueryFragment<Pg> for Beyond {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, (column, _)) in self.columns.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", " });
            out.push_sql(column);
        }
        out.push_sql(if self.descending { ") < " } else { ") > " });
        for (at, value) in self.key.0.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", " });
            match value {
                Value::Flag(flag) => out.push_bind_param::<Bool, _>(flag)?,
                Value::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                Value::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Value::Time(time) => out.push_bind_param::<Timestamptz, _>(time)?,
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

/// See [`Range::order_by`].
pub(crate) struct OrderBy {
    columns: &'static [(&'static str, ColumnType)],
    descending: bool,
}

impl QueryFragment<Pg> for OrderBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, (column, _)) in self.columns.iter().enumerate() {
            if at > 0 {
                out.push_sql(", ");
            }
            out.push_sql(column);
            if self.descending {
                out.push_sql(" DESC");
            }
        }
        Ok(())
    }
}

macro_rules! expressions {
    ($($name:ident: $sql_type:ty),+) => {$(
        impl QueryId for $name {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
        impl Expression for $name {
            type SqlType = $sql_type;
        }
        impl<QS> AppearsOnTable<QS> for $name {}
        impl<QS> SelectableExpression<QS> for $name {}
        impl ValidGrouping<()> for $name {
            type IsAggregate = is_aggregate::Never;
        }
    )+};
}
expressions!(Beyond: Bool, OrderBy: NotSelectable);

#[cfg(test)]
mod tests {
    use super::*;

    const BY_TIME: SortOrder =
        SortOrder::descending(&[("at", ColumnType::Time), ("id", ColumnType::Number)]);
    const BY_NAME: SortOrder =
        SortOrder::ascending(&[("name", ColumnType::Text), ("id", ColumnType::Number)]);
    const BY_ID: SortOrder = SortOrder::ascending(&[("id", ColumnType::Number)]);

    #[test]
    fn a_cursor_survives_the_address() {
        let key = SortKey::from(("ámbar".to_owned(), 7_i64));
        assert_eq!(Cursor::read(BY_NAME, &key.encode(), ""), Cursor::After(key.clone()));
        assert_eq!(Cursor::read(BY_NAME, "", &key.encode()), Cursor::Before(key.clone()));
        assert_eq!(Cursor::read(BY_NAME, "rubbish", "!"), Cursor::Start);
        for other in [BY_TIME, BY_ID] {
            assert_eq!(Cursor::read(other, &key.encode(), ""), Cursor::Start, "of another sort");
        }
        let looks_like_a_time = SortKey::from(("2026-03-01T00:00:00Z".to_owned(), 7_i64));
        let read = Cursor::read(BY_NAME, &looks_like_a_time.encode(), "");
        assert_eq!(read, Cursor::After(looks_like_a_time));
    }

    #[test]
    fn a_cursor_that_no_row_can_have_is_the_first_page() {
        let read = |order, json: &str| Cursor::read(order, &URL_SAFE_NO_PAD.encode(json), "");
        assert_ne!(read(BY_TIME, r#"["2026-03-01T00:00:00Z",7]"#), Cursor::Start);
        for year in ["-262143", "-4714", "0000", "+10000", "+262142"] {
            let json = format!(r#"["{year}-01-01T00:00:00Z",7]"#);
            assert_eq!(read(BY_TIME, &json), Cursor::Start, "{year}");
        }
        let named = |name: &str| SortKey::from((name.to_owned(), 7_i64)).encode();
        assert_ne!(Cursor::read(BY_NAME, &named("ámbar"), ""), Cursor::Start);
        for name in ["\0", "a\0b", &"x".repeat(2_001)] {
            assert_eq!(Cursor::read(BY_NAME, &named(name), ""), Cursor::Start);
        }
        for json in ["null", "[]", "{}", "[7,7]", "[\"7\"]", "[1e309]", "[7.5]", "7"] {
            assert_eq!(read(BY_ID, json), Cursor::Start, "{json}");
        }
    }

    #[test]
    fn a_page_knows_its_neighbours() {
        let key = |row: &i64| (*row,);
        let first = Range::page(BY_ID, Cursor::Start).listing((0..51).collect(), key);
        let keys = (first.previous, first.next);
        assert_eq!((first.rows.len(), keys), (50, (None, Some((49,).into()))));
        let last = Range::page(BY_ID, Cursor::After((49,).into())).listing(vec![50], key);
        assert_eq!((last.previous, last.next), (Some((50,).into()), None));
        let back = Range::page(BY_ID, Cursor::Before((51,).into()));
        assert!(back.is_descending());
        let back = back.listing((0..51).rev().collect(), key);
        assert_eq!(back.rows, (1..51).collect::<Vec<i64>>());
        assert_eq!((back.previous, back.next), (Some((1,).into()), Some((50,).into())));
    }

    #[test]
    fn rows_are_compared_and_sorted_by_all_columns() {
        let key = SortKey::from(("m".to_owned(), 7_i64));
        let sql = |range: Range| {
            let beyond = diesel::debug_query::<Pg, _>(&range.beyond().unwrap()).to_string();
            let order = diesel::debug_query::<Pg, _>(&range.order_by()).to_string();
            [beyond, order].map(|sql| sql.split(" -- ").next().unwrap().to_owned())
        };
        let after = sql(Range::page(BY_NAME, Cursor::After(key.clone())));
        assert_eq!(after, ["(name, id) > ($1, $2)", "name, id"]);
        let before = sql(Range::page(BY_NAME, Cursor::Before(key)));
        assert_eq!(before, ["(name, id) < ($1, $2)", "name DESC, id DESC"]);
    }
}
