//! Suggests codes when the requested one isn't available.

use std::collections::HashSet;

use super::{CouponCode, MAX_CODE_CHARS};

/// Codes similar to one with this key, best first. The caller takes the first ones that are
/// available.
///
/// The result only depends on the input, has no duplicates and never contains the code itself. All
/// suggestions follow the rules for new codes. `JANE` for Jane Doe yields `JANE10`, `JANE-2`,
/// `THEJANE`, `JANEDOE`, `JANE-JD`…
pub fn suggestions(
    code_key: &str,
    affiliate_name: &str,
) -> impl Iterator<Item = CouponCode> + use<> {
    let key = plain(code_key);
    let stem = stem(&key).to_owned();
    let words = words(affiliate_name);
    let initials: String = words.iter().filter_map(|word| word.chars().next()).collect();

    let near = [
        join(&stem, "10"),
        join(&key, "-2"),
        join("THE", &key),
        join(&stem, "15"),
        join(&stem, "20"),
    ];
    let named = words
        .iter()
        .map({
            let stem = stem.clone();
            move |word| join(&stem, word)
        })
        .chain([join(&key, &format!("-{initials}")), join(&initials, &key)])
        .collect::<Vec<_>>();
    let numbered = (3..100).map({
        let key = key.clone();
        move |n| join(&key, &format!("-{n}"))
    });

    let mut seen = HashSet::from([key]);
    near.into_iter()
        .chain(named)
        .chain(numbered)
        .filter_map(|candidate| CouponCode::parse(&candidate).ok())
        .filter(move |candidate| seen.insert(candidate.key().to_owned()))
}

/// Removes characters that a new code can't have, because existing codes of a store may contain
/// spaces and quotes.
fn plain(key: &str) -> String {
    key.chars().filter(|c| CouponCode::parse(&c.to_string()).is_ok()).take(MAX_CODE_CHARS).collect()
}

/// `JANE` of `JANE10`: the code without its trailing number, unless the code is only a number.
fn stem(key: &str) -> &str {
    let stem = key.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_']);
    if stem.is_empty() { key } else { stem }
}

/// Up to four words of a name in upper case, letters and digits only.
fn words(name: &str) -> Vec<String> {
    name.split_whitespace()
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase())
        .filter(|word| !word.is_empty())
        .take(4)
        .collect()
}

/// Joins both parts, and shortens the longer one if the result exceeds the maximum length.
fn join(start: &str, end: &str) -> String {
    let (start_chars, end_chars) = (start.chars().count(), end.chars().count());
    let (keep_start, keep_end) = if start_chars >= end_chars {
        (MAX_CODE_CHARS.saturating_sub(end_chars), end_chars)
    } else {
        (start_chars, MAX_CODE_CHARS.saturating_sub(start_chars))
    };
    start.chars().take(keep_start).chain(end.chars().take(keep_end)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(code: &str, name: &str, n: usize) -> Vec<String> {
        let code = CouponCode::parse(code).unwrap();
        suggestions(code.key(), name).take(n).map(|c| c.value().to_owned()).collect()
    }

    #[test]
    fn a_plain_name_gets_familiar_codes() {
        assert_eq!(
            first("jane", "Jane O’Doe", 8),
            ["JANE10", "JANE-2", "THEJANE", "JANE15", "JANE20", "JANEJANE", "JANEODOE", "JANE-JO"]
        );
    }

    #[test]
    fn a_number_at_the_end_is_exchanged_rather_than_followed_by_another() {
        assert_eq!(first("JANE10", "", 3), ["JANE10-2", "THEJANE10", "JANE15"]);
        assert_eq!(first("2026", "", 2), ["202610", "2026-2"]);
    }

    #[test]
    fn a_code_of_full_length_is_cut_to_make_room() {
        let long = "A".repeat(50);
        assert_eq!(first(&long, "", 1), [format!("{}10", "A".repeat(48))]);
    }

    proptest! {
        #[test]
        fn there_are_always_at_least_three_and_none_is_the_code_itself(
            code in "[^\\s\\p{C}]{1,50}", name in ".{0,60}",
        ) {
            let Ok(code) = CouponCode::parse(&code) else { return Ok(()) };
            let all: Vec<_> = suggestions(code.key(), &name).collect();
            let keys: HashSet<_> = all.iter().map(|c| c.key().to_owned()).collect();
            prop_assert!(all.len() >= 3);
            prop_assert_eq!(keys.len(), all.len());
            prop_assert!(!keys.contains(code.key()));
        }
    }
}
