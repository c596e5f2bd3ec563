//! The client of a store.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use vouch_platforms::bigcommerce::{self, Bigcommerce};
use vouch_platforms::http::Http;
use vouch_platforms::shopify::{self, Shopify};
use vouch_platforms::woocommerce::{self, Woocommerce};
use vouch_platforms::{CallError, Client};

use super::model::{Platform, Store};
use crate::secrets::Sealer;

/// The client of `store`, with its credentials and rules, for calls from `now` on.
///
/// # Errors
/// [`CallError::Denied`] when its credentials are missing or do not open.
pub fn open_client(
    store: &Store,
    sealer: &Sealer,
    http: &Http,
    now: DateTime<Utc>,
) -> Result<Box<dyn Client>, CallError> {
    match store.platform {
        Platform::Shopify => Ok(Box::new(open_shopify(store, sealer, http, now)?)),
        Platform::Bigcommerce => {
            let credentials = credentials(store, sealer)?;
            let address = store.address.as_deref().unwrap_or_default();
            let rules = store.discount_rules.as_ref();
            let client = Bigcommerce::new(http, address, credentials.expose_secret(), rules, now)?;
            Ok(Box::new(client))
        }
        Platform::Woocommerce => Ok(Box::new(open_woocommerce(store, sealer, http, now)?)),
        Platform::Api => {
            Err(CallError::Denied(format!("Vouch makes no calls to {} stores.", store.platform)))
        }
    }
}

/// The client of a Shopify `store`, for what only Shopify can be asked.
///
/// # Errors
/// As [`open_client`].
pub fn open_shopify(
    store: &Store,
    sealer: &Sealer,
    http: &Http,
    now: DateTime<Utc>,
) -> Result<Shopify, CallError> {
    let credentials = shopify::Credentials::from_json(credentials(store, sealer)?.expose_secret());
    let credentials = credentials.ok_or_else(unreadable)?;
    let token = store
        .access_token(sealer, now)
        .and_then(|token| std::str::from_utf8(token.expose_secret()).map(SecretString::from).ok());
    let rules = store.discount_rules.as_ref().and_then(shopify::Rules::from_json);
    let address = store.address.as_deref().unwrap_or_default();
    Ok(Shopify::new(http.clone(), address, credentials, token, rules, now))
}

fn open_woocommerce(
    store: &Store,
    sealer: &Sealer,
    http: &Http,
    now: DateTime<Utc>,
) -> Result<Woocommerce, CallError> {
    let opened = credentials(store, sealer)?;
    let credentials =
        woocommerce::Credentials::from_json(opened.expose_secret()).ok_or_else(unreadable)?;
    let secret = store.webhook_secrets(sealer).ok().and_then(|secrets| {
        let secret = std::str::from_utf8(secrets.first()?.expose_secret()).ok()?;
        Some(SecretString::from(secret))
    });
    let rules = store.discount_rules.as_ref().and_then(woocommerce::Rules::from_json);
    let address = store.address.as_deref().unwrap_or_default();
    Ok(Woocommerce::new(http.clone(), address, &credentials, secret, rules, now))
}

/// What a shopper gets with a code that is made in `store` now; `None` where none are made.
pub fn rules_in_words(store: &Store) -> Option<String> {
    let rules = store.discount_rules.as_ref().filter(|_| store.creates_codes)?;
    match store.platform {
        Platform::Shopify => Some(shopify::Rules::from_json(rules)?.sentence()),
        Platform::Bigcommerce => {
            let rules: bigcommerce::Rules = serde_json::from_value(rules.clone()).ok()?;
            Some(rules.sentence())
        }
        Platform::Woocommerce => Some(woocommerce::Rules::from_json(rules)?.sentence()),
        Platform::Api => None,
    }
}

fn credentials(store: &Store, sealer: &Sealer) -> Result<SecretSlice<u8>, CallError> {
    let opened = store.credentials(sealer).map_err(|_| unreadable())?;
    opened.ok_or_else(|| CallError::Denied("Vouch has no API credentials for this store.".into()))
}

fn unreadable() -> CallError {
    CallError::Denied(
        "The API credentials do not open with this installation’s key: enter them again.".into(),
    )
}
