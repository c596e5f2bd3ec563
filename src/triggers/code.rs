//! What triggers are compared by: the keys of coupon codes, customer e-mail addresses and SKUs.
//!
//! Stores match codes without regard to case, and orders carry what the shopper typed. So the key
//! decides, and what was typed is kept beside it.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::db::text_enum;

/// The most characters a code may have: the smallest limit among the stores (BigCommerce).
pub const MAX_CODE_CHARS: usize = 50;
/// The most characters an e-mail address may have (RFC 5321, path limit).
pub const MAX_EMAIL_CHARS: usize = 254;
/// The most characters a SKU may have (Shopify's limit for text fields).
pub const MAX_SKU_CHARS: usize = 255;

text_enum! {
    /// What ties orders to an affiliate.
    pub enum TriggerKind {
        /// A code that the shopper types at checkout.
        CouponCode = "coupon_code", "Coupon Code";
        /// The address of the customer.
        CustomerEmail = "customer_email", "Customer Email";
        /// A product: a royalty on its lines.
        Sku = "sku", "SKU";
    }
}

/// A coupon code that keeps the rules of codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CouponCode {
    value: String,
    key: String,
}

/// Which rule a code breaks, in words for the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeError {
    #[error("Enter a coupon code.")]
    Empty,
    #[error(
        "A coupon code has at most {MAX_CODE_CHARS} characters; this one has {chars}. Shorten it."
    )]
    TooLong { chars: usize },
    #[error("A coupon code has no spaces inside. Leave them out, or write a dash instead.")]
    Space,
    #[error("This code contains a character that cannot be seen. Type the code anew.")]
    Invisible,
}

impl CouponCode {
    /// Checks what was typed, outer space aside.
    ///
    /// # Errors
    /// [`CodeError`] names the first rule that is broken.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let value = typed.trim();
        let key = key_of_reported_code(value);
        if value.is_empty() {
            return Err(CodeError::Empty);
        }
        // Some single characters become several, or a space, in the key; the rules hold for both.
        for text in [value, &key] {
            if text.chars().any(is_invisible) {
                return Err(CodeError::Invisible);
            }
            if text.chars().any(char::is_whitespace) {
                return Err(CodeError::Space);
            }
        }
        let chars = value.chars().count().max(key.chars().count());
        if chars > MAX_CODE_CHARS {
            return Err(CodeError::TooLong { chars });
        }
        Ok(Self { value: value.to_owned(), key })
    }

    /// The code as it was typed, outer space cut.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The code as it is compared.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

/// The key of a code that a store reports: outer space cut, NFKC, upper case.
///
/// What a store reports is a fact, so it may break the rules for new codes; it then matches none.
pub fn key_of_reported_code(code: &str) -> String {
    fold_upper(code)
}

/// A customer's e-mail address as it is compared: outer space cut, NFKC, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailKey(String);

/// Which rule an e-mail address breaks, in words for the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailError {
    #[error("Enter an e-mail address.")]
    Empty,
    #[error("This is not an e-mail address; it should look like name@example.com.")]
    NotAnAddress,
    #[error("An e-mail address has at most {MAX_EMAIL_CHARS} characters.")]
    TooLong,
}

impl EmailKey {
    /// # Errors
    /// [`EmailError`] if it does not look like an address: a name, an `@`, a domain with a dot.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        let key: String = settle(typed, |text| text.nfkc().collect::<String>().to_lowercase());
        if key.is_empty() {
            return Err(EmailError::Empty);
        }
        if key.chars().count() > MAX_EMAIL_CHARS {
            return Err(EmailError::TooLong);
        }
        let unfit = |c: char| c.is_whitespace() || is_invisible(c) || "<>(),;:\"[]\\".contains(c);
        let is_address = key.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        });
        if !is_address || key.chars().any(unfit) {
            return Err(EmailError::NotAnAddress);
        }
        Ok(Self(key))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two addresses reach the same person, as far as one can see: `jane+shop@example.com`
    /// is `jane@example.com`.
    pub fn is_same_person(&self, other: &Self) -> bool {
        self.without_tag() == other.without_tag()
    }

    fn without_tag(&self) -> (&str, &str) {
        let (name, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        match name.split_once('+') {
            // A name that is nothing but a tag would make strangers alike.
            Some((person, _)) if !person.is_empty() => (person, domain),
            _ => (name, domain),
        }
    }
}

/// A SKU as it is compared: outer space cut, NFKC, upper case. Spaces inside are part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SkuKey(String);

/// Which rule a SKU breaks, in words for the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SkuError {
    #[error("Enter a SKU.")]
    Empty,
    #[error("A SKU has at most {MAX_SKU_CHARS} characters.")]
    TooLong,
    #[error("This SKU contains a character that cannot be seen. Type the SKU anew.")]
    Invisible,
}

impl SkuKey {
    /// # Errors
    /// [`SkuError`] names the rule that is broken.
    pub fn parse(typed: &str) -> Result<Self, SkuError> {
        let key = key_of_reported_sku(typed);
        if key.is_empty() {
            return Err(SkuError::Empty);
        }
        if key.chars().count() > MAX_SKU_CHARS {
            return Err(SkuError::TooLong);
        }
        if key.chars().any(is_invisible) {
            return Err(SkuError::Invisible);
        }
        Ok(Self(key))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a SKU that a store reports; see [`key_of_reported_code`].
pub fn key_of_reported_sku(sku: &str) -> String {
    fold_upper(sku)
}

fn fold_upper(text: &str) -> String {
    settle(text, |text| text.nfkc().collect::<String>().to_uppercase())
}

/// Folds until nothing changes, so that a key is its own key.
///
/// Upper-casing can leave what NFKC composes differently, and NFKC can lay bare an outer space.
/// Two rounds settle all of Unicode; the bound only makes the end certain.
fn settle(text: &str, fold: impl Fn(&str) -> String) -> String {
    let mut key = text.trim().to_owned();
    for _ in 0..4 {
        let next = fold(&key).trim().to_owned();
        if next == key {
            break;
        }
        key = next;
    }
    key
}

/// Characters that change nothing to the eye but make two codes different: controls, zero-width
/// characters, direction marks, byte order marks.
fn is_invisible(c: char) -> bool {
    let outside_of_lines = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    outside_of_lines
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
