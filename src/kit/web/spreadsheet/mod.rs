//! Parses uploaded CSV files in the variants that spreadsheets write. They have commas, semicolons
//! or tabs, quotes, any line ends, a `sep=` line, and use UTF-8, UTF-16 or Windows-1252.

mod cell;
mod changed;
mod encoding;
mod error;
mod layout;

use csv::{Position, StringRecord};
use serde::{Deserialize, Serialize};

pub(crate) use self::cell::{as_typed, code, safe, value};
pub(crate) use self::changed::{SpreadsheetChange, change};
pub(crate) use self::encoding::Encoding;
pub(crate) use self::error::SpreadsheetError;
use self::layout::Layout;
use super::text::is_refused;

/// How a file was parsed, for the page that shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseSummary {
    pub encoding: Encoding,
    /// The columns that were used.
    pub used: Vec<UsedColumn>,
    /// The names of the unused columns.
    pub unused: Vec<String>,
}

/// A column with its purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedColumn {
    /// The purpose: a name that the caller chose.
    pub field: String,
    /// The column's name in the file.
    pub name: String,
}

/// A parsed file.
#[derive(Clone, Debug)]
pub(crate) struct Spreadsheet {
    encoding: Encoding,
    names: Vec<String>,
    rows: Vec<(u64, StringRecord)>,
}

/// The maximum length of the list of column names in a message.
const NAMES_SHOWN: usize = 300;

impl Spreadsheet {
    /// Parses a file with up to `most` rows; blank rows are skipped. The first other row is the
    /// header.
    ///
    /// Fails if the rows can't be parsed.
    pub(crate) fn read(file: &[u8], most: usize) -> Result<Self, SpreadsheetError> {
        let (text, encoding) = encoding::decode(file)?;
        let text = normalized(text);
        let layout = Layout::of(&text);
        if let Some(line) = layout.unclosed_quote() {
            return Err(SpreadsheetError::Broken(line));
        }
        let mut records = records(&layout, most)?.into_iter();
        let (_, header) = records.next().ok_or(SpreadsheetError::Empty)?;
        let names = header.iter().map(|name| value(name.trim_matches('\u{feff}'))).collect();
        Ok(Self { encoding, names, rows: records.collect() })
    }

    /// The position of the column for the first of these names that the file has; the leftmost if
    /// several match. Plurals match too, except "Codes", which is a count in Vouch's own export.
    /// `names` must be in lower case, letters and digits only.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let is = |own: &str, name: &str| {
            let ending = own.strip_prefix(name);
            ending.is_some_and(|ending| matches!(ending, "" | "s" | "es")) && own != "codes"
        };
        names.iter().find_map(|name| self.names.iter().position(|own| is(&plain(own), name)))
    }

    /// Like [`Spreadsheet::column`], for a required column.
    pub(crate) fn required(
        &self,
        names: &[&str],
        missing: &'static str,
        needed: &'static str,
    ) -> Result<usize, SpreadsheetError> {
        self.column(names).ok_or_else(|| self.no_column(missing, needed))
    }

    /// The error for a file without a column for `missing`.
    pub(crate) fn no_column(
        &self,
        missing: &'static str,
        needed: &'static str,
    ) -> SpreadsheetError {
        let names: Vec<&str> =
            self.names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let found = names.join(", ").chars().take(NAMES_SHOWN).collect();
        SpreadsheetError::NoColumn { missing, needed, found }
    }

    /// Which columns were used, and for which purpose.
    pub(crate) fn reading(&self, used: &[(&str, Option<usize>)]) -> ParseSummary {
        let name = |at: usize| self.names.get(at).cloned().unwrap_or_default();
        let is_unused = |at: &usize| used.iter().all(|(_, used)| *used != Some(*at));
        let unused = (0..self.names.len()).filter(is_unused).map(name);
        let used = used.iter().filter_map(|(field, at)| {
            Some(UsedColumn { field: (*field).to_owned(), name: name((*at)?) })
        });
        ParseSummary {
            encoding: self.encoding,
            used: used.collect(),
            unused: unused.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// The rows, each with its first line.
    ///
    /// Fails with [`SpreadsheetError::Empty`] if there are none.
    pub(crate) fn rows(&self) -> Result<&[(u64, StringRecord)], SpreadsheetError> {
        if self.rows.is_empty() { Err(SpreadsheetError::Empty) } else { Ok(&self.rows) }
    }

    /// Whether a row has content beyond the last column. A delimiter outside of quotes splits a
    /// cell, and shifts all later cells to the wrong column.
    pub(crate) fn is_too_long(&self, record: &StringRecord) -> bool {
        record.iter().skip(self.names.len()).any(|cell| !cell.trim().is_empty())
    }
}

/// Converts line ends to LF, and replaces control characters. Vertical tabs and form feeds become
/// spaces. Codes and emails never contain the others.
fn normalized(text: String) -> String {
    let is_odd = |c: char| c == '\r' || is_refused(c);
    if !text.contains(is_odd) {
        return text;
    }
    let mut normal = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        normal.push(match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                '\n'
            }
            '\u{b}' | '\u{c}' => ' ',
            c if is_refused(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        });
    }
    normal
}

fn records(layout: &Layout<'_>, most: usize) -> Result<Vec<(u64, StringRecord)>, SpreadsheetError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(layout.delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(layout.body.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            SpreadsheetError::Broken(
                layout.lines_before + error.position().map_or(1, Position::line),
            )
        })?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if records.len() > most {
            return Err(SpreadsheetError::TooLong(most));
        }
        records.push((layout.lines_before + line_of(&record, layout.body), record));
    }
    Ok(records)
}

/// The trimmed cell of a row; empty if the column is missing.
pub(crate) fn field(record: &StringRecord, column: Option<usize>) -> &str {
    column.and_then(|at| record.get(at)).unwrap_or_default().trim()
}

/// Normalizes a column name: `Coupon_Code (required)`, `COUPON CODE` and `couponCode` are the same.
pub(crate) fn plain(name: &str) -> String {
    let name = name.split(['(', '[']).next().unwrap_or_default();
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The first line of a record. The position includes the blank lines before it.
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let before = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(before..).unwrap_or_default();
    at.line() + rest.iter().take_while(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
