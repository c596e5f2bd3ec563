//! Dated tables: one lock, one way to write, one way to read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::history::{Period, Write, changed, current, held_from, second, writes};

/// A fact with its value; [`dated!`] makes it of a table.
pub trait Dated: Clone + PartialEq + Sized {
    /// What the fact is of.
    type Key: Copy;

    /// Locks the row that the fact belongs to (`FOR NO KEY UPDATE`), for the rest of the
    /// transaction: of two changes at once the second waits, and then sees the first.
    fn lock_owner(conn: &mut PgConnection, key: Self::Key) -> QueryResult<()>;
    /// Every period, in the order of time.
    fn periods(conn: &mut PgConnection, key: Self::Key) -> QueryResult<Vec<Period<Self>>>;
    /// Deletes the period that begins there.
    fn delete(conn: &mut PgConnection, key: Self::Key, from: DateTime<Utc>) -> QueryResult<()>;
    /// Gives the period that begins there another end.
    fn end(
        conn: &mut PgConnection,
        key: Self::Key,
        from: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
    ) -> QueryResult<()>;
    /// Inserts a period.
    fn insert(conn: &mut PgConnection, key: Self::Key, period: &Period<Self>) -> QueryResult<()>;
}

/// A change that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<V> {
    /// From which second on orders are judged otherwise.
    pub from: DateTime<Utc>,
    /// What was in force; none where nothing was.
    pub before: Option<V>,
}

/// The first period of a fact whose owner this transaction has just inserted.
pub fn begin<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: V,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    V::insert(conn, key, &Period { from: second(at), until: None, value })
}

/// Makes `value` the one in force from `now` on; `None` ends it. Answers what changed, if anything.
pub fn change<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: Option<V>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Changed<V>>> {
    V::lock_owner(conn, key)?;
    let before = V::periods(conn, key)?;
    let after = changed(&before, value, now);
    write(conn, key, &before, &after)
}

/// Makes `value` the one in force from `from` on, be that in the past or in the future, whatever was
/// from then on before. Answers what changed, if anything.
pub fn hold_from<V: Dated>(
    conn: &mut PgConnection,
    key: V::Key,
    value: Option<V>,
    from: DateTime<Utc>,
) -> QueryResult<Option<Changed<V>>> {
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
) -> QueryResult<Option<Changed<V>>> {
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
    Ok(Some(Changed { from, before: current(before).cloned() }))
}

/// Declares the value of a dated table: its columns, those that say what the fact is of, and the
/// table of the row that they belong to.
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

/// [`super::at_or_first`] as SQL: a lateral join of the period in force at `:placed_at`, as the alias.
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
