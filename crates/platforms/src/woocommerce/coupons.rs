//! Coupons, each with one code.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use vouch_core::code::{decoded, is_same_code};
use vouch_core::money::{Currency, Rate, parse_decimal};
use vouch_core::text::percent_encode;

use super::api::{Api, plain, site};
use super::rules::{DiscountAmount, Rules};
use crate::http::Method;
use crate::{CallError, CodeState, CursorPage, Mark, NewCode, Position, Reason, StoreCode};

/// The page size, WordPress's maximum.
const PAGE: usize = 100;
/// The metadata key of Vouch's mark.
const MARK: &str = "_vouch_trigger";
const FIELDS: &str = "id,code,status,amount,discount_type,date_expires_gmt,usage_count,\
                      individual_use,product_ids,excluded_product_ids,usage_limit,\
                      usage_limit_per_user,limit_usage_to_x_items,free_shipping,\
                      product_categories,excluded_product_categories,exclude_sale_items,\
                      minimum_amount,maximum_amount,email_restrictions,meta_data";

#[derive(Deserialize)]
struct Coupon {
    id: u64,
    code: String,
    #[serde(default)]
    status: Option<String>,
    amount: String,
    discount_type: String,
    #[serde(default)]
    date_expires_gmt: Option<String>,
    #[serde(default)]
    usage_count: u32,
    #[serde(default)]
    usage_limit: Option<u32>,
    #[serde(default)]
    usage_limit_per_user: Option<u32>,
    #[serde(default)]
    limit_usage_to_x_items: Option<u32>,
    #[serde(default)]
    individual_use: bool,
    #[serde(default)]
    free_shipping: bool,
    #[serde(default)]
    exclude_sale_items: bool,
    #[serde(default)]
    minimum_amount: String,
    #[serde(default)]
    maximum_amount: String,
    #[serde(default)]
    product_ids: Vec<u64>,
    #[serde(default)]
    excluded_product_ids: Vec<u64>,
    #[serde(default)]
    product_categories: Vec<u64>,
    #[serde(default)]
    excluded_product_categories: Vec<u64>,
    #[serde(default)]
    email_restrictions: Vec<String>,
    #[serde(default)]
    meta_data: Vec<CouponMeta>,
}

#[derive(Deserialize)]
struct CouponMeta {
    key: String,
    /// Any JSON, from any extension.
    value: Value,
}

/// The coupon's page in WordPress.
pub fn admin_url(address: &str, remote_ref: &str) -> String {
    format!("{}/wp-admin/post.php?post={}&action=edit", site(address), percent_encode(remote_ref))
}

pub(super) fn find(
    api: &Api,
    rules: Option<&Rules>,
    now: DateTime<Utc>,
    code: &str,
) -> Result<Option<StoreCode>, CallError> {
    let found = found_by(api, code)?.into_iter().find(|coupon| is_same_code(&coupon.code, code));
    Ok(found.map(|coupon| in_terms(api, coupon, rules, now)))
}

/// The coupons that WordPress finds for a code. It encodes the search text the same way as stored
/// codes, so the plain code is sent. Its database ignores accents and can find other codes too.
fn found_by(api: &Api, code: &str) -> Result<Vec<Coupon>, CallError> {
    api.get(&format!("coupons?code={}&_fields={FIELDS}", percent_encode(&decoded(code))))
}

/// The meaning of a taken code. If the store has only a similar code, this one never becomes
/// available.
fn taken(api: &Api, code: &str) -> Result<CallError, CallError> {
    let found = found_by(api, code)?;
    if found.iter().any(|coupon| is_same_code(&coupon.code, code)) {
        return Ok(CallError::Taken);
    }
    Ok(found.first().map_or(CallError::Taken, |other| {
        let other = decoded(&other.code).into_owned();
        CallError::Refused(Reason::SimilarCode { wanted: code.to_owned(), other })
    }))
}

pub(super) fn create(api: &Api, rules: &Rules, new: &NewCode) -> Result<StoreCode, CallError> {
    let mut coupon = rules.to_coupon();
    coupon["code"] = json!(new.code);
    coupon["description"] = json!(format!("{} (created by Vouch)", new.affiliate));
    let mark = format!("{}-{}", new.mark.merchant_id, new.mark.trigger_id);
    coupon["meta_data"] = json!([{ "key": MARK, "value": mark }]);
    let answer = match api.ask(Method::Post, "coupons", Some(&coupon))?.map_err(CallError::from) {
        Err(CallError::Taken) => return Err(taken(api, &new.code)?),
        answer => answer?,
    };
    let made: Coupon = answer.json()?;
    Ok(in_terms(api, made, Some(rules), new.now))
}

pub(super) fn page(
    api: &Api,
    rules: Option<&Rules>,
    now: DateTime<Utc>,
    cursor: Option<&str>,
) -> Result<CursorPage<StoreCode>, CallError> {
    let mut position: Position =
        cursor.and_then(|cursor| serde_json::from_str(cursor).ok()).unwrap_or_default();
    let (size, number) = position.page(PAGE);
    let found: Vec<Coupon> = api.get(&format!(
        "coupons?orderby=id&order=asc&per_page={size}&page={number}&_fields={FIELDS}"
    ))?;
    let (found, more) = position.take(found, (size, number), |coupon| coupon.id)?;
    let next = more.then(|| json!(position).to_string());
    let rows = found.into_iter().map(|coupon| in_terms(api, coupon, rules, now)).collect();
    Ok(CursorPage { rows, next })
}

fn in_terms(api: &Api, coupon: Coupon, rules: Option<&Rules>, now: DateTime<Utc>) -> StoreCode {
    let remote_ref = coupon.id.to_string();
    let found = rules_of(&coupon, rules.map(|rules| rules.currency));
    StoreCode {
        admin_url: Some(admin_url(api.site(), &remote_ref)),
        remote_ref,
        mark: mark_of(&coupon.meta_data),
        state: state_of(&coupon, now),
        same_rules: found.is_some() && found.as_ref() == rules && !is_restricted(&coupon),
        rules: in_words(&coupon, found),
        code: decoded(&coupon.code).into_owned(),
    }
}

fn mark_of(meta: &[CouponMeta]) -> Option<Mark> {
    let mark = meta.iter().find(|meta| meta.key == MARK)?.value.as_str()?;
    let (merchant_id, trigger_id) = mark.split_once('-')?;
    Some(Mark { merchant_id: merchant_id.parse().ok()?, trigger_id: trigger_id.parse().ok()? })
}

fn state_of(coupon: &Coupon, now: DateTime<Utc>) -> CodeState {
    let expires = coupon.date_expires_gmt.as_deref();
    let expires =
        expires.and_then(|at| NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M:%S").ok());
    let is_over = expires.is_some_and(|at| at.and_utc() <= now);
    let limit = coupon.usage_limit.filter(|limit| *limit > 0);
    let is_used_up = limit.is_some_and(|limit| coupon.usage_count >= limit);
    match coupon.status.as_deref() {
        Some("future") => CodeState::Scheduled,
        Some(status) if status != "publish" => CodeState::Disabled,
        _ if is_over || is_used_up => CodeState::Expired,
        _ => CodeState::Live,
    }
}

/// The coupon's terms as rules; `None` for a coupon type of an extension.
fn rules_of(coupon: &Coupon, currency: Option<Currency>) -> Option<Rules> {
    let currency = currency.unwrap_or(Currency::USD);
    let minor = |amount: &str| match amount {
        "" => Some(0),
        amount => parse_decimal(amount, currency).ok(),
    };
    let takeoff = match coupon.discount_type.as_str() {
        "percent" => DiscountAmount::Percent { rate: Rate::parse(&coupon.amount).ok()? },
        "fixed_cart" => DiscountAmount::Cart { minor: minor(&coupon.amount)? },
        "fixed_product" => DiscountAmount::Product { minor: minor(&coupon.amount)? },
        _ => return None,
    };
    Some(Rules {
        takeoff,
        currency,
        minimum_minor: Some(minor(&coupon.minimum_amount)?).filter(|minor| *minor > 0),
        total_uses: coupon.usage_limit.filter(|limit| *limit > 0),
        uses_per_customer: coupon.usage_limit_per_user.filter(|limit| *limit > 0),
        individual_use: coupon.individual_use,
        exclude_sale_items: coupon.exclude_sale_items,
        free_shipping: coupon.free_shipping,
    })
}

/// Whether it has restrictions that Vouch never creates.
fn is_restricted(coupon: &Coupon) -> bool {
    let lists = [
        &coupon.product_ids,
        &coupon.excluded_product_ids,
        &coupon.product_categories,
        &coupon.excluded_product_categories,
    ];
    lists.iter().any(|list| !list.is_empty())
        || !coupon.email_restrictions.is_empty()
        || coupon.limit_usage_to_x_items.is_some_and(|items| items > 0)
        || coupon.maximum_amount.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
}

fn in_words(coupon: &Coupon, found: Option<Rules>) -> String {
    let Some(found) = found else {
        return format!("Coupon of type “{}”.", plain(&coupon.discount_type));
    };
    let sentence = found.sentence();
    if is_restricted(coupon) {
        return format!("{}, with restrictions.", sentence.trim_end_matches('.'));
    }
    sentence
}
