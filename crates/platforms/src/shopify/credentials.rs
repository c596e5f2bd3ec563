//! The credentials for a Shopify store.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use vouch_core::text::ending;

/// The two kinds that Shopify offers for a merchant's own app.
#[derive(Clone)]
pub enum Credentials {
    /// The Admin API access token of a custom app that was created in the store's admin, before
    /// 2026.
    Token(SecretString),
    /// The client ID and secret of an app from the Dev Dashboard. They're exchanged for tokens that
    /// last a day.
    Client {
        /// Identifies the app. It isn't secret.
        id: String,
        /// Also signs the app's webhooks.
        secret: SecretString,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::Client { .. } => "Client(..)",
        })
    }
}

#[derive(Deserialize)]
struct StoredCredentials {
    token: Option<SecretString>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
}

impl Credentials {
    /// The JSON that's encrypted and stored.
    pub fn to_json(&self) -> Vec<u8> {
        let json = match self {
            Self::Token(token) => serde_json::json!({ "token": token.expose_secret() }),
            Self::Client { id, secret } => {
                serde_json::json!({ "client_id": id, "client_secret": secret.expose_secret() })
            }
        };
        json.to_string().into_bytes()
    }

    /// Parses the JSON of [`Self::to_json`]; `None` for anything else.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        match serde_json::from_slice(json).ok()? {
            StoredCredentials { token: Some(token), .. } => Some(Self::Token(token)),
            StoredCredentials { client_id: Some(id), client_secret: Some(secret), .. } => {
                Some(Self::Client { id, secret })
            }
            StoredCredentials { .. } => None,
        }
    }

    /// The last four characters of the secret part, to identify the credentials.
    pub fn ending(&self) -> String {
        let (Self::Token(secret) | Self::Client { secret, .. }) = self;
        ending(secret.expose_secret(), 4)
    }
}
