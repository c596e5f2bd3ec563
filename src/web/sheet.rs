//! CSV files that come in, as spreadsheets write them: commas, semicolons or tabs, quotes, any line
//! ends, with or without a mark of UTF-8.

use csv::{Position, StringRecord};

/// Why a file cannot be read at all, in words for the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Nothing was chosen, or nothing is in it.
    #[error("Choose a CSV file with at least a header and one row.")]
    Empty,
    /// Another encoding.
    #[error(
        "Line {0} has characters that are not UTF-8. Save the file as “CSV UTF-8” and upload it again."
    )]
    NotUtf8(u64),
    /// No such column.
    #[error(
        "The first line must be the header, with a column {column}. This file begins with: {first}"
    )]
    NoColumn {
        /// What it is called.
        column: &'static str,
        /// How the file begins.
        first: String,
    },
    /// Too long.
    #[error("The file has more than {0} rows. Split it into several files.")]
    TooLong(usize),
    /// A quote that is never closed, and the like.
    #[error("Line {0} cannot be read: a quotation mark may be missing there.")]
    Broken(u64),
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Sheet {
    names: Vec<String>,
    first: String,
    rows: Vec<(u64, StringRecord)>,
}

impl Sheet {
    /// Reads a file of at most `most` rows, blank ones left out.
    ///
    /// # Errors
    /// [`SheetError`] where not even its rows can be told.
    pub fn read(file: &[u8], most: usize) -> Result<Self, SheetError> {
        let text = decoded(file)?;
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(first))
            .flexible(true)
            .from_reader(text.as_bytes());
        let broken =
            |error: csv::Error| SheetError::Broken(error.position().map_or(1, Position::line));
        let names = reader.headers().map_err(broken)?.iter().map(plain).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            if record.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            if rows.len() >= most {
                return Err(SheetError::TooLong(most));
            }
            rows.push((line_of(&record, &text), record));
        }
        Ok(Self { names, first: first.chars().take(60).collect(), rows })
    }

    /// Where the column stands that has one of these names: lower case, `_` for spaces.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        self.names.iter().position(|own| names.contains(&own.as_str()))
    }

    /// [`Sheet::column`], of a column that must be there.
    ///
    /// # Errors
    /// [`SheetError::NoColumn`], with the name as the template has it.
    pub fn required(&self, names: &[&str], column: &'static str) -> Result<usize, SheetError> {
        let missing = || SheetError::NoColumn { column, first: self.first.clone() };
        self.column(names).ok_or_else(missing)
    }

    /// The rows, each with the line it begins on.
    ///
    /// # Errors
    /// [`SheetError::Empty`] when there are none.
    pub fn rows(&self) -> Result<&[(u64, StringRecord)], SheetError> {
        if self.rows.is_empty() { Err(SheetError::Empty) } else { Ok(&self.rows) }
    }
}

/// What stands in a column of a row, outer space cut; empty where there is none.
pub fn field(record: &StringRecord, column: Option<usize>) -> &str {
    column.and_then(|at| record.get(at)).unwrap_or_default().trim()
}

/// Without the mark by which files keep spreadsheets from taking a text for a formula.
pub fn as_typed(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => field,
    }
}

fn decoded(file: &[u8]) -> Result<String, SheetError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let text = std::str::from_utf8(file).map_err(|error| {
        let before = &file[..error.valid_up_to()];
        SheetError::NotUtf8(1 + before.iter().filter(|byte| **byte == b'\n').count() as u64)
    })?;
    if text.trim().is_empty() {
        return Err(SheetError::Empty);
    }
    // The database has no text with a zero in it; no code and no address has one either.
    Ok(text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}"))
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_").trim_matches('_').to_owned()
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
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(at) = record.position() else { return 0 };
    let before = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(before..).unwrap_or_default();
    at.line() + rest.iter().take_while(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> Vec<(u64, String)> {
        let sheet = Sheet::read(file, 100).unwrap();
        let code = sheet.required(&["coupon_code"], "Coupon_Code").unwrap();
        let rows = sheet.rows().unwrap();
        rows.iter().map(|(line, row)| (*line, as_typed(field(row, Some(code))).into())).collect()
    }

    fn codes(file: &[u8]) -> Vec<String> {
        read(file).into_iter().map(|(_, code)| code).collect()
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
            let lines: Vec<u64> = read(file.as_bytes()).into_iter().map(|row| row.0).collect();
            assert_eq!(lines, [2, 4], "{file:?}");
        }
    }

    #[test]
    fn what_is_no_such_file_is_refused_as_a_whole() {
        let refused = |file: &[u8]| {
            let sheet = Sheet::read(file, 2)?;
            sheet.required(&["coupon_code"], "Coupon_Code")?;
            sheet.rows().map(drop)
        };
        let no_column = SheetError::NoColumn { column: "Coupon_Code", first: "SAVE10".to_owned() };
        for (file, error) in [
            (&b""[..], SheetError::Empty),
            (b"Coupon_Code\n\n", SheetError::Empty),
            (b"Coupon_Code\nA1\nGR\xdcN15\n", SheetError::NotUtf8(3)),
            (b"\xff\xfeC\0o\0", SheetError::NotUtf8(1)),
            (b"SAVE10\nSAVE20\n", no_column),
            (b"Coupon_Code\nA1\nA2\nA3\n", SheetError::TooLong(2)),
        ] {
            assert_eq!(refused(file), Err(error));
        }
    }
}
