//! Opens the API client of a store.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use vouch_platforms::http::Http;
use vouch_platforms::{CallError, Client, Connection, Reason, provider};

use super::model::Store;
use crate::kit::secrets::Encryptor;

/// The client of `store`, with its credentials and rules, for calls from `now` on. Fails with
/// [`CallError::Denied`] if the credentials are missing or can't be decrypted.
pub fn open_client(
    store: &Store,
    encryptor: &Encryptor,
    http: &Http,
    now: DateTime<Utc>,
) -> Result<Box<dyn Client>, CallError> {
    let provider = provider(store.platform)
        .ok_or(CallError::Denied(Reason::NotCallable { platform: store.platform }))?;
    with_connection(store, encryptor, http, now, |connection| provider.client(connection?))
}

/// The discount for customers from a code created in `store` now. `None` if no codes are created
/// there.
pub(crate) fn rules_in_words(store: &Store) -> Option<String> {
    let rules = store.discount_rules.as_ref().filter(|_| store.creates_codes)?;
    provider(store.platform)?.rules_sentence(rules)
}

/// Runs `act` with a connection to `store`, with its credentials and rules, from `now` on. If
/// there's none, `act` gets the error.
pub(crate) fn with_connection<T>(
    store: &Store,
    encryptor: &Encryptor,
    http: &Http,
    now: DateTime<Utc>,
    act: impl FnOnce(Result<Connection<'_>, CallError>) -> T,
) -> T {
    let credentials = match store.credentials(encryptor) {
        Ok(Some(credentials)) => credentials,
        Ok(None) => {
            return act(Err(CallError::Denied(Reason::NoCredentials)));
        }
        Err(_) => {
            return act(Err(CallError::Denied(Reason::UndecryptableCredentials)));
        }
    };
    let token = store.access_token(encryptor, now);
    let secrets = store.webhook_secrets(encryptor).unwrap_or_default();
    act(Ok(Connection {
        http,
        address: store.address.as_deref().unwrap_or_default(),
        credentials: credentials.expose_secret(),
        token: token.as_ref().and_then(text),
        webhook_secret: secrets.first().and_then(text),
        rules: store.discount_rules.as_ref(),
        now,
    }))
}

fn text(secret: &SecretSlice<u8>) -> Option<SecretString> {
    Some(SecretString::from(std::str::from_utf8(secret.expose_secret()).ok()?))
}
