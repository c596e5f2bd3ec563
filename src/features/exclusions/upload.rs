//! Exclusions from a CSV file, parsed line by line with a status for each. They're added all at
//! once or not at all.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use csv::StringRecord;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text, Timestamptz};
use serde_json::json;

use super::exclusion::{Dates, Exclusion};
use super::forms::MAX_NOTE;
use super::look_alike::{Pattern, Shape};
use super::model::{MAX, NewExclusion, SaveError, check_room};
use super::terms::cover_all;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::availability::ExclusionScope;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::exclusions;
use crate::kit::db::statement::{rows, statement};
use crate::kit::web::display_time::read_day;
use crate::kit::web::spreadsheet::{
    self, ParseSummary, Spreadsheet, SpreadsheetChange, SpreadsheetError, as_typed,
};

/// Rows per statement.
const AT_ONCE: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UploadStatus {
    Added,
    /// The list already has it, in this spelling. That one stays as it is.
    OnList(String),
    /// It repeats that earlier line of the file.
    InFile(u64),
    /// It looks changed by a spreadsheet, and the user didn't confirm it.
    Changed(SpreadsheetChange),
    /// It can't be added, for this reason.
    Wrong(String),
}

impl UploadStatus {
    /// For scripts and tests.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::OnList(_) => "on_list",
            Self::InFile(_) => "duplicate",
            Self::Changed(_) => "changed",
            Self::Wrong(_) => "refused",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct UploadRow {
    /// The line where it begins.
    pub(crate) line: u64,
    /// The code as in the file.
    pub(crate) typed: String,
    pub(crate) status: UploadStatus,
    new: Option<NewExclusion>,
}

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    /// Without blank rows.
    pub(crate) rows: Vec<UploadRow>,
    /// The columns used, among other things.
    pub(crate) reading: ParseSummary,
}

impl Upload {
    pub(crate) fn count(&self, is: impl Fn(&UploadStatus) -> bool) -> usize {
        self.rows.iter().filter(|row| is(&row.status)).count()
    }

    /// Rows that can't be added.
    pub(crate) fn wrong(&self) -> usize {
        self.count(|status| matches!(status, UploadStatus::Wrong(_)))
    }

    /// Rows that need a confirmation.
    pub(crate) fn changed(&self) -> usize {
        self.count(|status| matches!(status, UploadStatus::Changed(_)))
    }

    pub(crate) fn added(&self) -> usize {
        self.count(|status| *status == UploadStatus::Added)
    }

    /// The patterns of new rows.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.additions().map(|new| &new.pattern)
    }

    fn additions(&self) -> impl Iterator<Item = &NewExclusion> {
        let added = self.rows.iter().filter(|row| row.status == UploadStatus::Added);
        added.filter_map(|row| row.new.as_ref())
    }
}

/// The positions of a file's columns.
struct Columns {
    code: usize,
    note: Option<usize>,
    starts: Option<usize>,
    ends: Option<usize>,
    scope: Option<usize>,
}

/// Names of the column in other programs. Refersion's template has `Coupon_Code`.
const CODES: &[&str] = &[
    "couponcode",
    "discountcode",
    "promocode",
    "promotioncode",
    "vouchercode",
    "coupon",
    "voucher",
    "promo",
    "code",
    "pattern",
];

impl Columns {
    fn of(spreadsheet: &Spreadsheet) -> Result<Self, SpreadsheetError> {
        Ok(Self {
            code: spreadsheet.required(CODES, "the codes", "a column Coupon_Code")?,
            note: spreadsheet.column(&["description", "note"]),
            starts: spreadsheet.column(&["starts", "startson", "startdate"]),
            ends: spreadsheet.column(&["ends", "endson", "enddate"]),
            scope: spreadsheet.column(&["appliedto", "appliesto"]),
        })
    }

    fn reading(&self, spreadsheet: &Spreadsheet) -> ParseSummary {
        spreadsheet.reading(&[
            ("Coupon_Code", Some(self.code)),
            ("Description", self.note),
            ("Starts", self.starts),
            ("Ends", self.ends),
            ("Applied_To", self.scope),
        ])
    }
}

/// Parses a file. Codes that look changed by a spreadsheet are added only with `keep_changed`.
/// Fails with [`SpreadsheetError`] if it isn't possible to find the rows.
pub(crate) fn read(file: &[u8], tz: Tz, keep_changed: bool) -> Result<Upload, SpreadsheetError> {
    let spreadsheet = Spreadsheet::read(file, MAX as usize)?;
    let columns = Columns::of(&spreadsheet)?;
    let mut seen = HashMap::new();
    let rows = spreadsheet.rows()?.iter().map(|(line, record)| {
        if spreadsheet.is_too_long(record) {
            let typed = spreadsheet::value(spreadsheet::field(record, Some(columns.code)));
            return UploadRow {
                line: *line,
                typed,
                status: UploadStatus::Wrong(TOO_LONG.into()),
                new: None,
            };
        }
        let mut row = row(record, *line, &columns, tz, &mut seen);
        if keep_changed && matches!(row.status, UploadStatus::Changed(_)) {
            row.status = UploadStatus::Added;
        }
        row
    });
    let rows = rows.collect();
    Ok(Upload { rows, reading: columns.reading(&spreadsheet) })
}

const TOO_LONG: &str = text::MORE_CELLS;

fn row(
    record: &StringRecord,
    line: u64,
    columns: &Columns,
    tz: Tz,
    seen: &mut HashMap<String, u64>,
) -> UploadRow {
    let field = |at: Option<usize>| spreadsheet::field(record, at);
    let (typed, change) = spreadsheet::code(field(Some(columns.code)));
    match new_exclusion(&typed, &field, columns, tz) {
        Err(why) => {
            let changed = change.map(|change| format!(" {}", change.words())).unwrap_or_default();
            UploadRow {
                line,
                typed,
                status: UploadStatus::Wrong(format!("{why}{changed}")),
                new: None,
            }
        }
        Ok(new) => {
            let status = match seen.get(new.pattern.key()) {
                Some(earlier) => UploadStatus::InFile(*earlier),
                None => {
                    seen.insert(new.pattern.key().to_owned(), line);
                    change.map_or(UploadStatus::Added, UploadStatus::Changed)
                }
            };
            UploadRow { line, typed, status, new: Some(new) }
        }
    }
}

fn new_exclusion<'a>(
    typed: &str,
    field: &impl Fn(Option<usize>) -> &'a str,
    columns: &Columns,
    tz: Tz,
) -> Result<NewExclusion, String> {
    let pattern = Pattern::parse(typed).map_err(|error| error.to_string())?;
    let note = as_typed(field(columns.note)).to_owned();
    if note.chars().count() > MAX_NOTE {
        return Err(text::note_too_long(MAX_NOTE));
    }
    let starts_on = day(field(columns.starts))?;
    let ends_on = day(field(columns.ends))?;
    if starts_on.zip(ends_on).is_some_and(|(first, last)| last < first) {
        return Err(text::ENDS_BEFORE_START.to_owned());
    }
    let scope = match field(columns.scope).to_lowercase().replace(' ', "_").as_str() {
        "" => ExclusionScope::Claims,
        name => ExclusionScope::parse(name).ok_or(text::UNKNOWN_SCOPE.to_owned())?,
    };
    Ok(NewExclusion { pattern, note, scope, dates: Dates::new(starts_on, ends_on, tz) })
}

fn day(typed: &str) -> Result<Option<NaiveDate>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    read_day(typed).map(Some).ok_or_else(|| text::unknown_date(typed))
}

/// Marks rows that the list already has.
pub(crate) fn compare(
    conn: &mut PgConnection,
    merchant_id: i64,
    upload: &mut Upload,
) -> QueryResult<()> {
    let read = upload.rows.iter().filter_map(|row| row.new.as_ref());
    let keys: Vec<String> = read.map(|new| new.pattern.key().to_owned()).collect();
    let mut held = HashMap::new();
    for some in keys.chunks(AT_ONCE) {
        let found: Vec<(String, String)> = exclusions::table
            .filter(exclusions::merchant_id.eq(merchant_id))
            .filter(exclusions::removed_at.is_null())
            .filter(exclusions::key.eq_any(some))
            .select((exclusions::key, exclusions::value))
            .load(conn)?;
        held.extend(found);
    }
    for row in &mut upload.rows {
        let is_new = matches!(row.status, UploadStatus::Added | UploadStatus::Changed(_));
        let Some(new) = row.new.as_ref().filter(|_| is_new) else { continue };
        if let Some(value) = held.get(new.pattern.key()) {
            row.status = UploadStatus::OnList(value.clone());
        }
    }
    Ok(())
}

/// Adds all new rows in the running transaction. Fails with [`SaveError::TooMany`] or
/// [`SaveError::TooManyComposed`] if they don't fit on the list.
pub(crate) fn add_all(
    conn: &mut PgConnection,
    actor: &Actor,
    upload: &Upload,
) -> Result<(), SaveError> {
    let all: Vec<&NewExclusion> = upload.additions().collect();
    if all.is_empty() {
        return Ok(());
    }
    let composed = all.iter().filter(|new| new.pattern.shape() == Shape::Composed).count() as i64;
    check_room(conn, actor.merchant_id, all.len() as i64, false)?;
    check_room(conn, actor.merchant_id, composed, composed > 0)?;
    for some in all.chunks(AT_ONCE) {
        insert(conn, actor, some)?;
    }
    let covering: Vec<Exclusion> = exclusions::table
        .filter(exclusions::merchant_id.eq(actor.merchant_id))
        .filter(exclusions::added_at.eq(actor.now))
        .filter(exclusions::removed_at.is_null())
        .filter(exclusions::scope.eq(ExclusionScope::ClaimsAndOrders))
        .select(Exclusion::as_select())
        .load(conn)?;
    cover_all(conn, actor, &covering)?;
    let event = AuditEvent::ExclusionsImported { count: all.len() };
    let act = Act {
        after: Some(json!({
            "added": all.len(),
            "first": all.iter().take(20).map(|new| new.pattern.value()).collect::<Vec<_>>(),
        })),
        ..Act::new(event, SubjectKind::Exclusion, None)
    };
    Ok(record(conn, actor, act)?)
}

fn insert(conn: &mut PgConnection, actor: &Actor, some: &[&NewExclusion]) -> QueryResult<usize> {
    statement!(
        "INSERT INTO exclusions (merchant_id, added_at, added_by, :new.columns) \
         SELECT :merchant_id, :now, :by, :new.columns FROM :new \
         ON CONFLICT (merchant_id, key, twin) WHERE removed_at IS NULL DO NOTHING",
        merchant_id: BigInt = actor.merchant_id,
        now: Timestamptz = actor.now,
        by: Text = actor.name.as_str(),
        ..new = rows!(for new in some =>
            value: Text = new.pattern.value(),
            key: Text = new.pattern.key(),
            shape: Text = new.pattern.shape(),
            anchor: Text = new.pattern.anchor(),
            note: Text = new.note.as_str(),
            scope: Text = new.scope,
            starts_on: Nullable<Date> = new.dates.starts_on,
            ends_on: Nullable<Date> = new.dates.ends_on,
            starts_at: Nullable<Timestamptz> = new.dates.starts_at,
            ends_at: Nullable<Timestamptz> = new.dates.ends_at,
        ),
    )
    .execute(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(file: &[u8]) -> Vec<(u64, String, UploadStatus)> {
        let upload = read(file, Tz::UTC, false).unwrap();
        upload.rows.into_iter().map(|row| (row.line, row.typed, row.status)).collect()
    }

    #[test]
    fn every_row_has_its_verdict() {
        let file = b"Coupon_Code,Description,Starts,Ends,Applied_To\nSAVE-10,,,,\nsave1o,,,,\n*,,,,\nA1,,soon,,\nA2,,2026-02-02,2026-02-01,\nA3,,,,orders\nA4,,,,Claims and orders\n";
        let found = verdicts(file);
        assert_eq!(found[0].2, UploadStatus::Added);
        assert_eq!(found[1].2, UploadStatus::InFile(2));
        let wrong = found[2..6].iter().map(|row| match &row.2 {
            UploadStatus::Wrong(why) => why.as_str(),
            status => panic!("{status:?}"),
        });
        let reasons: std::collections::HashSet<&str> = wrong.collect();
        assert_eq!(reasons.len(), 4, "each has its own reason: {reasons:?}");
        assert_eq!((found[6].0, &found[6].2), (8, &UploadStatus::Added));
    }
}
