//! The client of a store.

use chrono::{DateTime, Utc};

use secrecy::{ExposeSecret, SecretSlice};

use super::bigcommerce::Bigcommerce;
use super::http::Http;
use super::{CallError, Client};
use crate::secrets::Sealer;
use crate::stores::{Platform, Store};

/// The client of `store`, with its credentials and rules, for calls from `now` on.
///
/// # Errors
/// [`CallError::Denied`] when its credentials are missing or do not open.
pub fn open(
    store: &Store,
    sealer: &Sealer,
    http: &Http,
    _now: DateTime<Utc>,
) -> Result<Box<dyn Client>, CallError> {
    match store.platform {
        Platform::Bigcommerce => {
            let credentials = credentials(store, sealer)?;
            let address = store.address.as_deref().unwrap_or_default();
            let rules = store.discount_rules.as_ref();
            let client = Bigcommerce::new(http, address, credentials.expose_secret(), rules)?;
            Ok(Box::new(client))
        }
        Platform::Shopify | Platform::Woocommerce | Platform::Api => {
            Err(CallError::Denied(format!("Vouch makes no calls to {} stores.", store.platform)))
        }
    }
}

fn credentials(store: &Store, sealer: &Sealer) -> Result<SecretSlice<u8>, CallError> {
    let opened = store.credentials(sealer).map_err(|_| {
        CallError::Denied(
            "The API credentials do not open with this installation's key: enter them again."
                .into(),
        )
    })?;
    opened.ok_or_else(|| CallError::Denied("Vouch has no API credentials for this store.".into()))
}
