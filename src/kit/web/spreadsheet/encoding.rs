//! The encoding of a file: UTF-8, UTF-16 or Windows-1252.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::error::SpreadsheetError;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Utf8,
    /// Excel's “Unicode Text”.
    Utf16,
    /// Excel's “CSV” on a Western Windows. Files don't name this encoding, so a person must check
    /// the characters.
    Windows1252,
}

impl Encoding {
    /// Whether another encoding is possible.
    pub(crate) fn is_guess(self) -> bool {
        self == Self::Windows1252
    }
}

/// The first bytes of binary files: ZIP (.xlsx, .ods, .numbers), the older .xls, PDF.
const BINARIES: [&[u8]; 3] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"];
const UTF_32_LE_MARK: &[u8] = b"\xff\xfe\x00\x00";

/// Decodes a file, and removes the byte order mark.
pub(super) fn decode(file: &[u8]) -> Result<(String, Encoding), SpreadsheetError> {
    if BINARIES.iter().any(|begin| file.starts_with(begin)) {
        return Err(SpreadsheetError::NotCsv);
    }
    if let Some(rest) = file.strip_prefix(b"\xef\xbb\xbf") {
        return utf_8(rest);
    }
    if file.starts_with(UTF_32_LE_MARK) {
        return Err(SpreadsheetError::Undecodable(1));
    }
    if let Some(rest) = file.strip_prefix(b"\xff\xfe") {
        return utf_16(UTF_16LE, rest);
    }
    if let Some(rest) = file.strip_prefix(b"\xfe\xff") {
        return utf_16(UTF_16BE, rest);
    }
    match unmarked_utf_16(file) {
        Some(encoding) => utf_16(encoding, file),
        None if std::str::from_utf8(file).is_ok() => utf_8(file),
        None => windows_1252(file),
    }
}

fn utf_8(bytes: &[u8]) -> Result<(String, Encoding), SpreadsheetError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| SpreadsheetError::Undecodable(line_at(&bytes[..error.valid_up_to()])))?;
    Ok((text.to_owned(), Encoding::Utf8))
}

fn utf_16(
    encoding: &'static encoding_rs::Encoding,
    bytes: &[u8],
) -> Result<(String, Encoding), SpreadsheetError> {
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    if has_errors {
        let before = text.split('\u{fffd}').next().unwrap_or_default();
        return Err(SpreadsheetError::Undecodable(line_at(before.as_bytes())));
    }
    Ok((text.into_owned(), Encoding::Utf16))
}

/// Detects UTF-16 without a mark: every second byte of a delimiter, a digit or a Latin letter is
/// zero.
fn unmarked_utf_16(file: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let zeros =
        |first: usize| file.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), file.len() / 2);
    let is_plain = |many: usize, few: usize| many * 4 > pairs && many > few * 8;
    if is_plain(odd, even) {
        Some(UTF_16LE)
    } else if is_plain(even, odd) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Decodes other files as Windows-1252. Fails if that can't be right: some characters are UTF-8, or
/// bytes are undefined in Windows-1252.
fn windows_1252(file: &[u8]) -> Result<(String, Encoding), SpreadsheetError> {
    if file.utf8_chunks().any(|chunk| !chunk.valid().is_ascii()) {
        return utf_8(file);
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(file);
    let is_unused =
        |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    if let Some(at) = text.find(is_unused) {
        return Err(SpreadsheetError::Undecodable(line_at(&text.as_bytes()[..at])));
    }
    Ok((text.into_owned(), Encoding::Windows1252))
}

/// The number of the line after these bytes. LF, CR LF and CR end a line.
fn line_at(before: &[u8]) -> u64 {
    let ends = before.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => *at == 0 || before[at - 1] != b'\r',
        b'\r' => true,
        _ => false,
    });
    1 + ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn files_are_read_in_the_encodings_that_spreadsheets_write() {
        let text = "Code\r\nÄHRE\r\nСКИДКА\r\n";
        let little = utf_16_bytes(text, u16::to_le_bytes);
        let big = utf_16_bytes(text, u16::to_be_bytes);
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        for (file, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (marked(b"\xef\xbb\xbf", text.as_bytes()), Encoding::Utf8),
            (marked(b"\xff\xfe", &little), Encoding::Utf16),
            (marked(b"\xfe\xff", &big), Encoding::Utf16),
            (little, Encoding::Utf16),
            (big, Encoding::Utf16),
        ] {
            assert_eq!(decode(&file), Ok((text.to_owned(), encoding)), "{file:?}");
        }
        let western = b"Code\r\nGR\xdcN\r\n50\x80\r\n\x93X\x94\r\n";
        let read = "Code\r\nGRÜN\r\n50€\r\n“X”\r\n".to_owned();
        assert_eq!(decode(western), Ok((read, Encoding::Windows1252)));
        assert_eq!(decode(b"Code\nA1\n"), Ok(("Code\nA1\n".to_owned(), Encoding::Utf8)));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        let mixed = ["Code\rÄ1\rGR".as_bytes(), b"\xdcN\r"].concat();
        for (file, error) in [
            (&b"\xef\xbb\xbfCode\nGR\xdcN\n"[..], SpreadsheetError::Undecodable(2)),
            (&mixed, SpreadsheetError::Undecodable(3)),
            (b"\xff\xfeA\0\n\0B", SpreadsheetError::Undecodable(2)),
            (b"\xff\xfe\0\0A\0\0\0", SpreadsheetError::Undecodable(1)),
            (b"Code\r\nA1\r\n\x81\x41\r\n", SpreadsheetError::Undecodable(3)),
            (b"PK\x03\x04\x14\0", SpreadsheetError::NotCsv),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", SpreadsheetError::NotCsv),
        ] {
            assert_eq!(decode(file), Err(error), "{file:?}");
        }
    }
}
