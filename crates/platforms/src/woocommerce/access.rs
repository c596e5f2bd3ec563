//! Checks what the key allows.

use serde::Deserialize;
use serde_json::json;

use super::api::Api;
use crate::http::Method;
use crate::{CallError, Reason, StoreAccess};

/// Reads an order, then checks with an empty batch whether coupons could be written.
pub(super) fn access(api: &Api) -> Result<StoreAccess, CallError> {
    let reads_orders = may(api, Method::Get, "orders?per_page=1&_fields=id")?;
    let reads_coupons = may(api, Method::Get, "coupons?per_page=1&_fields=id")?;
    let writes = reads_coupons && may(api, Method::Post, "coupons/batch")?;
    let mut missing = Vec::new();
    if !reads_orders {
        missing.push(Reason::KeyCannotRead);
    }
    if !writes {
        missing.push(Reason::KeyReadOnly);
    }
    Ok(StoreAccess {
        store_name: api.site_name().unwrap_or_default(),
        currency: currency(api)?,
        reads_orders,
        creates_codes: writes,
        missing,
    })
}

fn may(api: &Api, method: Method, path: &str) -> Result<bool, CallError> {
    let body = (method == Method::Post).then(|| json!({}));
    match api.ask(method, path, body.as_ref())? {
        Ok(answer) => {
            // A web page isn't a response, whatever its status.
            answer.json::<serde::de::IgnoredAny>()?;
            Ok(true)
        }
        Err(objection) if objection.is_lacking() => Ok(false),
        Err(objection) => Err(objection.into()),
    }
}

/// The store's currency; `None` if the key's user can't read the settings.
pub(super) fn currency(api: &Api) -> Result<Option<String>, CallError> {
    #[derive(Deserialize)]
    struct Current {
        code: String,
    }
    let Ok(answer) = api.ask(Method::Get, "data/currencies/current", None)? else {
        return Ok(None);
    };
    Ok(answer.json::<Current>().ok().map(|current| current.code))
}
