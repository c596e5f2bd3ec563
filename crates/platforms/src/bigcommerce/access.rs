//! Checks the permissions of an API account with reads that change nothing.

use serde_json::Value;
use vouch_core::platform::Platform;

use super::call::{Api, Reply};
use super::rules::{DiscountFeature, Rules};
use crate::{CallError, Reason, StoreAccess};

/// A missing permission isn't an error, but listed in [`StoreAccess::missing`].
pub(super) fn of(api: &mut Api, rules: &Rules) -> Result<StoreAccess, CallError> {
    let mut access = StoreAccess::default();
    if let Some(store) = allowed(api, "/v2/store", &mut Vec::new())? {
        let text = |name: &str| store.get(name).and_then(Value::as_str).map(str::to_owned);
        access.store_name = text("name").unwrap_or_default();
        access.currency = text("currency").filter(|currency| !currency.is_empty());
    }
    let missing = &mut access.missing;
    let orders = allowed(api, "/v2/orders?limit=1", missing)?.is_some();
    let refunds = allowed(api, "/v3/orders/payment_actions/refunds?limit=1", missing)?.is_some();
    let codes = match rules.kind {
        DiscountFeature::Promotion => "/v3/promotions?limit=1",
        DiscountFeature::Coupon => "/v2/coupons?limit=1",
    };
    let codes = allowed(api, codes, missing)?.is_some();
    access.reads_orders = orders && refunds;
    access.creates_codes = codes;
    Ok(access)
}

/// The response, or `None` if the account lacks the permission, which is then added to `missing`.
fn allowed(
    api: &mut Api,
    path: &str,
    missing: &mut Vec<Reason>,
) -> Result<Option<Value>, CallError> {
    match api.get(path) {
        // Every store has these lists, even if they're empty.
        Ok(Reply::NotFound) => {
            Err(CallError::Denied(Reason::NoStore { platform: Platform::Bigcommerce }))
        }
        Ok(reply) => reply.value().map(Some),
        Err(CallError::Denied(lacking @ Reason::MissingPermission { .. })) => {
            missing.push(lacking);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
