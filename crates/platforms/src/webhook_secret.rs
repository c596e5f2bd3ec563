//! The secret that signs a store's webhooks.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A shorter secret was copied incompletely. Shopify's have 32 to 64 characters.
const MIN_CHARACTERS: usize = 16;
const MAX_CHARACTERS: usize = 200;

/// Why a webhook secret is rejected, with how to fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefusal {
    #[error("Paste the secret your store signs webhooks with.")]
    Missing,
    #[error("Paste only the complete secret, without spaces or other text.")]
    Impossible,
}

/// A webhook secret as pasted, without surrounding spaces.
pub struct WebhookSecret(SecretString);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

impl WebhookSecret {
    pub fn parse(typed: &str) -> Result<Self, SecretRefusal> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(SecretRefusal::Missing);
        }
        let fits = (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&typed.len())
            && typed.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(typed.into())) } else { Err(SecretRefusal::Impossible) }
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl From<[u8; 20]> for WebhookSecret {
    /// A secret of 160 random bits, for a store whose webhooks Vouch creates.
    fn from(random: [u8; 20]) -> Self {
        Self(hex::encode(random).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_secret_loses_its_outer_space_and_is_never_printed() {
        let secret = WebhookSecret::parse(" shpss_0123456789abcdef\n").unwrap();
        assert_eq!(secret.as_bytes(), b"shpss_0123456789abcdef");
        assert_eq!(format!("{secret:?}"), "WebhookSecret(..)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert_eq!(WebhookSecret::parse("  ").unwrap_err(), SecretRefusal::Missing);
        let impossible =
            ["short", "two words of a sentence", "sëcretsëcretsëcret", &"x".repeat(201)];
        for typed in impossible {
            assert_eq!(WebhookSecret::parse(typed).unwrap_err(), SecretRefusal::Impossible);
        }
    }
}
