//! Exclusion patterns, and which coupon codes they match.
//!
//! A person can't tell `SAVE-10` from `save1O`, `S.A.V.E.10` or a code with a Cyrillic `Ѕ`, so
//! exclusions treat them as the same code.

mod skeleton;

use thiserror::Error;

use self::skeleton::look_alike_pattern;
pub use self::skeleton::{VERSION, look_alike, look_alikes};
use crate::code::{is_invisible, key_of_reported_code};
use crate::text_enum;

/// The maximum length of an exclusion in characters: a code plus some asterisks.
pub const MAX_CHARS: usize = 60;
/// The minimum length of the end of a pattern that starts with `*`.
const MIN_END: usize = 2;
/// The minimum length of the longest part of a pattern that starts and ends with `*`.
const MIN_INNER: usize = 3;
/// The maximum length of a part in a lookup. A long code has so many parts that looking up all of
/// them would be slow.
const MAX_INNER: usize = 12;

text_enum! {
    /// The form of an exclusion pattern, which decides how codes are compared with it.
    pub enum Shape {
        /// A code.
        Exact = "exact", "Exact match";
        /// `X*`
        Begins = "begins", "Starts with";
        /// `*X`
        Ends = "ends", "Ends with";
        /// `*X*`
        Contains = "contains", "Contains";
        /// Several parts, such as `X*Y`, or `*X*` with a part too long to be indexed whole.
        Composed = "composed", "Multiple parts";
    }
}

/// A code or pattern that follows the rules of exclusions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    value: String,
    key: String,
}

/// The rule that a pattern breaks. The message is shown next to the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    #[error("Enter a coupon code or a pattern such as SUMMER*.")]
    Empty,
    /// It's longer than any code. Contains the number of characters.
    #[error("Enter {MAX_CHARS} characters or fewer. This exclusion has {0}.")]
    TooLong(usize),
    /// It contains an invisible character.
    #[error("Remove the hidden character, or retype the code.")]
    Invisible,
    /// It only contains characters that comparisons ignore.
    #[error("Enter at least one letter or digit. Spaces, dashes and dots don’t count.")]
    NothingLeft,
    /// It would match nearly every code.
    #[error(
        "Enter at least {MIN_END} letters or digits after a leading *, or {MIN_INNER} in a row \
         between two *."
    )]
    TooOpen,
}

impl Pattern {
    /// Parses a typed pattern; surrounding white space is trimmed.
    ///
    /// Fails with the first broken rule.
    pub fn parse(typed: &str) -> Result<Self, PatternError> {
        let value = typed.trim();
        let chars = value.chars().count();
        if chars == 0 {
            return Err(PatternError::Empty);
        }
        if chars > MAX_CHARS {
            return Err(PatternError::TooLong(chars));
        }
        if value.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(PatternError::Invisible);
        }
        Self::recorded(value)
    }

    /// Parses a stored pattern, whose length and characters older rules may have allowed.
    ///
    /// Fails if it would match nearly every code, with [`PatternError::NothingLeft`] or
    /// [`PatternError::TooOpen`].
    pub fn recorded(value: &str) -> Result<Self, PatternError> {
        let key = one_star_at_a_time(&look_alike_pattern(&key_of_reported_code(value)));
        if key.is_empty() {
            return Err(PatternError::NothingLeft);
        }
        let pattern = Self { value: value.to_owned(), key };
        let is_star = pattern.key == "*";
        if is_star || pattern.is_too_open() { Err(PatternError::TooOpen) } else { Ok(pattern) }
    }

    /// As typed, trimmed.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The normalized pattern that's compared.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn shape(&self) -> Shape {
        shape_of(&self.key)
    }

    /// The lookup key of the pattern. It's one of the [`probes`] of every code that the pattern
    /// matches.
    pub fn anchor(&self) -> String {
        anchor_of(&self.key)
    }

    /// Whether it matches a code with this code key.
    pub fn stops(&self, code_key: &str) -> bool {
        look_alikes(code_key).any(|look_alike| fits(&self.key, &look_alike))
    }

    fn is_too_open(&self) -> bool {
        let (head, tail) = ends(&self.key);
        if self.shape() == Shape::Exact || !head.is_empty() {
            return false;
        }
        if tail.is_empty() {
            return longest_part(&self.key).chars().count() < MIN_INNER;
        }
        tail.chars().count() < MIN_END
    }
}

fn one_star_at_a_time(key: &str) -> String {
    let mut single = String::with_capacity(key.len());
    for c in key.chars() {
        if c != '*' || !single.ends_with('*') {
            single.push(c);
        }
    }
    single
}

/// The text before the first `*` and after the last one.
fn ends(key: &str) -> (&str, &str) {
    let head = key.split('*').next().unwrap_or_default();
    let tail = key.rsplit('*').next().unwrap_or_default();
    (head, tail)
}

fn longest_part(key: &str) -> &str {
    // If several are equally long, this takes the first one, so a key always has the same anchor.
    key.split('*').rev().max_by_key(|part| part.chars().count()).unwrap_or_default()
}

fn shape_of(key: &str) -> Shape {
    let (head, tail) = ends(key);
    let stars = key.matches('*').count();
    match (stars, head.is_empty(), tail.is_empty()) {
        (0, ..) => Shape::Exact,
        (1, false, true) => Shape::Begins,
        (1, true, false) => Shape::Ends,
        (2, true, true) if longest_part(key).chars().count() <= MAX_INNER => Shape::Contains,
        _ => Shape::Composed,
    }
}

/// The lookup key of a pattern with this key.
pub fn anchor_of(key: &str) -> String {
    let (head, tail) = ends(key);
    match shape_of(key) {
        Shape::Exact => format!("={key}"),
        _ if !head.is_empty() => format!("<{head}"),
        _ if !tail.is_empty() => format!(">{tail}"),
        _ => format!("~{}", begin_of(longest_part(key))),
    }
}

fn begin_of(part: &str) -> &str {
    part.char_indices().nth(MAX_INNER).map_or(part, |(end, _)| &part[..end])
}

/// Whether a pattern with this key matches a code with this look-alike key.
pub fn fits(key: &str, look_alike: &str) -> bool {
    let mut parts = key.split('*');
    let head = parts.next().unwrap_or_default();
    let Some(mut rest) = look_alike.strip_prefix(head) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    // Matching each part as early as possible leaves the longest rest for the later parts.
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(tail)
}

/// All lookup keys that a pattern which matches this code can have.
pub fn probes(look_alike: &str) -> Vec<String> {
    let mut cuts: Vec<usize> = look_alike.char_indices().map(|(at, _)| at).collect();
    cuts.push(look_alike.len());
    let last = cuts.len() - 1;
    let mut probes = vec![format!("={look_alike}")];
    probes.extend((1..=last).map(|to| format!("<{}", &look_alike[..cuts[to]])));
    probes.extend((0..=last.saturating_sub(MIN_END)).map(|from| {
        let end = &look_alike[cuts[from]..];
        format!(">{end}")
    }));
    for from in 0..last {
        for to in from + MIN_INNER..=last.min(from + MAX_INNER) {
            probes.push(format!("~{}", &look_alike[cuts[from]..cuts[to]]));
        }
    }
    probes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stops(pattern: &str, code: &str) -> bool {
        let pattern = Pattern::parse(pattern).unwrap();
        let key = key_of_reported_code(code);
        let stopped = pattern.stops(&key);
        // Every pattern that matches must be found by one of the probes.
        let mut probes = look_alikes(&key).flat_map(|look_alike| probes(&look_alike));
        assert!(!stopped || probes.any(|probe| probe == pattern.anchor()), "{pattern:?} {code}");
        stopped
    }

    #[test]
    fn what_the_eye_does_not_tell_apart_is_the_same() {
        for code in ["save1O", "SAVE-10", "s a v e_l0", "SAVE–IO", "ｓａｖｅ１０", "SAVE\u{2011}10"]
        {
            assert!(stops("SAVE-10", code), "{code}");
        }
        for code in ["SAVE100", "SAVE1", "5AVE10", "ŠAVEX10"] {
            assert!(!stops("SAVE-10", code), "{code}");
        }
    }

    #[test]
    fn an_asterisk_stands_for_anything_or_nothing() {
        for (pattern, yes, no) in [
            ("BLACKFRIDAY*", "BlackFriday-24", "MYBLACKFRIDAY"),
            ("BLACKFRIDAY*", "b1ack-fr1day", "BLACKFRIDA"),
            ("*10", "JANE-1O", "JANE100"),
            ("*FRI*", "BLACKFRIDAY", "BLACKFR-DAY"),
            ("A*B*C", "A-B-C", "ACB"),
            ("AB*BA", "ABBA", "ABA"),
            ("*AAA*AA*", "AAAAA", "AAAA"),
            ("VIP**", "VIP", "VI"),
        ] {
            assert!(stops(pattern, yes), "{pattern} {yes}");
            assert!(!stops(pattern, no), "{pattern} {no}");
        }
    }

    #[test]
    fn a_pattern_needs_something_to_be_looked_up_by() {
        for (typed, error) in [
            (" ", PatternError::Empty),
            ("- _", PatternError::NothingLeft),
            ("***", PatternError::TooOpen),
            ("*-*", PatternError::TooOpen),
            ("*A", PatternError::TooOpen),
            ("*AB*", PatternError::TooOpen),
            ("SA\u{200b}VE", PatternError::Invisible),
        ] {
            assert_eq!(Pattern::parse(typed), Err(error), "{typed:?}");
        }
        assert_eq!(Pattern::parse(&"A".repeat(61)), Err(PatternError::TooLong(61)));
        for (typed, shape, anchor) in [
            ("Save-10", Shape::Exact, "=SAVE10"),
            ("SAVE*", Shape::Begins, "<SAVE"),
            ("*10", Shape::Ends, ">10"),
            ("*sale*", Shape::Contains, "~SA1E"),
            ("A*B", Shape::Composed, "<A"),
            ("*A*BB", Shape::Composed, ">BB"),
            ("*ABC*DEF*", Shape::Composed, "~ABC"),
        ] {
            let pattern = Pattern::parse(typed).unwrap();
            assert_eq!((pattern.shape(), pattern.anchor().as_str()), (shape, anchor), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn every_code_that_a_pattern_stops_has_its_anchor_among_the_probes(
            pattern in "[AB*]{1,9}", code in "[AB]{1,12}",
        ) {
            let Ok(pattern) = Pattern::parse(&pattern) else { return Ok(()) };
            if pattern.stops(&code) {
                prop_assert!(probes(&code).contains(&pattern.anchor()));
            }
            // A reference implementation, one character at a time as in a regular expression.
            prop_assert_eq!(pattern.stops(&code), plainly(pattern.key().as_bytes(), code.as_bytes()));
        }

        #[test]
        fn anything_typed_is_taken_or_refused(typed in ".{0,70}") {
            if let Ok(pattern) = Pattern::parse(&typed) {
                prop_assert!(!pattern.anchor().is_empty());
                let again = Pattern::parse(pattern.value()).unwrap();
                prop_assert_eq!(again.key(), pattern.key());
            }
        }
    }

    fn plainly(pattern: &[u8], code: &[u8]) -> bool {
        match pattern.split_first() {
            None => code.is_empty(),
            Some((b'*', rest)) => (0..=code.len()).any(|at| plainly(rest, &code[at..])),
            Some((first, rest)) => code.first() == Some(first) && plainly(rest, &code[1..]),
        }
    }
}
