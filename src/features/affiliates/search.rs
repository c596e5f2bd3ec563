//! Parses a search for affiliates.
//!
//! A word of three characters or more can match anywhere in the name, email or affiliate ID. A
//! shorter one must match the beginning of a word. The trigram index stores the beginnings of words
//! as separate trigrams (two spaces and a letter, a space and two letters). So `jo` finds its rows
//! in the index like `john` does, while `%jo%` would have to read every row.

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::kit::db::schema::affiliates;
use crate::kit::lists::{begins_with, contains};

pub(super) type BoxedAffiliates = IntoBoxed<'static, affiliates::table, Pg>;
pub(super) type AffiliateCondition =
    Box<dyn BoxableExpression<affiliates::table, Pg, SqlType = Bool>>;

/// From this length on, a word can match anywhere.
const ANYWHERE: usize = 3;
/// The maximum number of words. The rest counts as part of the last one.
const MAX_WORDS: usize = 4;
/// No name is longer.
const MAX_CHARS: usize = 200;

/// A parsed search. All of its words must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AffiliateSearch(Vec<String>);

impl AffiliateSearch {
    /// Parses the typed text. Words without a letter or digit are ignored, since every email
    /// contains an `@`.
    pub(crate) fn of(typed: &str) -> Self {
        let typed: String = typed.trim().chars().take(MAX_CHARS).collect();
        let words = typed.to_lowercase();
        let words = words.splitn(MAX_WORDS, char::is_whitespace).map(str::trim);
        Self(words.filter(|word| word.contains(char::is_alphanumeric)).map(str::to_owned).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that begin with this match best.
    pub(super) fn head(&self) -> Option<NamePrefix> {
        (!self.is_empty()).then(|| NamePrefix(self.0.join(" ")))
    }

    /// The rows that contain every word.
    pub(super) fn matching(&self, query: BoxedAffiliates) -> BoxedAffiliates {
        let patterns = self.0.iter().map(|word| pattern(word));
        patterns.fold(query, |query, like| query.filter(affiliates::search.like(like)))
    }
}

/// The beginning of a name.
pub(super) struct NamePrefix(String);

impl NamePrefix {
    /// Matches names with this beginning, by letters that are equal in the names' collation. These
    /// names are adjacent in the index by name.
    pub(super) fn begins(self) -> AffiliateCondition {
        // In Unicode's root collation, U+FFFF sorts after every other character (UTS 35, part 5).
        let last = format!("{}\u{ffff}", self.0);
        Box::new(affiliates::name_key.ge(self.0).and(affiliates::name_key.lt(last)))
    }
}

/// In the column, every word follows a space.
fn pattern(word: &str) -> String {
    if word.chars().count() >= ANYWHERE {
        contains(word)
    } else {
        format!("% {}", begins_with(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_taken_apart() {
        assert_eq!(AffiliateSearch::of("  Ann  SMITH ").0, ["ann", "smith"]);
        assert_eq!(AffiliateSearch::of("a b c d e").0, ["a", "b", "c", "d e"]);
        assert!(AffiliateSearch::of(" @ -- % ").is_empty());
    }

    #[test]
    fn short_words_are_beginnings() {
        assert_eq!(pattern("jo"), "% jo%");
        assert_eq!(pattern("50%"), "%50\\%%");
    }
}
