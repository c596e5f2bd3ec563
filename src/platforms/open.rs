//! The client of a store.

use chrono::{DateTime, Utc};

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
    _sealer: &Sealer,
    _http: &Http,
    _now: DateTime<Utc>,
) -> Result<Box<dyn Client>, CallError> {
    match store.platform {
        Platform::Shopify | Platform::Bigcommerce | Platform::Woocommerce | Platform::Api => {
            Err(CallError::Denied(format!("Vouch makes no calls to {} stores.", store.platform)))
        }
    }
}
