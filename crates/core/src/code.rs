//! Coupon codes and their keys.
//!
//! Stores ignore case, and orders contain the code as the customer typed it. So codes are compared
//! by a key, and the typed code is stored next to it.

mod characters;
mod key;
mod suggest;

use std::fmt;

use thiserror::Error;

pub use self::characters::is_invisible;
use self::characters::{is_quote, is_typographic_quote, is_unfit};
pub(crate) use self::key::fold_until_stable;
pub use self::key::{VERSION, decoded, is_same_code, key_of_reported_code};
pub use self::suggest::suggestions;

/// The maximum length of a code that Vouch creates: the smallest limit of the supported stores
/// (BigCommerce).
pub const MAX_CODE_CHARS: usize = 50;
/// The maximum length of an existing code of a store. It's Shopify's limit; WordPress allows more,
/// but customers don't type such codes.
pub const MAX_EXISTING_CODE_CHARS: usize = 255;

/// A coupon code with its key. The constructor decides whether the rules for new or existing codes
/// apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CouponCode {
    value: String,
    key: String,
}

/// The rule that a code breaks. The message is shown next to the field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodeError {
    #[error("Enter a coupon code.")]
    Empty,
    #[error("Enter {max} characters or fewer. This code has {chars}.")]
    TooLong { chars: usize, max: usize },
    #[error("Remove the spaces, or use dashes instead. New codes can’t contain spaces.")]
    Space,
    #[error("Replace the line break or special space with a regular space.")]
    SpecialSpace,
    #[error("Remove the hidden character {}.", place(.before))]
    Invisible {
        /// The text before the character; empty at the start.
        before: String,
    },
    #[error("Remove the quotation mark {0}.")]
    Quote(char),
}

impl CodeError {
    /// Whether only new codes must follow this rule, so a code that a store already has may break
    /// it.
    pub fn concerns_new_codes(&self) -> bool {
        match self {
            Self::TooLong { max, .. } => *max == MAX_CODE_CHARS,
            Self::Space => true,
            Self::Quote(quote) => !is_typographic_quote(*quote),
            Self::Empty | Self::SpecialSpace | Self::Invisible { .. } => false,
        }
    }
}

fn place(before: &str) -> String {
    if before.is_empty() { "at the start".to_owned() } else { format!("after {before}") }
}

impl CouponCode {
    /// Parses a code that Vouch will create: 1 to 50 characters without white space, invisible
    /// characters or quotes. Surrounding white space is trimmed.
    ///
    /// Fails with the first broken rule.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let code = Self::visible(typed)?;
        // NFKC can turn one character into several, or into a space, so the rules apply to the key
        // too.
        for text in [&code.value, &code.key] {
            if text.chars().any(char::is_whitespace) {
                return Err(CodeError::Space);
            }
        }
        code.without(is_quote)?.of_at_most(MAX_CODE_CHARS)
    }

    /// Parses a code that a store already has: up to 255 characters, spaces allowed.
    ///
    /// Fails with the first broken rule.
    pub fn parse_existing(typed: &str) -> Result<Self, CodeError> {
        let code = Self::visible(typed)?;
        if code.value.chars().any(|c| c.is_whitespace() && c != ' ') {
            return Err(CodeError::SpecialSpace);
        }
        code.without(is_typographic_quote)?.of_at_most(MAX_EXISTING_CODE_CHARS)
    }

    /// A stored code, without any checks: older rules may have allowed it.
    pub fn recorded(value: &str) -> Self {
        let value = value.trim().to_owned();
        let key = key_of_reported_code(&value);
        Self { value, key }
    }

    fn visible(typed: &str) -> Result<Self, CodeError> {
        let code = Self::recorded(typed);
        if code.value.is_empty() {
            return Err(CodeError::Empty);
        }
        // A character typed as an HTML entity is only in the key.
        let before = [&code.value, &code.key]
            .into_iter()
            .find_map(|text| Some(text[..text.find(is_unfit)?].to_owned()));
        match before {
            Some(before) => Err(CodeError::Invisible { before }),
            None => Ok(code),
        }
    }

    fn without(self, is_unfit: fn(char) -> bool) -> Result<Self, CodeError> {
        match self.value.chars().chain(self.key.chars()).find(|c| is_unfit(*c)) {
            Some(quote) => Err(CodeError::Quote(quote)),
            None => Ok(self),
        }
    }

    fn of_at_most(self, max: usize) -> Result<Self, CodeError> {
        let chars = self.value.chars().count().max(self.key.chars().count());
        if chars > max { Err(CodeError::TooLong { chars, max }) } else { Ok(self) }
    }

    /// The code as typed, trimmed.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The normalized code that's compared.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

#[cfg(test)]
mod tests;
