//! The layout of a CSV text: an Excel `sep=` line, the delimiter, and quotes that are never closed.

/// A text after its `sep=` line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout<'a> {
    /// The header and the rows.
    pub(crate) body: &'a str,
    /// The number of lines before the body.
    pub(crate) lines_before: u64,
    pub(crate) delimiter: u8,
}

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

impl<'a> Layout<'a> {
    /// `text` must use LF as its line ends.
    pub(super) fn of(text: &'a str) -> Self {
        let start = text.len() - text.trim_start_matches([' ', '\n']).len();
        let first_end = text[start..].find('\n').map_or(text.len(), |at| start + at + 1);
        let declared = declared_delimiter(&text[start..first_end]);
        let body = if declared.is_some() { &text[first_end..] } else { text };
        let lines_before = text[..text.len() - body.len()].matches('\n').count() as u64;
        let header = body.lines().find(|line| has_names(line)).unwrap_or_default();
        // Another program may have saved the file with another delimiter later.
        let delimiter = declared
            .filter(|declared| count(header, *declared) > 0)
            .unwrap_or_else(|| most_frequent(header));
        Self { body, lines_before, delimiter }
    }

    /// The line where a quote opens that is never closed, and which swallows the rest of the file.
    pub(super) fn unclosed_quote(&self) -> Option<u64> {
        let mut line = self.lines_before + 1;
        let mut opened = None;
        let mut is_cell_start = true;
        let mut bytes = self.body.bytes().peekable();
        while let Some(byte) = bytes.next() {
            if opened.is_some() {
                if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                    opened = None;
                }
            } else if byte == b'"' && is_cell_start {
                opened = Some(line);
            }
            is_cell_start = byte == b'\n' || byte == self.delimiter;
            line += u64::from(byte == b'\n');
        }
        opened
    }
}

/// Whether a line contains more than spaces, quotes and delimiters.
fn has_names(line: &str) -> bool {
    line.chars().any(|c| !c.is_whitespace() && !",;\"".contains(c))
}

/// The delimiter in a `sep=;` line, even if a spreadsheet put the line in quotes.
fn declared_delimiter(line: &str) -> Option<u8> {
    let line = line.trim_start_matches('"');
    let said =
        line.get(..4).filter(|begin| begin.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let rest = said.trim_end_matches(['\n', ' ']);
    let delimiter = if rest.starts_with("\\t") { b'\t' } else { *rest.as_bytes().first()? };
    let is_end = rest.trim_start_matches("\\t").chars().skip(1).all(|c| ",;\t\"".contains(c));
    (is_end && delimiter.is_ascii() && delimiter != b'"').then_some(delimiter)
}

/// The number of delimiters in a line, outside of quotes.
fn count(line: &str, delimiter: u8) -> usize {
    let outside = line.split('"').step_by(2);
    outside.map(|part| part.bytes().filter(|byte| *byte == delimiter).count()).sum()
}

fn most_frequent(header: &str) -> u8 {
    let by_count = DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(header, *delimiter));
    by_count.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_declared_or_the_one_of_the_header() {
        for (text, delimiter, body, lines_before) in [
            ("A,B;c\n", b',', "A,B;c\n", 0),
            ("A;B\n1,5;2,5\n", b';', "A;B\n1,5;2,5\n", 0),
            ("A\tB\n", b'\t', "A\tB\n", 0),
            ("\"First, last\";Code\n", b';', "\"First, last\";Code\n", 0),
            ("A\nx;y\n", b',', "A\nx;y\n", 0),
            ("\n;;\nA;B\n", b';', "\n;;\nA;B\n", 0),
            ("sep=;\nA;B\n", b';', "A;B\n", 1),
            ("\nSEP=|\nA|B\n", b'|', "A|B\n", 2),
            ("sep=\t\nA\tB\n", b'\t', "A\tB\n", 1),
            ("sep=\\t\nA\tB\n", b'\t', "A\tB\n", 1),
            ("\"sep=;\",,\nA,B,C\n", b',', "A,B,C\n", 1),
            ("sep=;\nCode\nA1\n", b',', "Code\nA1\n", 1),
            ("separator\nA1\n", b',', "separator\nA1\n", 0),
            ("sep=x y\nA1\n", b',', "sep=x y\nA1\n", 0),
        ] {
            let layout = Layout::of(text);
            assert_eq!(layout, Layout { body, lines_before, delimiter }, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found() {
        for (text, line) in [
            ("A,B\n1,\"x\n2,y\n", Some(2)),
            ("sep=,\nA,B\n1,\"x\"\"\n2,y\n", Some(3)),
            ("A,B\n1,\"x\ny\"\n2,5\" mug\n", None),
            ("A,B\n\"\",\"a\"\"b\"\n", None),
        ] {
            assert_eq!(Layout::of(text).unclosed_quote(), line, "{text:?}");
        }
    }
}
