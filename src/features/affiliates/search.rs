//! What is typed to find an affiliate.
//!
//! A word of three characters or more may stand anywhere in name, e-mail address or affiliate ID.
//! A shorter one must begin a word there: the trigram index keeps the beginnings of words as
//! trigrams of their own (two spaces and a letter, a space and two letters), so that `jo` finds
//! its rows in the index as `john` does, where `%jo%` would have to look at every row.

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::kit::db::listing::{begins_with, contains};
use crate::kit::db::schema::affiliates;

pub(super) type Boxed = IntoBoxed<'static, affiliates::table, Pg>;
pub(super) type Condition = Box<dyn BoxableExpression<affiliates::table, Pg, SqlType = Bool>>;

/// From this length on a word is looked for anywhere.
const ANYWHERE: usize = 3;
/// So many words are told apart; what follows counts as one.
const MAX_WORDS: usize = 4;
/// Nobody's name is longer.
const MAX_CHARS: usize = 200;

/// A search, taken apart. All of its words must be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Takes apart what was typed. Words without a letter or a digit say nothing: every e-mail
    /// address has an `@`.
    pub fn of(typed: &str) -> Self {
        let typed: String = typed.trim().chars().take(MAX_CHARS).collect();
        let words = typed.to_lowercase();
        let words = words.splitn(MAX_WORDS, char::is_whitespace).map(str::trim);
        Self(words.filter(|word| word.contains(char::is_alphanumeric)).map(str::to_owned).collect())
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What names begin with that match best.
    pub(super) fn head(&self) -> Option<Head> {
        (!self.is_empty()).then(|| Head(self.0.join(" ")))
    }

    /// The rows with every word.
    pub(super) fn matching(&self, query: Boxed) -> Boxed {
        let patterns = self.0.iter().map(|word| pattern(word));
        patterns.fold(query, |query, like| query.filter(affiliates::search.like(like)))
    }
}

/// How a name can begin.
pub(super) struct Head(String);

impl Head {
    /// Whether a name begins so, by the letters that the names' collation takes for the same. These
    /// names stand together in the index by name.
    pub(super) fn begins(self) -> Condition {
        // In Unicode's root collation, U+FFFF stands behind every other character (UTS 35, part 5).
        let last = format!("{}\u{ffff}", self.0);
        Box::new(affiliates::name_key.ge(self.0).and(affiliates::name_key.lt(last)))
    }
}

/// In the column, every word has a space before it.
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
        assert_eq!(Search::of("  Ann  SMITH ").0, ["ann", "smith"]);
        assert_eq!(Search::of("a b c d e").0, ["a", "b", "c", "d e"]);
        assert!(Search::of(" @ -- % ").is_empty());
    }

    #[test]
    fn short_words_are_beginnings() {
        assert_eq!(pattern("jo"), "% jo%");
        assert_eq!(pattern("50%"), "%50\\%%");
    }
}
