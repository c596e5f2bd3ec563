//! Parses a file row by row.

use super::columns::ImportColumns;
use super::row::{ImportRow, Problem};
use crate::features::triggers::TriggerKind;
use crate::kit::web::spreadsheet::{ParseSummary, Spreadsheet, SpreadsheetError, field, value};

/// The maximum number of rows in a file.
pub(crate) const MAX: usize = 10_000;
/// Longer cells are cut to this many characters, which is more than any valid value.
const CELL: usize = 300;

#[derive(Clone, Debug)]
pub struct File {
    /// Which columns were used, and other details.
    pub reading: ParseSummary,
    /// Without blank rows.
    pub rows: Vec<ImportRow>,
}

/// Parses a file with a column for the affiliate, one for the code and optionally one for the type.
/// Fails with [`SpreadsheetError`] if not even the rows can be recognized.
pub fn read(file: &[u8]) -> Result<File, SpreadsheetError> {
    let spreadsheet = Spreadsheet::read(file, MAX)?;
    let columns = ImportColumns::of(&spreadsheet)?;
    let rows = spreadsheet.rows()?.iter().map(|(line, record)| {
        let cut = |text: &str| text.chars().take(CELL).collect::<String>();
        let cell = |column| cut(&value(field(record, column)));
        ImportRow {
            line: i32::try_from(*line).unwrap_or(i32::MAX),
            named_id: cell(columns.id),
            named_email: cell(columns.email),
            affiliate: cell(columns.affiliate),
            kind: Some(cell(columns.kind))
                .filter(|kind| !kind.is_empty())
                .unwrap_or_else(|| implied(columns.implied)),
            value: cut(field(record, Some(columns.value))),
            problem: spreadsheet.is_too_long(record).then_some(Problem::MoreCells),
            refusal: None,
        }
    });
    Ok(File { reading: columns.reading(&spreadsheet), rows: rows.collect() })
}

/// A coupon code doesn't need a type.
fn implied(kind: TriggerKind) -> String {
    if kind == TriggerKind::CouponCode { String::new() } else { kind.label().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(file: &str) -> Vec<(i32, [String; 5])> {
        let rows = read(file.as_bytes()).unwrap().rows.into_iter();
        rows.map(|row| {
            (row.line, [row.named_id, row.named_email, row.affiliate, row.kind, row.value])
        })
        .collect()
    }

    fn used(file: &str) -> Vec<(String, String)> {
        let reading = read(file.as_bytes()).unwrap().reading;
        reading.used.into_iter().map(|used| (used.field, used.name)).collect()
    }

    #[test]
    fn a_file_says_for_whom_what_is() {
        let file = "Affiliate,Type,Code\na3y7,Coupon Code,JANE10\n\n“jo@example.com”,,'-10\n";
        let row = |cells: [&str; 5]| cells.map(str::to_owned);
        assert_eq!(
            told(file),
            [
                (2, row(["", "", "a3y7", "Coupon Code", "JANE10"])),
                (4, row(["", "", "jo@example.com", "", "'-10"])),
            ]
        );
        // Refersion's template, and one of our own exports.
        assert_eq!(
            told("AFFILIATE_ID,TYPE,TRIGGER\r\na3y7,EMAIL,jo@example.com\r\n"),
            [(2, row(["a3y7", "", "", "EMAIL", "jo@example.com"]))]
        );
        assert_eq!(
            told("Type,Value,Affiliate,Affiliate ID,State\nSKU,TEA,Jo Doe,a3y7,Active\n"),
            [(2, row(["a3y7", "", "Jo Doe", "SKU", "TEA"]))]
        );
        assert_eq!(
            told("Affiliate ID,Customer Email\na3y7,jo@example.com\n"),
            [(2, row(["a3y7", "", "", "Customer Email", "jo@example.com"]))]
        );
        let too_long = read(b"Email,Code\njo@example.com,A,B\n").unwrap().rows;
        assert_eq!(too_long[0].problem, Some(Problem::MoreCells));
    }

    #[test]
    fn columns_go_by_many_names() {
        for affiliate in [
            "AFFILIATE_ID",
            "AffiliateID",
            "affiliate id",
            "Email",
            "E-Mail",
            "Email Address",
            "email_address",
            "Affiliate Email",
            "\u{feff}Affiliate",
            "AFFILIATE",
        ] {
            for code in [
                "Code",
                "Coupon",
                "COUPON CODE",
                "coupon_code",
                "Discount Code",
                "Promo Code",
                "PromoCode",
                "Voucher",
                "Voucher Code",
                "Trigger",
                "Value",
                "Conversion trigger",
                "SKU",
                "Customer Email",
            ] {
                let file = format!("First Name,{code},Last Name,{affiliate}\nJo,x,Doe,a3y7\n");
                let found = told(&file);
                let [id, email, any, _, value] = &found[0].1;
                assert_eq!((format!("{id}{email}{any}").as_str(), value.as_str()), ("a3y7", "x"));
            }
        }
    }

    #[test]
    fn of_columns_that_could_be_the_same_one_is_used_and_said() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(
            used("Value,Email,Affiliate Email,Code,Discount Code\n1,a,b,c,d\n"),
            pairs(&[("email", "Affiliate Email"), ("code", "Discount Code")])
        );
        assert_eq!(
            used("Code,Email,code,Email\n1,a,b,c\n"),
            pairs(&[("email", "Email"), ("code", "Code")])
        );
        assert_eq!(told("Code,Email,code,Email\n1,a,b,c\n")[0].1[1], "a", "the left one");
    }

    #[test]
    fn a_header_that_cannot_be_understood_is_answered_with_its_columns() {
        for (file, missing, found) in [
            ("Code\nJANE10\n", "the affiliate", "Code"),
            (
                "First Name,Last Name,Coupon\nJ,D,X\n",
                "the affiliate",
                "First Name, Last Name, Coupon",
            ),
            (
                "Affiliate ID,Name,Codes,Status\na3y7,Jo,2,Active\n",
                "the code",
                "Affiliate ID, Name, Codes, Status",
            ),
        ] {
            let found = found.to_owned();
            let expected = SpreadsheetError::NoColumn {
                missing,
                needed: crate::features::imports::columns::NEEDED,
                found,
            };
            assert_eq!(read(file.as_bytes()).unwrap_err(), expected);
        }
    }
}
