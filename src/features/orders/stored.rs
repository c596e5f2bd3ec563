//! What an order's row has as JSON.

use diesel::QueryResult;
use diesel::result::Error;
use serde_json::Value;
use vouch_core::attribution::Attribution;

/// Fails with `DeserializationError` if another version of Vouch wrote it.
pub(super) fn attribution_of(stored: Option<Value>) -> QueryResult<Attribution> {
    Ok(stored.map(serde_json::from_value).transpose().map_err(not_json)?.unwrap_or_default())
}

pub(super) fn not_json(error: serde_json::Error) -> Error {
    Error::DeserializationError(Box::new(error))
}
