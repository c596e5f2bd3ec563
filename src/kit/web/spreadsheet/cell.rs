//! The value of a cell, without the additions of files and spreadsheets.

use super::changed::{SpreadsheetChange, change};

/// Spreadsheets treat cells that start with these characters as formulas (OWASP, CSV injection).
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
/// Quotes that people and spreadsheets put around a text.
const QUOTES: &str = "\"'“”„‟«»‘’‚‛‹›`´＂「」";

/// Marks a text so that no spreadsheet treats it as a formula. [`as_typed`] removes the mark.
pub(crate) fn safe(text: String) -> String {
    if text.trim_start_matches('\'').starts_with(FORMULA_STARTS) {
        format!("'{text}")
    } else {
        text
    }
}

/// A cell without the mark of [`safe`].
pub(crate) fn as_typed(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA_STARTS) => rest,
        _ => cell,
    }
}

/// The value of a cell with a name, a code or similar text. It's trimmed, without the mark of
/// [`safe`], `="..."` and surrounding quotes.
pub(crate) fn value(cell: &str) -> String {
    let cell = as_typed(cell.trim());
    let text = formula_text(cell).unwrap_or_else(|| cell.to_owned());
    unquoted(&text).to_owned()
}

/// The [`value`] of a cell with a code, and how a spreadsheet seems to have changed it.
pub(crate) fn code(cell: &str) -> (String, Option<SpreadsheetChange>) {
    let text = value(cell);
    let is_formula = as_typed(cell.trim()).starts_with('=');
    let found = if is_formula { Some(SpreadsheetChange::Formula) } else { change(&text) };
    (text, found)
}

/// The text in `="..."`, which files use so that spreadsheets don't change it.
fn formula_text(cell: &str) -> Option<String> {
    let inner = cell
        .strip_prefix('=')
        .and_then(|rest| rest.trim().strip_prefix('"'))
        .and_then(|rest| rest.strip_suffix('"'))?;
    let is_one_text = !inner.replace("\"\"", "").contains('"');
    is_one_text.then(|| inner.replace("\"\"", "\""))
}

fn unquoted(text: &str) -> &str {
    let is_quote = |c: char| QUOTES.contains(c);
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix(is_quote).and_then(|rest| rest.strip_suffix(is_quote))
    {
        text = inner.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_no_formula_and_comes_back_as_it_was() {
        for text in ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "'=1", "''-1"] {
            let cell = safe(text.to_owned());
            assert!(cell.starts_with('\''), "{text}");
            assert_eq!(as_typed(&cell), text);
        }
        for text in ["SAVE-10", "'quoted", "''", "", "O'NEIL"] {
            assert_eq!(safe(text.to_owned()), text);
            assert_eq!(as_typed(text), text);
        }
    }

    #[test]
    fn pairs_of_quotes_around_a_cell_are_cut() {
        for cell in [
            "“CODE7“",
            "’CODE7’",
            "`CODE7´",
            "“CODE7”",
            "„CODE7“",
            "„CODE7”",
            "”CODE7”",
            "«CODE7»",
            "« CODE7 »",
            "»CODE7«",
            "‘CODE7’",
            "‚CODE7‘",
            "‹CODE7›",
            "'CODE7'",
            "\"CODE7\"",
            " “„CODE7“” ",
            "=\"CODE7\"",
            "= \"CODE7\"",
            "=\"“CODE7”\"",
        ] {
            assert_eq!(value(cell), "CODE7", "{cell}");
        }
        for (cell, text) in [
            ("“CODE7", "“CODE7"),
            ("O’NEIL", "O’NEIL"),
            ("'-10", "-10"),
            ("=A1&\"x\"", "=A1&\"x\""),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("\"", "\""),
            ("''", ""),
        ] {
            assert_eq!(value(cell), text, "{cell}");
        }
    }

    #[test]
    fn a_code_in_a_formula_is_read_and_said_to_be_changed() {
        assert_eq!(code("=\"00123\""), ("00123".to_owned(), Some(SpreadsheetChange::Formula)));
        assert_eq!(
            code("'=\"00123\"").1,
            Some(SpreadsheetChange::Formula),
            "as our own file has it"
        );
        assert_eq!(code("=SUM(A1:A9)").1, Some(SpreadsheetChange::Formula));
        assert_eq!(code("“20-May”"), ("20-May".to_owned(), Some(SpreadsheetChange::Date)));
        assert_eq!(code("'00123"), ("'00123".to_owned(), Some(SpreadsheetChange::Formula)));
        assert_eq!(code("'-10"), ("-10".to_owned(), None), "as our own file has it");
        assert_eq!(code("00123"), ("00123".to_owned(), None));
    }
}
