//! What a file says, row by row.

use super::model::Row;
use crate::web::sheet::{Sheet, SheetError, as_typed, field};

/// The most rows of a file.
pub const MOST: usize = 10_000;
/// As much of a cell is kept: more than any value that keeps the rules.
const CELL: usize = 300;

/// Reads a file: a column with the affiliate, one with the code, and perhaps one with the type.
///
/// # Errors
/// [`SheetError`] where not even its rows can be told.
pub fn read(file: &[u8]) -> Result<Vec<Row>, SheetError> {
    let sheet = Sheet::read(file, MOST)?;
    let affiliate =
        sheet.required(&["affiliate", "affiliate_id", "email", "e_mail"], "Affiliate")?;
    let value = sheet.required(&["code", "coupon_code", "value"], "Code")?;
    let kind = sheet.column(&["type"]);
    let rows = sheet.rows()?.iter().map(|(line, record)| {
        let cell = |column| as_typed(field(record, column)).chars().take(CELL).collect();
        Row {
            line: i32::try_from(*line).unwrap_or(i32::MAX),
            affiliate: cell(Some(affiliate)),
            kind: cell(kind),
            value: cell(Some(value)),
            refusal: None,
        }
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_for_whom_what_is() {
        let file = b"Affiliate,Type,Code\na3y7,Coupon Code,JANE10\n\njo@example.com,,'-10\n";
        let rows = read(file).unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.affiliate.as_str(), row.kind.as_str(), row.value.as_str()))
            .collect();
        assert_eq!(told, [(2, "a3y7", "Coupon Code", "JANE10"), (4, "jo@example.com", "", "-10")]);
        let other = read(b"Coupon Code;E-mail\nJANE10;jo@example.com\n").unwrap();
        assert_eq!(other[0].affiliate, "jo@example.com");
        assert_eq!(other[0].value, "JANE10");
        let missing = read(b"Code\nJANE10\n").unwrap_err().to_string();
        assert!(missing.contains("a column Affiliate"), "{missing}");
    }
}
