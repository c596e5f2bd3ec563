//! How coupon codes and SKUs are compared. docs/codes.md says why, and what each platform does.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::characters::is_ignored;

/// Raised whenever the same code gets another key, so that those that are written down are worked
/// out again.
pub const VERSION: i32 = 3;
/// Encodings upon encodings that are undone. WordPress makes one, a plugin another; more is made up.
const MAX_ROUNDS: usize = 16;

/// The key of a code as a store reports it, or a person types it: outer space cut, HTML entities
/// decoded, NFKC, characters without a shape left out, upper case one character for one.
///
/// What a store reports is a fact, so it may break the rules for new codes.
pub fn key_of_reported_code(code: &str) -> String {
    let code = code.trim();
    if code.bytes().all(|byte| byte != b'&' && (byte.is_ascii_graphic() || byte == b' ')) {
        return code.to_ascii_uppercase();
    }
    settle(code, |text| fold_upper(&decoded(text)))
}

/// Whether two spellings are one code, as codes are compared.
pub fn is_same_code(one: &str, other: &str) -> bool {
    key_of_reported_code(one) == key_of_reported_code(other)
}

/// Text as it was before it was written as HTML, however often that was done.
///
/// WordPress keeps a code as the title of a post: `r&amp;b10`, `o&#039;bea`, sometimes encoded twice.
/// Only what ends in a semicolon is an entity, so that `SALT&LTD` stays what it is.
pub fn decoded(text: &str) -> Cow<'_, str> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..MAX_ROUNDS {
        if !decoded.contains('&') {
            break;
        }
        let next = html_escape::decode_html_entities(decoded.as_ref()).into_owned();
        if next == decoded {
            break;
        }
        decoded = Cow::Owned(next);
    }
    decoded
}

/// Decomposed first, so that a letter and its accent are upper-cased alike, joined or apart.
fn fold_upper(text: &str) -> String {
    text.nfkd().filter(|c| !is_ignored(*c)).map(upper).nfc().collect()
}

/// The upper case of a character where that is one character, and means the same when lower-cased
/// again: simple case folding (status C and S of Unicode's CaseFolding.txt), shown in upper case.
///
/// So `straße` is not `STRASSE`, and a Turkish `ı` is not `I`: stores keep them apart.
fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    // Folded by Turkish rules and full folding alone; the second one is a mark below a letter.
    if matches!(c, '\u{131}' | '\u{345}') {
        return c;
    }
    let capital = single(c.to_uppercase()).unwrap_or(c);
    let folded = single(capital.to_lowercase()).unwrap_or(capital);
    let back = single(folded.to_uppercase()).unwrap_or(folded);
    if single(back.to_lowercase()) == Some(folded) { back } else { folded }
}

fn single(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next()?;
    mapped.next().is_none().then_some(first)
}

/// Folds until nothing changes, so that a key is its own key.
///
/// Decoding lays bare what NFKD changes, and both an outer space or an entity; two rounds are the
/// rule, and the bound only makes the end certain.
pub(crate) fn settle(text: &str, fold: impl Fn(&str) -> String) -> String {
    let mut key = text.trim().to_owned();
    for _ in 0..MAX_ROUNDS {
        let next = fold(&key).trim().to_owned();
        if next == key {
            break;
        }
        key = next;
    }
    key
}
