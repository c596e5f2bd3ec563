//! Keyset paging: a page begins after the last row of the one before, so that the millionth row
//! costs what the first does.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::display_time::is_storable;

/// Rows on a page.
pub const PAGE_SIZE: usize = 50;

/// The most characters of a text that lists are sorted by.
const MAX_KEY_CHARS: usize = 2_000;

/// Counts on pages are exact up to here, and then say "10,000+" rather than scan.
pub const COUNT_LIMIT: i64 = 10_000;

/// Counts of a search are exact up to here: who finds more than that will type another letter, and
/// looking at every hit is what a search costs.
pub const SEARCH_LIMIT: i64 = 1_000;

/// How many rows match, as far as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    found: i64,
    limit: i64,
}

impl Count {
    /// Of `found` rows, where no more than `limit + 1` were looked for.
    pub fn new(found: i64, limit: i64) -> Self {
        Self { found, limit }
    }

    /// Where all of them were counted.
    pub fn all(found: i64) -> Self {
        Self { found, limit: i64::MAX }
    }

    /// Whether there are no more than were counted.
    pub fn is_exact(self) -> bool {
        self.found <= self.limit
    }

    /// Whether there are none.
    pub fn is_zero(self) -> bool {
        self.found == 0
    }

    /// How many, where that is known.
    pub fn exact(self) -> Option<i64> {
        self.is_exact().then_some(self.found)
    }
}

impl fmt::Display for Count {
    /// For people: "830", or "1,000+".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact() {
            Some(count) => f.write_str(&thousands(count)),
            None => write!(f, "{}+", thousands(self.limit)),
        }
    }
}

/// Where a page begins, as it stands in the address: `after=` or `before=` a row's sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor<K> {
    /// The first page.
    Start,
    /// The rows that follow this key.
    After(K),
    /// The rows that come before this key.
    Before(K),
}

/// A row's sort key, as a cursor carries it. Anyone can write one into a URL, so what no row can have
/// is no key, and never reaches the database.
pub trait SortKey: Serialize + DeserializeOwned {
    /// Whether a row can have it.
    fn is_possible(&self) -> bool;
}

impl SortKey for i64 {
    fn is_possible(&self) -> bool {
        true
    }
}

impl SortKey for bool {
    fn is_possible(&self) -> bool {
        true
    }
}

impl SortKey for String {
    fn is_possible(&self) -> bool {
        self.chars().count() <= MAX_KEY_CHARS && !self.contains('\0')
    }
}

impl SortKey for DateTime<Utc> {
    fn is_possible(&self) -> bool {
        is_storable(self)
    }
}

impl<A: SortKey, B: SortKey> SortKey for (A, B) {
    fn is_possible(&self) -> bool {
        self.0.is_possible() && self.1.is_possible()
    }
}

impl<K: SortKey> Cursor<K> {
    /// Reads the address; what cannot be read is the first page, as for an old bookmark.
    pub fn read(after: &str, before: &str) -> Self {
        match (decode(after), decode(before)) {
            (Some(key), _) => Self::After(key),
            (None, Some(key)) => Self::Before(key),
            (None, None) => Self::Start,
        }
    }

    /// Whether the query runs against the list's order.
    pub fn is_backward(&self) -> bool {
        matches!(self, Self::Before(_))
    }
}

fn decode<K: SortKey>(text: &str) -> Option<K> {
    if text.is_empty() {
        return None;
    }
    let key: K = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    key.is_possible().then_some(key)
}

/// A sort key as it stands in the address.
pub fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).expect("sort keys are plain values"))
}

/// One page of rows, with the keys of its neighbours.
#[derive(Debug)]
pub struct Listing<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// `before=` of the previous page, if there is one.
    pub previous: Option<String>,
    /// `after=` of the next page, if there is one.
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// Makes a page of up to `PAGE_SIZE + 1` rows that were fetched along the cursor (for
    /// [`Cursor::Before`], in reverse). The surplus row only says that there is more.
    pub fn new<K: Serialize>(mut rows: Vec<T>, cursor: &Cursor<K>, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > PAGE_SIZE;
        rows.truncate(PAGE_SIZE);
        let backward = matches!(cursor, Cursor::Before(_));
        if backward {
            rows.reverse();
        }
        let (has_previous, has_next) = match cursor {
            Cursor::Start => (false, more),
            Cursor::After(_) => (true, more),
            Cursor::Before(_) => (more, true),
        };
        let previous = rows.first().filter(|_| has_previous).map(|row| encode(&key(row)));
        let next = rows.last().filter(|_| has_next).map(|row| encode(&key(row)));
        Self { rows, previous, next }
    }
}

/// A count for people: exact up to the limit, then "10,000+".
pub fn count_label(count: i64) -> String {
    Count::new(count, COUNT_LIMIT).to_string()
}

/// 1234567 as "1,234,567".
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        grouped.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_address() {
        let key = ("ámbar".to_owned(), 7_i64);
        assert_eq!(Cursor::read(&encode(&key), ""), Cursor::After(key.clone()));
        assert_eq!(Cursor::read("", &encode(&key)), Cursor::Before(key));
        assert_eq!(Cursor::<(String, i64)>::read("rubbish", "!"), Cursor::Start);
    }

    #[test]
    fn a_cursor_that_no_row_can_have_is_the_first_page() {
        let read =
            |json: &str| Cursor::<(DateTime<Utc>, i64)>::read(&URL_SAFE_NO_PAD.encode(json), "");
        assert!(matches!(read(r#"["2026-03-01T00:00:00Z",7]"#), Cursor::After(_)));
        for year in ["-262143", "-4714", "0000", "+10000", "+262142"] {
            assert_eq!(read(&format!(r#"["{year}-01-01T00:00:00Z",7]"#)), Cursor::Start, "{year}");
        }
        let named = |key: &str| Cursor::<(String, i64)>::read(&encode(&(key, 7)), "");
        assert!(matches!(named("ámbar"), Cursor::After(_)));
        for key in ["\0", "a\0b", &"x".repeat(2_001)] {
            assert_eq!(named(key), Cursor::Start);
        }
    }

    #[test]
    fn a_page_knows_its_neighbours() {
        let rows: Vec<i64> = (0..51).collect();
        let first = Listing::new(rows.clone(), &Cursor::Start, |row| *row);
        assert_eq!(
            (first.rows.len(), first.previous.is_some(), first.next),
            (50, false, Some(encode(&49)))
        );
        let back = Listing::new((0..51).rev().collect(), &Cursor::Before(51_i64), |row| *row);
        assert_eq!(back.rows.first(), Some(&1));
        assert_eq!(back.previous, Some(encode(&1)));
    }

    #[test]
    fn counts_stop_at_the_limit() {
        assert_eq!(count_label(10_000), "10,000");
        assert_eq!(count_label(10_001), "10,000+");
        assert_eq!(Count::new(1_001, SEARCH_LIMIT).to_string(), "1,000+");
        assert_eq!(thousands(-1_234_567), "-1,234,567");
        assert_eq!(thousands(999), "999");
    }
}
