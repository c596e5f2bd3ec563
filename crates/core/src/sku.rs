//! SKUs and the keys by which they're compared.

use thiserror::Error;

use crate::code::{is_invisible, key_of_reported_code};

/// The maximum length of a SKU in characters (Shopify's limit for text fields).
pub const MAX_SKU_CHARS: usize = 255;

/// The key of a SKU that a store reports; see [`key_of_reported_code`].
pub fn key_of_reported_sku(sku: &str) -> String {
    key_of_reported_code(sku)
}

/// The key of a SKU: trimmed, NFKC, upper case. Inner spaces are significant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SkuKey(String);

/// The rule that a SKU breaks. The message is shown next to the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SkuError {
    #[error("Enter a SKU.")]
    Empty,
    #[error("Enter {MAX_SKU_CHARS} characters or fewer.")]
    TooLong,
    #[error("Remove the hidden character, or retype the SKU.")]
    Invisible,
}

impl SkuKey {
    /// Fails with the broken rule.
    pub fn parse(typed: &str) -> Result<Self, SkuError> {
        let key = key_of_reported_sku(typed);
        if key.is_empty() {
            return Err(SkuError::Empty);
        }
        if key.chars().count() > MAX_SKU_CHARS {
            return Err(SkuError::TooLong);
        }
        if typed.trim().chars().any(is_invisible) {
            return Err(SkuError::Invisible);
        }
        Ok(Self(key))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skus_keep_their_inner_spaces() {
        assert_eq!(SkuKey::parse(" tee shirt-m ").unwrap().as_str(), "TEE SHIRT-M");
        assert_eq!(key_of_reported_sku("tee shirt-m"), "TEE SHIRT-M");
        assert_eq!(SkuKey::parse(" "), Err(SkuError::Empty));
        assert_eq!(SkuKey::parse("A\u{200b}B"), Err(SkuError::Invisible));
        assert_eq!(SkuKey::parse(&"A".repeat(256)), Err(SkuError::TooLong));
        assert!(SkuKey::parse(&"A".repeat(255)).is_ok());
    }
}
