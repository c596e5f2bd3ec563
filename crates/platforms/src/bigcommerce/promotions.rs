//! Codes as V3 promotions, each with one code (promotions.v3.yml).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vouch_core::code::is_same_code;
use vouch_core::text::percent_encode;

use super::call::{Api, Reply, unexpected};
use super::rules::{DiscountFeature, Rules, any_currency};
use super::{mark, refused};
use crate::{CallError, CodeState, NewCode, Reason, StoreCode};

/// Finds the code with exactly that spelling.
pub(super) fn find(api: &mut Api, own: &Rules, code: &str) -> Result<Option<StoreCode>, CallError> {
    let found =
        api.get(&format!("/v3/promotions?code={}&limit=50", percent_encode(code)))?.rows()?;
    let same = found.iter().find_map(|promotion| Some((promotion, spelling(promotion, code)?)));
    let Some((promotion, spelt)) = same else { return Ok(None) };
    Ok(Some(store_code(api, own, promotion, &code_of(promotion), &spelt)))
}

/// How a promotion found by `code` spells it. `None` if only a part of its code matched. A
/// promotion with many codes doesn't list them, so `code` itself is returned.
fn spelling(promotion: &Value, code: &str) -> Option<String> {
    let own_code = code_of(promotion);
    let listed = own_code.get("code").and_then(Value::as_str);
    let is_single = promotion.get("coupon_type").and_then(Value::as_str) != Some("BULK");
    match listed {
        Some(listed) if is_same_code(listed, code) => Some(listed.to_owned()),
        Some(_) if is_single => None,
        _ => Some(code.to_owned()),
    }
}

/// The one code of a promotion; `Null` if it has none.
pub(super) fn code_of(promotion: &Value) -> Value {
    match promotion.get("codes") {
        Some(Value::Array(codes)) => codes.first().cloned().unwrap_or_default(),
        Some(code) => code.clone(),
        None => Value::Null,
    }
}

pub(super) fn store_code(
    api: &Api,
    own: &Rules,
    promotion: &Value,
    code: &Value,
    spelt: &str,
) -> StoreCode {
    let rules = Rules::read_promotion(promotion, code);
    StoreCode {
        code: spelt.to_owned(),
        remote_ref: reference(promotion),
        admin_url: api.admin_url(),
        mark: promotion.get("name").and_then(Value::as_str).and_then(mark::of),
        state: state(promotion, code, api.now),
        rules: rules.as_ref().map_or_else(
            || "Custom promotion. View the promotion in BigCommerce.".to_owned(),
            |rules| rules.sentence() + rules.made_otherwise(own),
        ),
        same_rules: rules.as_ref().is_some_and(|rules| rules.gives_as(own)),
    }
}

fn reference(promotion: &Value) -> String {
    let id = promotion.get("id").and_then(Value::as_i64).unwrap_or_default();
    format!("promotion {id}")
}

fn state(promotion: &Value, code: &Value, now: DateTime<Utc>) -> CodeState {
    let time = |name: &str| {
        let text = promotion.get(name)?.as_str()?;
        chrono::DateTime::parse_from_rfc3339(text).ok()
    };
    let used_up = |of: &Value| {
        let number = |name| of.get(name).and_then(Value::as_u64).unwrap_or(0);
        number("max_uses") > 0 && number("current_uses") >= number("max_uses")
    };
    if promotion.get("status").and_then(Value::as_str) != Some("ENABLED") {
        CodeState::Disabled
    } else if time("end_date").is_some_and(|end| end <= now) || used_up(promotion) || used_up(code)
    {
        CodeState::Expired
    } else if time("start_date").is_some_and(|start| start > now) {
        CodeState::Scheduled
    } else {
        CodeState::Live
    }
}

/// Creates the promotion, then its code. A promotion without a code, left by an interrupted
/// attempt, is found by its name and reused.
pub(super) fn create(api: &mut Api, own: &Rules, new: &NewCode) -> Result<StoreCode, CallError> {
    let promotion = match left_behind(api, new)? {
        Some(promotion) => renewed(api, own, promotion, new)?,
        None => made(api, own, new)?,
    };
    let id = promotion.get("id").and_then(Value::as_i64).ok_or_else(unexpected)?;
    let body = json!({
        "code": new.code,
        "max_uses": own.max_uses,
        "max_uses_per_customer": own.max_uses_per_customer,
    });
    let code = match api.post(&format!("/v3/promotions/{id}/codes"), &body)? {
        Reply::Done(made) => made.get("data").cloned().unwrap_or_default(),
        Reply::Conflict => return Err(CallError::Taken),
        Reply::Refused(reason) => return Err(refused(api, own, &new.code, reason)?),
        Reply::NotFound => return Err(CallError::Unanswered(Reason::PromotionGone)),
    };
    Ok(store_code(api, own, &promotion, &code, &new.code))
}

fn left_behind(api: &mut Api, new: &NewCode) -> Result<Option<Value>, CallError> {
    let name = mark::name(new);
    let found =
        api.get(&format!("/v3/promotions?name={}&limit=50", percent_encode(&name)))?.rows()?;
    let is_ours = |promotion: &Value| {
        promotion.get("name").and_then(Value::as_str) == Some(&name)
            && code_of(promotion).get("code").is_none()
    };
    Ok(found.into_iter().find(is_ours))
}

/// Updates a leftover promotion, which may still have former rules.
fn renewed(
    api: &mut Api,
    own: &Rules,
    promotion: Value,
    new: &NewCode,
) -> Result<Value, CallError> {
    let id = promotion.get("id").and_then(Value::as_i64).unwrap_or_default();
    match api.put(&format!("/v3/promotions/{id}"), &body(own, new, false))? {
        Reply::Done(changed) => Ok(changed.get("data").cloned().unwrap_or(promotion)),
        Reply::NotFound => made(api, own, new),
        Reply::Conflict => Ok(promotion),
        Reply::Refused(reason) => Err(CallError::Refused(reason)),
    }
}

fn made(api: &mut Api, own: &Rules, new: &NewCode) -> Result<Value, CallError> {
    match api.post("/v3/promotions", &body(own, new, true))? {
        Reply::Done(made) => Ok(made.get("data").cloned().unwrap_or_default()),
        Reply::Refused(reason) => Err(CallError::Refused(reason)),
        Reply::Conflict => Err(CallError::Refused(Reason::PromotionNameTaken)),
        Reply::NotFound => Err(CallError::Refused(Reason::NoPromotions)),
    }
}

/// The body of a promotion. An update doesn't change how it's redeemed.
fn body(own: &Rules, new: &NewCode, is_new: bool) -> Value {
    debug_assert!(own.kind == DiscountFeature::Promotion);
    let mut body = json!({
        "name": mark::name(new),
        "rules": own.of_promotion(),
        "currency_code": any_currency::code(own.currency),
        "status": "ENABLED",
        "can_be_used_with_other_promotions": own.combines,
        "start_date": new.now.format("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
    });
    if is_new {
        body["redemption_type"] = json!("COUPON");
        body["coupon_type"] = json!("SINGLE");
    }
    body
}
