use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use vouch_core::text::ending;

/// A store-level API account. BigCommerce shows it once, when it's created.
#[derive(Clone)]
pub struct Credentials {
    /// Identifies the account. It isn't secret.
    pub client_id: String,
    /// Signs the webhooks.
    pub client_secret: SecretString,
    /// Authorizes API calls.
    pub access_token: SecretString,
}

impl Credentials {
    /// The JSON that's encrypted and stored.
    pub fn to_json(&self) -> Vec<u8> {
        let value = json!({
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose_secret(),
            "access_token": self.access_token.expose_secret(),
        });
        value.to_string().into_bytes()
    }

    /// The last four characters of the access token, to identify it.
    pub fn ending(&self) -> String {
        ending(self.access_token.expose_secret(), 4)
    }

    /// Parses the JSON of [`Self::to_json`].
    pub fn from_json(json: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(json).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            client_id: text("client_id")?,
            client_secret: text("client_secret")?.into(),
            access_token: text("access_token")?.into(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
