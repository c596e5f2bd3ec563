//! The credentials for a WooCommerce store.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vouch_core::text::ending;

/// A REST API key from WooCommerce > Settings > Advanced.
#[derive(Clone)]
pub struct Credentials {
    /// `ck_…`
    pub consumer_key: SecretString,
    /// `cs_…`
    pub consumer_secret: SecretString,
}

impl Credentials {
    /// The JSON that's encrypted and stored.
    pub fn to_json(&self) -> Vec<u8> {
        let json = serde_json::json!({
            "consumer_key": self.consumer_key.expose_secret(),
            "consumer_secret": self.consumer_secret.expose_secret(),
        });
        json.to_string().into_bytes()
    }

    /// Parses the JSON of [`Self::to_json`]; `None` for anything else.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(json).ok()?;
        let text = |name: &str| Some(SecretString::from(value.get(name)?.as_str()?));
        Some(Self {
            consumer_key: text("consumer_key")?,
            consumer_secret: text("consumer_secret")?,
        })
    }

    /// The end of the key. WooCommerce's own list shows the same part.
    pub fn ending(&self) -> String {
        ending(self.consumer_key.expose_secret(), 7)
    }
}
