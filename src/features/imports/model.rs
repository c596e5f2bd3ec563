use chrono::{DateTime, Duration, Utc};
use diesel::dsl::{And, Eq, Filter, IsNull, exists};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};

use super::file::File;
use super::row::{ImportRow, Problem};
use crate::kit::audit::Actor;
use crate::kit::db::schema::{import_rows, imports};
use crate::kit::db::statement::{rows, statement};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::lists::{ColumnType, Listing, Range, SortOrder};
use crate::kit::web::spreadsheet::ParseSummary;

/// An import that isn't saved is deleted after this many hours.
const OPEN_HOURS: i64 = 24;
/// The rejected rows of a saved import are deleted after this many days.
const REFUSED_DAYS: i64 = 30;
/// Longer file names are cut to this many characters.
const NAME: usize = 200;

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = imports)]
pub(crate) struct Import {
    pub(super) merchant_id: i64,
    pub(crate) id: i64,
    /// The name of the file on the uploader's computer.
    pub(crate) file_name: String,
    pub(crate) row_count: i32,
    pub(crate) uploaded_at: DateTime<Utc>,
    pub(crate) uploaded_by: String,
    /// When its last trigger was created; `None` while it's open or running.
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) completed_by: Option<String>,
    /// How many triggers exist so far.
    pub(crate) created_count: i32,
    /// How many of them were created although an exclusion matches.
    pub(crate) despite_count: i32,
    /// How many of them a spreadsheet seems to have changed.
    pub(crate) changed_count: i32,
    /// A [`ParseSummary`]; `None` for files from before it was stored.
    reading: Option<serde_json::Value>,
    /// The state of the run, while triggers are being created.
    pub(super) run: Option<serde_json::Value>,
}

impl Import {
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        imports::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Import::find`] with a row lock until the end of the transaction.
    pub(super) fn lock(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        imports::table.find((merchant_id, id)).select(Self::as_select()).for_update().first(conn)
    }

    /// [`Import::lock`] for a running import that no other worker has locked.
    pub(super) fn take(
        conn: &mut PgConnection,
        merchant_id: i64,
        id: i64,
    ) -> QueryResult<Option<Self>> {
        imports::table
            .find((merchant_id, id))
            .filter(imports::run.is_not_null())
            .select(Self::as_select())
            .for_update()
            .skip_locked()
            .first(conn)
            .optional()
    }

    /// Whether a member still has to decide.
    pub(crate) fn is_open(&self) -> bool {
        self.completed_at.is_none() && !self.is_running()
    }

    /// Whether its triggers are being created.
    pub(crate) fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// How many rows were rejected.
    pub(crate) fn refused_count(&self) -> i32 {
        self.row_count - self.created_count
    }

    /// How the file was parsed, if that's stored.
    pub(crate) fn reading(&self) -> Option<ParseSummary> {
        serde_json::from_value(self.reading.clone()?).ok()
    }
}

/// A row that's skipped while others are created, with the reason.
pub(super) struct SkippedRow {
    pub(crate) line: i32,
    pub(crate) problem: Option<Problem>,
    /// The reason as text, if there's no problem code.
    pub(crate) refusal: Option<String>,
}

/// Stores the rows of a file until a member reviews them. Returns the import's ID.
pub fn open(
    conn: &mut PgConnection,
    actor: &Actor,
    file_name: &str,
    file: &File,
) -> QueryResult<i64> {
    let rows = &file.rows;
    let id: i64 = diesel::insert_into(imports::table)
        .values((
            imports::merchant_id.eq(actor.merchant_id),
            imports::file_name.eq(file_name.trim().chars().take(NAME).collect::<String>()),
            imports::row_count.eq(i32::try_from(rows.len()).unwrap_or(i32::MAX)),
            imports::uploaded_at.eq(actor.now),
            imports::uploaded_by.eq(&actor.name),
            imports::reading.eq(serde_json::to_value(&file.reading).ok()),
        ))
        .returning(imports::id)
        .get_result(conn)?;
    statement!(
        "INSERT INTO import_rows (merchant_id, import_id, :new.columns) \
         SELECT :merchant_id, :id, :new.columns FROM :new",
        merchant_id: BigInt = actor.merchant_id,
        id: BigInt,
        ..new = rows!(for row in rows =>
            line: Integer = row.line,
            named_id: Text = row.named_id.as_str(),
            named_email: Text = row.named_email.as_str(),
            affiliate: Text = row.affiliate.as_str(),
            kind: Text = row.kind.as_str(),
            value: Text = row.value.as_str(),
            problem: Nullable<Text> = row.problem,
        ),
    )
    .execute(conn)?;
    Ok(id)
}

/// An import's stored rows, in file order.
pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    import_id: i64,
) -> QueryResult<Vec<ImportRow>> {
    import_rows::table
        .filter(import_rows::merchant_id.eq(merchant_id))
        .filter(import_rows::import_id.eq(import_id))
        .order(import_rows::line)
        .select(ImportRow::as_select())
        .load(conn)
}

/// An import's skipped rows, in file order.
pub(crate) fn skipped_rows(
    conn: &mut PgConnection,
    import: &Import,
) -> QueryResult<Vec<ImportRow>> {
    of(import)
        .filter(import_rows::refusal.is_not_null().or(import_rows::problem.is_not_null()))
        .order(import_rows::line)
        .select(ImportRow::as_select())
        .load(conn)
}

/// How many rows of a running import are still to be created.
pub(crate) fn waiting_count(conn: &mut PgConnection, import: &Import) -> QueryResult<i64> {
    of(import).filter(waits()).count().get_result(conn)
}

/// The next rows of a running import to create.
pub(super) fn next_rows(
    conn: &mut PgConnection,
    import: &Import,
    limit: usize,
) -> QueryResult<Vec<ImportRow>> {
    of(import)
        .filter(waits())
        .order(import_rows::line)
        .limit(limit as i64)
        .select(ImportRow::as_select())
        .load(conn)
}

type Of = Filter<
    import_rows::table,
    And<Eq<import_rows::merchant_id, i64>, Eq<import_rows::import_id, i64>>,
>;

fn of(import: &Import) -> Of {
    import_rows::table.filter(
        import_rows::merchant_id.eq(import.merchant_id).and(import_rows::import_id.eq(import.id)),
    )
}

fn waits() -> And<IsNull<import_rows::refusal>, IsNull<import_rows::problem>> {
    import_rows::refusal.is_null().and(import_rows::problem.is_null())
}

/// Stores these rows as skipped, with the reasons.
pub(super) fn skip(
    conn: &mut PgConnection,
    import: &Import,
    rows: &[SkippedRow],
) -> QueryResult<()> {
    statement!(
        "UPDATE import_rows r SET refusal = new.refusal, problem = new.problem FROM :new \
         WHERE r.merchant_id = :merchant_id AND r.import_id = :import_id AND r.line = new.line",
        merchant_id: BigInt = import.merchant_id,
        import_id: BigInt = import.id,
        ..new = rows!(for row in rows =>
            line: Integer = row.line,
            refusal: Nullable<Text> = row.refusal.as_deref(),
            problem: Nullable<Text> = row.problem,
        ),
    )
    .execute(conn)?;
    Ok(())
}

/// Deletes these rows, because their triggers exist now.
pub(super) fn created(conn: &mut PgConnection, import: &Import, lines: &[i32]) -> QueryResult<()> {
    diesel::delete(of(import).filter(import_rows::line.eq_any(lines))).execute(conn)?;
    Ok(())
}

/// The newest first.
pub(crate) const NEWEST: SortOrder = SortOrder::descending(&[("id", ColumnType::Number)]);

/// Some of the merchant's imports.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    range: &Range,
) -> QueryResult<Listing<Import>> {
    let all = imports::table
        .filter(imports::merchant_id.eq(merchant_id))
        .select(Import::as_select())
        .into_boxed();
    let found: Vec<Import> = range.walk(all).load(conn)?;
    Ok(range.listing(found, |import| (import.id,)))
}

/// Deletes imports that were never saved, and the rejected rows of old ones. Returns how many.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        // An import that's being saved right now is skipped until the next run.
        let open: Vec<(i64, i64)> = imports::table
            .filter(imports::completed_at.is_null())
            .filter(imports::run.is_null())
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
