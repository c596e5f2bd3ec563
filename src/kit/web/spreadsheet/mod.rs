//! CSV files that come in, as spreadsheets write them: commas, semicolons or tabs, quotes, any line
//! ends, a `sep=` line, in UTF-8, UTF-16 or Windows-1252.

mod cell;
mod changed;
mod encoding;
mod error;
mod layout;

use csv::{Position, StringRecord};
use serde::{Deserialize, Serialize};

pub use self::cell::{as_typed, code, safe, value};
pub use self::changed::{Change, change};
pub use self::encoding::Encoding;
pub use self::error::SpreadsheetError;
use self::layout::Layout;
use super::text::is_refused;

/// How a file was read, for the page that shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub encoding: Encoding,
    /// The columns that were used.
    pub used: Vec<UsedColumn>,
    /// The names of the others.
    pub unused: Vec<String>,
}

/// A column with what it was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedColumn {
    /// What it was used for: a name that the reader of the file chose.
    pub field: String,
    /// What the file calls it.
    pub name: String,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Spreadsheet {
    encoding: Encoding,
    names: Vec<String>,
    rows: Vec<(u64, StringRecord)>,
}

/// As many characters are shown of the names of columns.
const NAMES_SHOWN: usize = 300;

impl Spreadsheet {
    /// Reads a file of at most `most` rows, blank ones left out. The first that isn't blank is the
    /// header.
    ///
    /// # Errors
    /// [`SpreadsheetError`] where not even its rows can be told.
    pub fn read(file: &[u8], most: usize) -> Result<Self, SpreadsheetError> {
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

    /// Where the column stands that has the first of these names that there is; the left one where
    /// several have it. A plural is the same name, but for "Codes", which is how many an affiliate has
    /// in Vouch's own export. Names are written in lower case, letters and digits only.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let is = |own: &str, name: &str| {
            let ending = own.strip_prefix(name);
            ending.is_some_and(|ending| matches!(ending, "" | "s" | "es")) && own != "codes"
        };
        names.iter().find_map(|name| self.names.iter().position(|own| is(&plain(own), name)))
    }

    /// [`Spreadsheet::column`], of a column that must be there.
    pub fn required(
        &self,
        names: &[&str],
        missing: &'static str,
        needed: &'static str,
    ) -> Result<usize, SpreadsheetError> {
        self.column(names).ok_or_else(|| self.no_column(missing, needed))
    }

    /// What is said of a file without a column for `missing`.
    pub fn no_column(&self, missing: &'static str, needed: &'static str) -> SpreadsheetError {
        let names: Vec<&str> =
            self.names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let found = names.join(", ").chars().take(NAMES_SHOWN).collect();
        SpreadsheetError::NoColumn { missing, needed, found }
    }

    /// Which columns were used, each with what for.
    pub fn reading(&self, used: &[(&str, Option<usize>)]) -> Reading {
        let name = |at: usize| self.names.get(at).cloned().unwrap_or_default();
        let is_unused = |at: &usize| used.iter().all(|(_, used)| *used != Some(*at));
        let unused = (0..self.names.len()).filter(is_unused).map(name);
        let used = used.iter().filter_map(|(field, at)| {
            Some(UsedColumn { field: (*field).to_owned(), name: name((*at)?) })
        });
        Reading {
            encoding: self.encoding,
            used: used.collect(),
            unused: unused.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// The rows, each with the line it begins on.
    ///
    /// # Errors
    /// [`SpreadsheetError::Empty`] when there are none.
    pub fn rows(&self) -> Result<&[(u64, StringRecord)], SpreadsheetError> {
        if self.rows.is_empty() { Err(SpreadsheetError::Empty) } else { Ok(&self.rows) }
    }

    /// Whether a row has something beyond the last column: a cell with a delimiter that isn't in
    /// quotes makes two, and all that follow stand in the wrong column.
    pub fn is_too_long(&self, record: &StringRecord) -> bool {
        record.iter().skip(self.names.len()).any(|cell| !cell.trim().is_empty())
    }
}

/// With the ends of lines as one character each, and without controls: two are white space in a
/// spreadsheet, and no code and no address has one of the others.
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

/// What stands in a column of a row, outer space cut; empty where there is none.
pub fn field(record: &StringRecord, column: Option<usize>) -> &str {
    column.and_then(|at| record.get(at)).unwrap_or_default().trim()
}

/// A name as names are compared: `Coupon_Code (required)`, `COUPON CODE` and `couponCode` are one.
pub fn plain(name: &str) -> String {
    let name = name.split(['(', '[']).next().unwrap_or_default();
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The line that a record begins on; it is read together with the blank lines before it.
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let before = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(before..).unwrap_or_default();
    at.line() + rest.iter().take_while(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
