//! Codes as V2 coupons, for stores that need them (marketing.v2.yml). They work in the store's own
//! currency only.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vouch_core::code::is_same_code;
use vouch_core::text::percent_encode;

use super::call::{Api, Reply};
use super::rules::Rules;
use super::{mark, refused};
use crate::{CallError, CodeState, NewCode, Reason, StoreCode};

/// Finds the coupon with exactly that spelling.
pub(super) fn find(api: &mut Api, own: &Rules, code: &str) -> Result<Option<StoreCode>, CallError> {
    let found = api.get(&format!("/v2/coupons?code={}", percent_encode(code)))?.rows()?;
    let same = |coupon: &&Value| {
        coupon.get("code").and_then(Value::as_str).is_some_and(|found| is_same_code(found, code))
    };
    Ok(found.iter().find(same).map(|coupon| store_code(api, own, coupon)))
}

pub(super) fn store_code(api: &Api, own: &Rules, coupon: &Value) -> StoreCode {
    let text = |name: &str| coupon.get(name).and_then(Value::as_str).unwrap_or_default();
    let rules = Rules::read_coupon(coupon, own);
    let id = coupon.get("id").and_then(Value::as_i64).unwrap_or_default();
    StoreCode {
        code: text("code").to_owned(),
        remote_ref: format!("coupon {id}"),
        admin_url: api.admin_url(),
        mark: mark::of(text("name")),
        state: state(coupon, api.now),
        rules: rules.as_ref().map_or_else(
            || "Custom coupon. View the coupon in BigCommerce.".to_owned(),
            |rules| rules.sentence() + rules.made_otherwise(own),
        ),
        same_rules: rules.as_ref().is_some_and(|rules| rules.gives_as(own)),
    }
}

fn state(coupon: &Value, now: DateTime<Utc>) -> CodeState {
    let number = |name: &str| coupon.get(name).and_then(Value::as_u64).unwrap_or(0);
    let expires = coupon.get("expires").and_then(Value::as_str).unwrap_or_default();
    let expires = chrono::DateTime::parse_from_rfc2822(expires).ok();
    if coupon.get("enabled").and_then(Value::as_bool) == Some(false) {
        CodeState::Disabled
    } else if expires.is_some_and(|at| at <= now)
        || (number("max_uses") > 0 && number("num_uses") >= number("max_uses"))
    {
        CodeState::Expired
    } else {
        CodeState::Live
    }
}

/// Creates the coupon. Names and codes are unique in the store, so a retry after an interruption
/// can't create a second one.
pub(super) fn create(api: &mut Api, own: &Rules, new: &NewCode) -> Result<StoreCode, CallError> {
    let (kind, amount) = own.of_coupon();
    let mut body = json!({
        "name": mark::name(new),
        "code": new.code,
        "type": kind,
        "amount": amount,
        // Category 0 is the whole store.
        "applies_to": { "entity": "categories", "ids": [0] },
        "enabled": true,
        "max_uses": own.max_uses,
        "max_uses_per_customer": own.max_uses_per_customer,
    });
    if let Some(minimum) = &own.minimum {
        body["min_purchase"] = json!(minimum);
    }
    match api.post("/v2/coupons", &body)? {
        Reply::Done(coupon) => Ok(store_code(api, own, &coupon)),
        Reply::Conflict => Err(CallError::Taken),
        Reply::Refused(reason) => Err(refused(api, own, &new.code, reason)?),
        Reply::NotFound => Err(CallError::Refused(Reason::NoCoupons)),
    }
}
