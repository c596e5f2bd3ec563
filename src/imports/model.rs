use chrono::{DateTime, Duration, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};

use crate::audit::Actor;
use crate::db::schema::{import_rows, imports};
use crate::db::{Db, Scope, prepared};
use crate::error::AppResult;
use crate::web::paginate::{Cursor, Listing, PAGE_SIZE};

/// A file that nobody saves is forgotten after so many hours.
const OPEN_HOURS: i64 = 24;
/// The refused rows of one that was saved, after so many days.
const REFUSED_DAYS: i64 = 30;
/// As much of a file's name is kept.
const NAME: usize = 200;

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub struct Import {
    /// Its key within the merchant.
    pub id: i64,
    /// What the file is called where it comes from.
    pub file_name: String,
    /// How many rows it had.
    pub row_count: i32,
    /// When it was uploaded.
    pub uploaded_at: DateTime<Utc>,
    /// By whom.
    pub uploaded_by: String,
    /// When its triggers were created; none while it waits for that.
    pub completed_at: Option<DateTime<Utc>>,
    /// By whom.
    pub completed_by: Option<String>,
    /// How many that were.
    pub created_count: i32,
    /// How many of these an exclusion stops.
    pub despite_count: i32,
}

impl Import {
    /// The merchant's import of that key.
    ///
    /// # Errors
    /// `NotFound` when there is none; another merchant's is none.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        imports::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Import::find`], kept from others until the end of the transaction.
    pub(super) fn lock(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        imports::table.find((merchant_id, id)).select(Self::as_select()).for_update().first(conn)
    }

    /// How many rows were refused.
    pub fn refused_count(&self) -> i32 {
        self.row_count - self.created_count
    }
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = import_rows)]
pub struct Row {
    /// The line it begins on.
    pub line: i32,
    /// The affiliate ID or e-mail address, as in the file.
    pub affiliate: String,
    /// The type, as in the file.
    pub kind: String,
    /// The code, address or SKU, as in the file.
    pub value: String,
    /// Why it was refused when the file was saved.
    pub refusal: Option<String>,
}

/// Keeps the rows of a file until somebody has looked at them; answers its key.
///
/// # Errors
/// The database's.
pub fn open(
    conn: &mut PgConnection,
    actor: &Actor,
    file_name: &str,
    rows: &[Row],
) -> QueryResult<i64> {
    let id: i64 = diesel::insert_into(imports::table)
        .values((
            imports::merchant_id.eq(actor.merchant_id),
            imports::file_name.eq(file_name.trim().chars().take(NAME).collect::<String>()),
            imports::row_count.eq(i32::try_from(rows.len()).unwrap_or(i32::MAX)),
            imports::uploaded_at.eq(actor.now),
            imports::uploaded_by.eq(&actor.name),
        ))
        .returning(imports::id)
        .get_result(conn)?;
    let texts = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    prepared::<()>(
        "INSERT INTO import_rows (merchant_id, import_id, line, affiliate, kind, value) \
         SELECT ?, ?, n.* FROM unnest(?::integer[], ?::text[], ?::text[], ?::text[]) AS n",
    )
    .bind::<BigInt, _>(actor.merchant_id)
    .bind::<BigInt, _>(id)
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.line).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(texts(|row| &row.affiliate))
    .bind::<Array<Text>, _>(texts(|row| &row.kind))
    .bind::<Array<Text>, _>(texts(|row| &row.value))
    .execute(conn)?;
    Ok(id)
}

/// The rows that are kept of an import, in the order of the file.
///
/// # Errors
/// The database's.
pub fn rows(conn: &mut PgConnection, merchant_id: i64, import_id: i64) -> QueryResult<Vec<Row>> {
    import_rows::table
        .filter(import_rows::merchant_id.eq(merchant_id))
        .filter(import_rows::import_id.eq(import_id))
        .order(import_rows::line)
        .select(Row::as_select())
        .load(conn)
}

/// Keeps of an import the rows that were refused, with the reasons.
pub(super) fn refuse(
    conn: &mut PgConnection,
    merchant_id: i64,
    import_id: i64,
    refusals: &[(i32, String)],
) -> QueryResult<()> {
    prepared::<()>(
        "UPDATE import_rows r SET refusal = n.refusal \
         FROM unnest(?::integer[], ?::text[]) AS n (line, refusal) \
         WHERE r.merchant_id = ? AND r.import_id = ? AND r.line = n.line",
    )
    .bind::<Array<Integer>, _>(refusals.iter().map(|(line, _)| *line).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(refusals.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>())
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(import_id)
    .execute(conn)?;
    let created = import_rows::table
        .filter(import_rows::merchant_id.eq(merchant_id))
        .filter(import_rows::import_id.eq(import_id))
        .filter(import_rows::refusal.is_null());
    diesel::delete(created).execute(conn).map(drop)
}

/// One page of the merchant's imports, the newest first.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    cursor: &Cursor<i64>,
) -> QueryResult<Listing<Import>> {
    let all = imports::table
        .filter(imports::merchant_id.eq(merchant_id))
        .select(Import::as_select())
        .limit(PAGE_SIZE as i64 + 1)
        .into_boxed();
    let found = match cursor {
        Cursor::Start => all.order(imports::id.desc()),
        Cursor::After(id) => all.filter(imports::id.lt(*id)).order(imports::id.desc()),
        Cursor::Before(id) => all.filter(imports::id.gt(*id)).order(imports::id),
    };
    Ok(Listing::new(found.load(conn)?, cursor, |import: &Import| import.id))
}

/// Forgets files that nobody has saved, and the refused rows of old ones; answers how many.
///
/// # Errors
/// The database's.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Installation, |conn| {
        // One that somebody saves at this moment is left for the next time.
        let open: Vec<(i64, i64)> = imports::table
            .filter(imports::completed_at.is_null())
            .filter(imports::uploaded_at.lt(now - Duration::hours(OPEN_HOURS)))
            .select((imports::merchant_id, imports::id))
            .for_update()
            .skip_locked()
            .load(conn)?;
        for key in &open {
            let rows = import_rows::table
                .filter(import_rows::merchant_id.eq(key.0))
                .filter(import_rows::import_id.eq(key.1));
            diesel::delete(rows).execute(conn)?;
            diesel::delete(imports::table.find(*key)).execute(conn)?;
        }
        let old = imports::table
            .filter(imports::merchant_id.eq(import_rows::merchant_id))
            .filter(imports::id.eq(import_rows::import_id))
            .filter(imports::completed_at.lt(now - Duration::days(REFUSED_DAYS)));
        let rows = diesel::delete(import_rows::table.filter(exists(old))).execute(conn)?;
        QueryResult::Ok(rows + open.len())
    })
}
