//! Detects codes that a spreadsheet has changed. It converts some codes to numbers or dates when it
//! opens a file, and writes the converted form when it saves.

mod dates;

use encoding_rs::WINDOWS_1252;

use self::dates::{is_date, is_digits, is_time};

/// How a spreadsheet seems to have changed a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpreadsheetChange {
    /// `1.23457E+11`, `20.0`, `10.00%`, `1234567890123450000`.
    Number,
    /// `20-May`, `5/20/2026`, `5/20`.
    Date,
    /// `10:30:00`.
    Time,
    /// `TRUE`.
    Truth,
    /// `#REF!`, `NaN`: written in place of a missing value.
    Error,
    /// `="00123"`, `'00123`.
    Formula,
    /// `A,B`.
    Several,
    /// `GRÃœN`.
    Garbled,
}

impl SpreadsheetChange {
    /// The behavior of spreadsheets, in a sentence.
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Self::Number => "Spreadsheets shorten, round and reformat numbers.",
            Self::Date => "Spreadsheets can turn codes into dates.",
            Self::Time => "Spreadsheets can turn codes into times.",
            Self::Truth => "Spreadsheets can turn codes into true or false.",
            Self::Error => "Spreadsheets show this in cells with an error.",
            Self::Formula => "Spreadsheets add = or an apostrophe to mark text.",
            Self::Several => "The cell contains several values.",
            Self::Garbled => "Spreadsheets garble characters from a different encoding.",
        }
    }

    /// The explanation with its subject, for use on its own.
    pub(crate) fn words(self) -> String {
        format!("A spreadsheet may have changed this value. {}", self.explanation())
    }
}

/// How a spreadsheet seems to have changed the code in a cell, if it did. `MAY20`, `MAY-20`,
/// `00123`, `1E5` and `10%` don't count: a spreadsheet would have changed them, or leaves them
/// unchanged.
pub(crate) fn change(text: &str) -> Option<SpreadsheetChange> {
    let text = text.trim();
    let checks: [(fn(&str) -> bool, SpreadsheetChange); 8] = [
        (|text| text.starts_with(['=', '\'']), SpreadsheetChange::Formula),
        (is_number, SpreadsheetChange::Number),
        (is_truth, SpreadsheetChange::Truth),
        (is_error, SpreadsheetChange::Error),
        (is_time, SpreadsheetChange::Time),
        (is_date, SpreadsheetChange::Date),
        (|text| text.contains([',', ';', '\n', '\r', '\t']), SpreadsheetChange::Several),
        (is_garbled, SpreadsheetChange::Garbled),
    ];
    checks.into_iter().find(|(is, _)| is(text)).map(|(_, change)| change)
}

/// The number of digits that spreadsheets store.
const PRECISION: usize = 15;

fn is_number(text: &str) -> bool {
    let number = text.strip_prefix(['-', '+', '−']).unwrap_or(text);
    if let Some(percentage) = number.strip_suffix('%') {
        // People type `10%`; a spreadsheet adds decimals.
        let parts = percentage.trim_end().split_once(['.', ',']);
        return parts.is_some_and(|(whole, decimals)| is_digits(whole) && is_digits(decimals));
    }
    if let Some((mantissa, exponent)) = number.split_once(['E', 'e']) {
        // A spreadsheet always writes decimals or a sign, so 1E5 was never opened in one.
        let power = exponent.trim_start_matches(['+', '-', '−']);
        let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
        let is_written = power != exponent || whole != mantissa;
        return is_written && is_digits(power) && is_digits(whole) && is_digits(decimals);
    }
    if let Some((whole, decimals)) = number.split_once(['.', ',']) {
        return is_digits(whole) && is_digits(decimals) && decimals.bytes().all(|b| b == b'0');
    }
    let rounded = number.get(PRECISION..).unwrap_or_default();
    is_digits(number) && !rounded.is_empty() && rounded.bytes().all(|byte| byte == b'0')
}

/// Other languages than English only count in capitals, as a spreadsheet writes them: “Vero” is
/// also a name.
fn is_truth(text: &str) -> bool {
    const OTHERS: &str = "WAHR FALSCH VRAI FAUX VERDADERO FALSO VERDADEIRO VERO WAAR ONWAAR PRAWDA \
                          FAŁSZ ИСТИНА ЛОЖЬ";
    ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word))
        || OTHERS.split(' ').any(|word| text == word)
}

fn is_error(text: &str) -> bool {
    if let Some(name) = text.strip_prefix('#') {
        return name.ends_with(['!', '?'])
            || name.bytes().all(|byte| byte == b'#')
            || matches!(name, "NV" | "GETTING_DATA")
            || name.strip_prefix("N/").is_some_and(|rest| rest.len() == 1);
    }
    let libre_office = text.strip_prefix("Err:").is_some_and(is_digits);
    libre_office || matches!(text, "NaN" | "nan" | "NULL" | "null" | "N/A" | "n/a")
}

/// Lost characters, and UTF-8 that was decoded as Windows-1252: `Ãœ` for `Ü`.
fn is_garbled(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let (bytes, _, has_others) = WINDOWS_1252.encode(text);
    text.contains('\u{fffd}') || (!has_others && std::str::from_utf8(&bytes).is_ok())
}

#[cfg(test)]
mod tests;
