//! The keys by which coupon codes and SKUs are compared. docs/codes.md explains why, and what each
//! platform does.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::characters::is_ignored;

/// Increment it whenever a code gets a different key, so that stored keys are recomputed.
pub const VERSION: i32 = 3;
/// The maximum rounds of entity decoding. WordPress encodes once and a plugin may encode again;
/// more isn't realistic.
const MAX_ROUNDS: usize = 16;

/// The key of a code as a store reports it or a user types it. It's trimmed, HTML entities are
/// decoded, then NFKC applies. Characters without a shape are removed, and letters become upper
/// case, one character to one.
///
/// A store's report is a fact, so the code may break the rules for new codes.
pub fn key_of_reported_code(code: &str) -> String {
    let code = code.trim();
    if code.bytes().all(|byte| byte != b'&' && (byte.is_ascii_graphic() || byte == b' ')) {
        return code.to_ascii_uppercase();
    }
    fold_until_stable(code, |text| fold_upper(&decoded(text)))
}

/// Whether two spellings are the same code.
pub fn is_same_code(one: &str, other: &str) -> bool {
    key_of_reported_code(one) == key_of_reported_code(other)
}

/// Decodes HTML entities, even if text was encoded several times.
///
/// WordPress stores a code as the title of a post: `r&amp;b10`, `o&#039;bea`, sometimes encoded
/// twice. Only entities with a semicolon are decoded, so `SALT&LTD` stays unchanged.
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

/// Decomposes first, so a letter with an accent gets the same upper case in composed and decomposed
/// form.
fn fold_upper(text: &str) -> String {
    text.nfkd().filter(|c| !is_ignored(*c)).map(upper).nfc().collect()
}

/// The upper case of a character if it's a single character that maps back to the same lower case.
/// This is simple case folding (status C and S of Unicode's CaseFolding.txt), in upper case.
///
/// So `straße` isn't `STRASSE`, and a Turkish `ı` isn't `I`, because stores treat them as different
/// codes.
fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    // Only Turkish rules and full case folding fold these two. The second one is a combining mark.
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

/// Applies `fold` until nothing changes, so the key of a key is the key.
///
/// Decoding can produce characters that NFKC changes, and both can produce outer spaces or
/// entities. Two rounds are usual; the maximum guarantees an end.
pub(crate) fn fold_until_stable(text: &str, fold: impl Fn(&str) -> String) -> String {
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
