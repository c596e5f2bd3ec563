//! Reads and writes dated tables under one lock.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::history::{Period, Write, changed, current, held_from, second, writes};

/// The value of a dated fact; [`dated!`] implements it for a table.
pub(crate) trait Dated: Clone + PartialEq + Sized {
    /// The subject of the fact.
    type Key: Copy;

    /// Locks the row that the fact belongs to (`FOR NO KEY UPDATE`) until the end of the
    /// transaction. So the second of two concurrent changes waits, and then sees the first.
    fn lock_owner(conn: &mut PgConnection, key: Self::Key) -> QueryResult<()>;
    /// Every period, sorted by time.
    fn periods(conn: &mut PgConnection, key: Self::Key) -> QueryResult<Vec<Period<Self>>>;
    /// Deletes the period that starts at `from`.
    fn delete(conn: &mut PgConnection, key: Self::Key, from: DateTime<Utc>) -> QueryResult<()>;
    /// Changes the end of the period that starts at `from`.
    fn end(
        conn: &mut PgConnection,
        key: Self::Key,
        from: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
    ) -> QueryResult<()>;
    fn insert(conn: &mut PgConnection, key: Self::Key, period: &Period<Self>) -> QueryResult<()>;
}

/// A change that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatedChange<V> {
    /// Orders placed from this second on may be attributed differently.
    pub(crate) from: DateTime<Utc>,
    /// The active value before the change, if there was one.
    pub(crate) before: Option<V>,
}

/// Inserts the first period of a fact. This transaction must have inserted the owning row, because
/// no lock is taken.
pub(crate) fn begin<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: V,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    V::insert(conn, key, &Period { from: second(at), until: None, value })
}

/// Makes `value` active from `now` on; `None` ends the fact. Returns the change, if any.
pub(crate) fn change<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: Option<V>,
    now: DateTime<Utc>,
) -> QueryResult<Option<DatedChange<V>>> {
    V::lock_owner(conn, key)?;
    let before = V::periods(conn, key)?;
    let after = changed(&before, value, now);
    write(conn, key, &before, &after)
}

/// Makes `value` active from `from` on, in the past or in the future, and replaces everything after
/// it. Returns the change, if any.
pub(crate) fn hold_from<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: Option<V>,
    from: DateTime<Utc>,
) -> QueryResult<Option<DatedChange<V>>> {
    V::lock_owner(conn, key)?;
    let before = V::periods(conn, key)?;
    let after = held_from(&before, value, from);
    write(conn, key, &before, &after)
}

fn write<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    before: &[Period<V>],
    after: &[Period<V>],
) -> QueryResult<Option<DatedChange<V>>> {
    let planned = writes(before, after);
    let first = planned.iter().map(|write| match write {
        Write::Delete { from } => *from,
        Write::Begin(period) => period.from,
        Write::End { from, until } => {
            let was = before.iter().find(|old| old.from == *from).and_then(|old| old.until);
            [was, *until].into_iter().flatten().min().unwrap_or(*from)
        }
    });
    let Some(from) = first.min() else { return Ok(None) };
    for write in &planned {
        match write {
            Write::Delete { from } => V::delete(conn, key, *from)?,
            Write::End { from, until } => V::end(conn, key, *from, *until)?,
            Write::Begin(period) => V::insert(conn, key, period)?,
        }
    }
    Ok(Some(DatedChange { from, before: current(before).cloned() }))
}

/// Declares the value of a dated table: the value columns, the key columns, and the table of the
/// owning row.
macro_rules! dated {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident
        in $table:ident($($key:ident: $key_type:ty),+) of $owner:ident($($owner_key:ident),+)
        { $($(#[$doc:meta])* $column_vis:vis $column:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$doc])* $column_vis $column: $type,)* }

        impl $crate::kit::dated::Dated for $name {
            type Key = ($($key_type,)+);

            fn lock_owner(conn: &mut diesel::PgConnection, key: Self::Key) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::kit::db::schema::$owner;
                let ($($key,)+) = key;
                $(let _ = $key;)+
                let owner = $owner::table.find(($($owner_key),+));
                owner.select($owner::id).for_no_key_update().first::<i64>(conn).map(drop)
            }

            fn periods(
                conn: &mut diesel::PgConnection,
                key: Self::Key,
            ) -> diesel::QueryResult<Vec<$crate::kit::dated::Period<Self>>> {
                use diesel::prelude::*;
                use $crate::kit::db::schema::$table;
                type Moment = chrono::DateTime<chrono::Utc>;
                let ($($key,)+) = key;
                let mut query = $table::table.into_boxed();
                $(query = query.filter($table::$key.eq($key));)+
                let rows = query
                    .order($table::valid_from)
                    .select(($table::valid_from, $table::valid_until, $($table::$column,)*))
                    .load::<(Moment, Option<Moment>, $($type,)*)>(conn)?;
                let period = |(from, until, $($column,)*): (Moment, Option<Moment>, $($type,)*)| {
                    $crate::kit::dated::Period { from, until, value: Self { $($column,)* } }
                };
                Ok(rows.into_iter().map(period).collect())
            }

            fn delete(
                conn: &mut diesel::PgConnection,
                key: Self::Key,
                from: chrono::DateTime<chrono::Utc>,
            ) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::kit::db::schema::$table;
                let ($($key,)+) = key;
                diesel::delete($table::table.find(($($key,)+ from))).execute(conn).map(drop)
            }

            fn end(
                conn: &mut diesel::PgConnection,
                key: Self::Key,
                from: chrono::DateTime<chrono::Utc>,
                until: Option<chrono::DateTime<chrono::Utc>>,
            ) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::kit::db::schema::$table;
                let ($($key,)+) = key;
                let period = $table::table.find(($($key,)+ from));
                diesel::update(period).set($table::valid_until.eq(until)).execute(conn).map(drop)
            }

            fn insert(
                conn: &mut diesel::PgConnection,
                key: Self::Key,
                period: &$crate::kit::dated::Period<Self>,
            ) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::kit::db::schema::$table;
                let ($($key,)+) = key;
                diesel::insert_into($table::table)
                    .values((
                        $($table::$key.eq($key),)+
                        $table::valid_from.eq(period.from),
                        $table::valid_until.eq(period.until),
                        $($table::$column.eq(&period.value.$column),)*
                    ))
                    .execute(conn)
                    .map(drop)
            }
        }
    };
}

/// [`super::at_or_first`] in SQL: a lateral join that yields the active period at `:placed_at` as
/// `$alias`.
macro_rules! in_force_or_first {
    ($table:literal, $alias:literal, $of:literal) => {
        concat!(
            " CROSS JOIN LATERAL (SELECT * FROM ",
            $table,
            " d WHERE ",
            $of,
            " ORDER BY d.valid_from <= :placed_at DESC, \
                CASE WHEN d.valid_from <= :placed_at THEN d.valid_from END DESC, d.valid_from \
                LIMIT 1) ",
            $alias,
            " "
        )
    };
}

pub(crate) use {dated, in_force_or_first};
