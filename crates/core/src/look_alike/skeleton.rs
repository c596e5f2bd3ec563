//! The look-alike key: the skeleton of Unicode Technical Standard #39 after NFKD, reduced to
//! letters and digits in upper case. `0`/`O` and `1`/`I`/`L` are the same.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

use crate::code::is_invisible;

/// Increment it whenever a code gets a different look-alike key, so that stored keys are
/// recomputed.
pub const VERSION: i32 = 3;

/// No character needs more steps until its prototype stops changing.
const MAX_STEPS: usize = 4;

/// The look-alike key of a code key, as `triggers.look_alike` stores it.
pub fn look_alike(code_key: &str) -> String {
    or_symbols(code_key, letters_and_digits)
}

/// All look-alike keys of a code. A code has two if its lower case looks like other letters than
/// its upper case. A Greek `ν` looks like a `v`, but its capital `Ν` like an `N`.
pub fn look_alikes(code_key: &str) -> impl Iterator<Item = String> {
    let capitals = look_alike(code_key);
    let small = (!code_key.is_ascii())
        .then(|| letters_and_digits(&code_key.to_lowercase()))
        .filter(|small| !small.is_empty() && *small != capitals);
    std::iter::once(capitals).chain(small)
}

/// The look-alike key of a pattern: each part between two `*` is converted separately.
pub(super) fn look_alike_pattern(code_key: &str) -> String {
    or_symbols(code_key, |text| {
        text.split('*').map(letters_and_digits).collect::<Vec<_>>().join("*")
    })
}

/// A code without letters and digits is compared by its symbols, so hearts differ from stars.
fn or_symbols(code_key: &str, key: impl Fn(&str) -> String) -> String {
    let found = key(code_key);
    if found.chars().any(|c| c != '*') {
        return found;
    }
    code_key.chars().filter(|c| !is_joint(*c)).collect()
}

fn letters_and_digits(text: &str) -> String {
    if text.is_ascii() {
        return text.chars().map(ascii_prototype).filter_map(counted).collect();
    }
    let letters: String = text.nfkd().flat_map(prototype).filter_map(counted).collect();
    // NFKD puts marks from prototypes and separate marks into one canonical order.
    letters.nfkd().collect()
}

/// The capital letter that a character looks like, followed by its marks.
fn prototype(c: char) -> Vec<char> {
    let mut found = vec![c];
    // A capital letter can look like a different letter than its lower case.
    for _ in 0..MAX_STEPS {
        let next: Vec<char> =
            found.iter().flat_map(|c| looks_like(*c)).flat_map(char::to_uppercase).collect();
        if next == found {
            break;
        }
        found = next;
    }
    found
}

fn looks_like(c: char) -> Vec<char> {
    if c.is_ascii() {
        return vec![ascii_prototype(c)];
    }
    let found: String = skeleton(c.encode_utf8(&mut [0; 4])).nfkd().collect();
    // The standard replaces `m` with `rn`. Here `m` stays a single letter.
    found.replace("rn", "m").chars().collect()
}

/// The standard's confusable ASCII letters are lower case, except for this one.
fn ascii_prototype(c: char) -> char {
    if c == '|' { 'L' } else { c.to_ascii_uppercase() }
}

/// Maps a letter or digit to its twin; everything else is ignored.
fn counted(c: char) -> Option<char> {
    match c {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        other => other.is_alphanumeric().then_some(other),
    }
}

fn is_joint(c: char) -> bool {
    c.is_whitespace()
        || is_invisible(c)
        || matches!(c, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::code::key_of_reported_code;

    fn keys(code: &str) -> Vec<String> {
        look_alikes(&key_of_reported_code(code)).collect()
    }

    #[test]
    fn what_looks_like_a_code_has_its_key() {
        for (code, look_alikes) in [
            (
                "SUMMER24",
                vec![
                    "SU\u{41c}MER24", // Cyrillic М
                    "SUMM\u{415}R24", // Cyrillic Е
                    "summ\u{435}r24", // Cyrillic е
                    "\u{405}UMMER24", // Cyrillic Ѕ
                    "SUMM\u{395}R24", // Greek Ε
                    "SUMMÉR24",
                    "SUMME\u{301}R24",
                    "S.U.M.M.E.R.24",
                    "SUMMER 24",
                    "SUMMER+24!",
                    "ＳＵＭＭＥＲ２４",
                    "𝐒𝐔𝐌𝐌𝐄𝐑24",
                    "𝖘𝖚𝖒𝖒𝖊𝖗24",
                    "ⓈⓊⓂⓂⒺⓇ24",
                    "SUMMER❤24",
                    "ꓢꓴMMER24", // Lisu
                ],
            ),
            (
                "BLACKFRIDAY",
                vec!["\u{392}LACKFRIDAY", "BL\u{391}CKFRID\u{410}Y", "B1ACKFR1DAY", "BŁACKFRIDAY"],
            ),
            ("STAFF", vec!["S.T.A.F.F", "S_T_A_F_F", "ŠTÄFF", "\u{405}\u{422}AFF"]),
            (
                "WELCOME10",
                vec![
                    "WELCOME|0",
                    "WELCOMElO",
                    "WELC\u{41e}ME10",
                    "WELC\u{39f}ME10",
                    "WELCØME10",
                    "WELC\u{1d7ce}ME10",
                ],
            ),
            ("SAVE10", vec!["SA\u{3bd}E10", "s\u{430}ve10", "\u{455}ave10", "SAVE①⓪", "ſave10"]),
            ("OIL", vec!["0il", "01L", "O|l"]),
        ] {
            let wanted = look_alike(code);
            for other in look_alikes {
                assert!(keys(other).contains(&wanted), "{other}: {:?}, not {wanted}", keys(other));
            }
        }
    }

    #[test]
    fn what_looks_otherwise_has_another_key() {
        let taken = ["SUMMER24", "SAVE10", "STAFF", "WELCOME10", "BLACKFRIDAY", "LOVE"];
        let taken = taken.map(look_alike);
        for honest in [
            "ΚΑΛΟΚΑΙΡΙ24",
            "καλοκαιρι24",
            "ЛЕТО24",
            "лето24",
            "ÉTÉ24",
            "ПРИВЕТ",
            "ΑΓΑΠΗ",
            "夏24",
            "여름24",
            "صيف24",
            "गर्मी24",
            "SOMMER24",
            "5AVE10",
            "SUMMER42",
            "❤❤",
            "★",
        ] {
            for key in keys(honest) {
                assert!(!key.is_empty() && !taken.contains(&key), "{honest}: {key}");
            }
        }
        assert_ne!(look_alike("❤❤"), look_alike("★★"));
    }

    #[test]
    fn the_keys_of_all_characters_are_those_of_this_version() {
        let mut hash = Sha256::new();
        for c in (' '..=char::MAX).filter(|c| !is_invisible(*c)) {
            hash.update(look_alike(&key_of_reported_code(&format!("A{c}B"))).as_bytes());
            hash.update([0]);
        }
        // If this fails, keys in the database differ from newly computed ones: increment `VERSION`.
        assert_eq!((VERSION, hex::encode(&hash.finalize()[..8]).as_str()), (3, "109311bcf1dadf0e"));
    }

    #[test]
    fn a_key_is_its_own_key() {
        for code in ["\u{1ee36}\u{16ff0}", "\u{1d2b}"] {
            let key = look_alike(&key_of_reported_code(code));
            assert_eq!(look_alike(&key), key);
        }
    }

    #[test]
    fn every_character_ends_at_one_that_stands_for_itself() {
        for c in (' '..=char::MAX).filter(|c| !is_invisible(*c)) {
            let found = prototype(c);
            let again: Vec<char> = found.iter().flat_map(|c| prototype(*c)).collect();
            assert_eq!(found, again, "{c}");
        }
    }

    proptest! {
        #[test]
        fn a_look_alike_key_is_its_own_key(text in "[\\PC]{0,20}|[А-Яа-яΑ-Ωα-ωA-Z0-9.|-]{1,12}") {
            let key = look_alike(&key_of_reported_code(&text));
            prop_assert_eq!(look_alike(&key), key);
        }
    }
}
