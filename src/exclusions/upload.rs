//! Exclusions from a CSV file: read line by line, each with a verdict, and added all at once or not
//! at all.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz};
use serde_json::json;

use super::forms::MAX_NOTE;
use super::look_alike::{Pattern, Shape};
use super::model::{Dates, Exclusion, ExclusionScope, MOST, NewExclusion, SaveError, check_room};
use super::terms::cover_all;
use crate::audit::{Act, Actor, record};
use crate::db::prepared;
use crate::db::schema::exclusions;
use crate::web::when::read_day;

/// As many rows are written with one statement.
const AT_ONCE: usize = 2_000;

/// Why a file cannot be read at all, in words for the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing was chosen, or nothing is in it.
    #[error("Choose a CSV file with at least a header and one code.")]
    Empty,
    /// Another encoding.
    #[error(
        "Line {0} has characters that are not UTF-8. Save the file as “CSV UTF-8” and upload it again."
    )]
    NotUtf8(u64),
    /// No such column.
    #[error(
        "The first line must be the header, with a column Coupon_Code. This file begins with: {0}"
    )]
    NoHeader(String),
    /// Too long.
    #[error("The file has more than {MOST} rows. Split it into several files.")]
    TooLong,
    /// A quote that is never closed, and the like.
    #[error("Line {0} cannot be read: a quotation mark may be missing there.")]
    Broken(u64),
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is added.
    Added,
    /// The list has it already, so: it stays as it is there.
    OnList(String),
    /// That earlier line of the file says the same.
    InFile(u64),
    /// It cannot be, and why.
    Wrong(String),
}

/// A row of the file.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line it begins on.
    pub line: u64,
    /// The code as the file has it.
    pub typed: String,
    /// What becomes of it.
    pub verdict: Verdict,
    new: Option<NewExclusion>,
}

/// A file that was read.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Its rows, blank ones left out.
    pub rows: Vec<Row>,
}

impl Upload {
    /// How many rows have that verdict.
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.rows.iter().filter(|row| is(&row.verdict)).count()
    }

    /// How many cannot be added.
    pub fn wrong(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Wrong(_)))
    }

    /// How many are new.
    pub fn added(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Added)
    }

    /// The patterns that are new.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.additions().map(|new| &new.pattern)
    }

    fn additions(&self) -> impl Iterator<Item = &NewExclusion> {
        let added = self.rows.iter().filter(|row| row.verdict == Verdict::Added);
        added.filter_map(|row| row.new.as_ref())
    }
}

/// The columns of a file.
struct Columns {
    code: usize,
    note: Option<usize>,
    starts: Option<usize>,
    ends: Option<usize>,
    scope: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Option<Self> {
        let plain = |text: &str| {
            text.trim().to_lowercase().replace([' ', '-'], "_").trim_matches('_').to_owned()
        };
        let find = |name: &str| header.iter().position(|field| plain(field) == name);
        Some(Self {
            code: find("coupon_code")?,
            note: find("description"),
            starts: find("starts"),
            ends: find("ends"),
            scope: find("applied_to"),
        })
    }
}

/// Reads a file: commas, semicolons or tabs, quotes, any line ends, with or without a mark of UTF-8.
///
/// # Errors
/// [`FileError`] where not even its rows can be told.
pub fn read(file: &[u8], tz: Tz) -> Result<Upload, FileError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = &file[..error.valid_up_to()];
        FileError::NotUtf8(1 + before.iter().filter(|byte| **byte == b'\n').count() as u64)
    })?;
    if text.trim().is_empty() {
        return Err(FileError::Empty);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(first))
        .flexible(true)
        .from_reader(text.as_bytes());
    let broken =
        |error: csv::Error| FileError::Broken(error.position().map_or(1, csv::Position::line));
    let columns = Columns::of(reader.headers().map_err(broken)?)
        .ok_or_else(|| FileError::NoHeader(first.chars().take(60).collect()))?;
    let mut upload = Upload::default();
    let mut seen = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if upload.rows.len() as i64 >= MOST {
            return Err(FileError::TooLong);
        }
        let line = line_of(&record, &text);
        upload.rows.push(row(&record, line, &columns, tz, &mut seen));
    }
    if upload.rows.is_empty() { Err(FileError::Empty) } else { Ok(upload) }
}

/// What separates the fields of the header.
fn delimiter(header: &str) -> u8 {
    let count = |of: char| header.matches(of).count();
    [(',', b','), (';', b';'), ('\t', b'\t')]
        .into_iter()
        .rev()
        .max_by_key(|(of, _)| count(*of))
        .map_or(b',', |(_, byte)| byte)
}

/// The line that a record begins on; it is read together with the blank lines before it.
fn line_of(record: &csv::StringRecord, text: &str) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let before = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(before..).unwrap_or_default();
    at.line() + rest.iter().take_while(|byte| **byte == b'\n').count() as u64
}

fn row(
    record: &csv::StringRecord,
    line: u64,
    columns: &Columns,
    tz: Tz,
    seen: &mut HashMap<String, u64>,
) -> Row {
    let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().trim();
    let typed = as_typed(field(Some(columns.code))).to_owned();
    match new_exclusion(&typed, &field, columns, tz) {
        Err(why) => Row { line, typed, verdict: Verdict::Wrong(why), new: None },
        Ok(new) => {
            let verdict = match seen.get(new.pattern.key()) {
                Some(earlier) => Verdict::InFile(*earlier),
                None => {
                    seen.insert(new.pattern.key().to_owned(), line);
                    Verdict::Added
                }
            };
            Row { line, typed, verdict, new: Some(new) }
        }
    }
}

/// Without the mark by which files keep spreadsheets from taking a text for a formula.
fn as_typed(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => field,
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
        return Err(format!("The description has more than {MAX_NOTE} characters."));
    }
    let starts_on = day(field(columns.starts))?;
    let ends_on = day(field(columns.ends))?;
    if starts_on.zip(ends_on).is_some_and(|(first, last)| last < first) {
        return Err("It ends before it starts.".to_owned());
    }
    let scope = match field(columns.scope).to_lowercase().replace(' ', "_").as_str() {
        "" => ExclusionScope::Claims,
        name => ExclusionScope::parse(name)
            .ok_or("Applied_To is “Claims” or “Claims and orders”.".to_owned())?,
    };
    Ok(NewExclusion { pattern, note, scope, dates: Dates::new(starts_on, ends_on, tz) })
}

fn day(typed: &str) -> Result<Option<NaiveDate>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    read_day(typed)
        .map(Some)
        .ok_or_else(|| format!("“{typed}” is no date; write it as 2026-11-27."))
}

/// Marks what the list has already.
///
/// # Errors
/// The database's.
pub fn compare(conn: &mut PgConnection, merchant_id: i64, upload: &mut Upload) -> QueryResult<()> {
    let keys: Vec<String> = upload.patterns().map(|pattern| pattern.key().to_owned()).collect();
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
        let Some(new) = row.new.as_ref().filter(|_| row.verdict == Verdict::Added) else {
            continue;
        };
        if let Some(value) = held.get(new.pattern.key()) {
            row.verdict = Verdict::OnList(value.clone());
        }
    }
    Ok(())
}

/// Adds what is new, all of it in the running transaction.
///
/// # Errors
/// [`SaveError::TooMany`] and [`SaveError::TooManyComposed`] when it does not fit onto the list.
pub fn add_all(conn: &mut PgConnection, actor: &Actor, upload: &Upload) -> Result<(), SaveError> {
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
    let act = Act {
        action: "exclusion.uploaded",
        subject_kind: "exclusion",
        subject_id: None,
        summary: format!("Excluded {} codes and patterns from a CSV file.", all.len()),
        before: None,
        after: Some(json!({
            "added": all.len(),
            "first": all.iter().take(20).map(|new| new.pattern.value()).collect::<Vec<_>>(),
        })),
    };
    Ok(record(conn, actor, act)?)
}

fn insert(conn: &mut PgConnection, actor: &Actor, some: &[&NewExclusion]) -> QueryResult<usize> {
    fn column<'a, T>(some: &[&'a NewExclusion], of: impl Fn(&'a NewExclusion) -> T) -> Vec<T> {
        some.iter().map(|new| of(new)).collect()
    }
    prepared::<()>(
        "INSERT INTO exclusions (merchant_id, added_at, added_by, value, key, shape, anchor, note, \
             scope, starts_on, ends_on, starts_at, ends_at) \
         SELECT ?, ?, ?, n.* FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], \
             ?::text[], ?::date[], ?::date[], ?::timestamptz[], ?::timestamptz[]) AS n \
         ON CONFLICT (merchant_id, key) WHERE removed_at IS NULL DO NOTHING",
    )
    .bind::<BigInt, _>(actor.merchant_id)
    .bind::<Timestamptz, _>(actor.now)
    .bind::<Text, _>(actor.name.as_str())
    .bind::<Array<Text>, _>(column(some, |new| new.pattern.value()))
    .bind::<Array<Text>, _>(column(some, |new| new.pattern.key()))
    .bind::<Array<Text>, _>(column(some, |new| new.pattern.shape()))
    .bind::<Array<Text>, _>(column(some, |new| new.pattern.anchor()))
    .bind::<Array<Text>, _>(column(some, |new| new.note.as_str()))
    .bind::<Array<Text>, _>(column(some, |new| new.scope))
    .bind::<Array<Nullable<Date>>, _>(column(some, |new| new.dates.starts_on))
    .bind::<Array<Nullable<Date>>, _>(column(some, |new| new.dates.ends_on))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(some, |new| new.dates.starts_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(some, |new| new.dates.ends_at))
    .execute(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(file: &[u8]) -> Vec<(u64, String, Verdict)> {
        let upload = read(file, Tz::UTC).unwrap();
        upload.rows.into_iter().map(|row| (row.line, row.typed, row.verdict)).collect()
    }

    fn codes(file: &[u8]) -> Vec<String> {
        verdicts(file).into_iter().map(|(_, typed, _)| typed).collect()
    }

    #[test]
    fn files_are_read_as_spreadsheets_write_them() {
        let file = b"Coupon_Code\r\nSAVE10\r\n\r\n\"BLACK,FRIDAY*\"\r\n";
        assert_eq!(codes(file), ["SAVE10", "BLACK,FRIDAY*"]);
        assert_eq!(
            codes(b"\xef\xbb\xbfcoupon code;Description\nA1;\"two\nlines\"\nA2;x"),
            ["A1", "A2"]
        );
        assert_eq!(codes(b"Description\tCoupon_Code\nx\tA1\n"), ["A1"]);
        assert_eq!(codes(b"Coupon_Code\n'-10\n'quoted\n"), ["-10", "'quoted"]);
        assert_eq!(codes("Coupon_Code\nGRÜN15\n".as_bytes()), ["GRÜN15"]);
        for file in
            ["Coupon_Code\r\nA1\r\n\r\nA2\r\n", "Coupon_Code\nA1\n\nA2", "Coupon_Code\rA1\r\rA2"]
        {
            let lines: Vec<u64> = verdicts(file.as_bytes()).into_iter().map(|row| row.0).collect();
            assert_eq!(lines, [2, 4], "{file:?}");
        }
    }

    #[test]
    fn every_row_has_its_verdict() {
        let file = b"Coupon_Code,Description,Starts,Ends,Applied_To\nSAVE-10,,,,\nsave1o,,,,\n*,,,,\nA1,,soon,,\nA2,,2026-02-02,2026-02-01,\nA3,,,,orders\nA4,,,,Claims and orders\n";
        let found = verdicts(file);
        assert_eq!(found[0].2, Verdict::Added);
        assert_eq!(found[1].2, Verdict::InFile(2));
        for (at, part) in [
            (2, "nearly every code"),
            (3, "“soon” is no date"),
            (4, "ends before"),
            (5, "Applied_To"),
        ] {
            let Verdict::Wrong(why) = &found[at].2 else { panic!("{:?}", found[at]) };
            assert!(why.contains(part), "{why}");
        }
        assert_eq!((found[6].0, &found[6].2), (8, &Verdict::Added));
    }

    #[test]
    fn what_is_no_such_file_is_refused_as_a_whole() {
        let refused = |file: &[u8]| read(file, Tz::UTC).map(|_| ()).unwrap_err();
        assert_eq!(refused(b""), FileError::Empty);
        assert_eq!(refused(b"Coupon_Code\n\n"), FileError::Empty);
        assert_eq!(refused(b"Coupon_Code\nA1\nGR\xdcN15\n"), FileError::NotUtf8(3));
        assert_eq!(refused(b"\xff\xfeC\0o\0"), FileError::NotUtf8(1));
        assert_eq!(refused(b"SAVE10\nSAVE20\n"), FileError::NoHeader("SAVE10".to_owned()));
    }
}
