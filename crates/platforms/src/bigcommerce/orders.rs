//! Orders, read part by part and composed into the document that `order::parse` parses.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vouch_core::text::percent_encode;

use super::call::{Api, nothing_there, rows_of, unexpected};
use super::order::READ;
use crate::payload::{id_of, time_of};
use crate::{CallError, CursorPage, OrderMessage, Reason, TimeRange};

/// The page size of orders, each of which costs two more calls of the store's quota.
const PAGE: usize = 10;
/// The maximum page size of products and coupons.
const PARTS: usize = 250;
/// The maximum number of pages of an order's parts.
const MAX_PAGES: usize = 40;

/// One order, or `None` if the store doesn't have it.
///
/// The order is read before its parts. A change in between sends another webhook, with a later time
/// than this document's.
pub(super) fn one(api: &mut Api, order_ref: &str) -> Result<Option<OrderMessage>, CallError> {
    if order_ref.is_empty() || !order_ref.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let Some(order) = api.get(&format!("/v2/orders/{order_ref}"))?.if_there()? else {
        return Ok(None);
    };
    let path = format!("/v3/orders/{order_ref}/payment_actions/refunds");
    let refunds = api.get(&path)?.rows()?;
    compose(api, order, refunds).map(Some)
}

/// A page of the orders that changed within the period, least recently changed first.
///
/// The cursor is a time, not a page number. An order that changes during the listing moves to the
/// end, and later pages would move up by one. Orders of the same second are read again, which is
/// harmless.
pub(super) fn changed(
    api: &mut Api,
    period: &TimeRange,
    cursor: Option<&str>,
) -> Result<CursorPage<OrderMessage>, CallError> {
    let (from, page) = cursor.and_then(read_cursor).unwrap_or((period.from, 1));
    let time = |at: DateTime<Utc>| percent_encode(&at.to_rfc2822());
    let path = format!(
        "/v2/orders?min_date_modified={}&max_date_modified={}&sort=date_modified:asc&limit={PAGE}&page={page}",
        time(from),
        time(period.until),
    );
    let found = api.get(&path)?.rows()?;
    let last = found.iter().rev().find_map(modified_at);
    let next = last.filter(|_| found.len() >= PAGE).map(|last| match last > from {
        true => format!("{}/1", last.timestamp()),
        false => format!("{}/{}", from.timestamp(), page + 1),
    });
    let mut refunds = refunds_of(api, &found)?;
    let mut rows = Vec::with_capacity(found.len());
    for order in found {
        let id = order.get("id").and_then(id_of);
        let (own, others) =
            refunds.into_iter().partition(|refund| refund.get("order_id").and_then(id_of) == id);
        refunds = others;
        rows.push(compose(api, order, own)?);
    }
    Ok(CursorPage { rows, next })
}

fn read_cursor(cursor: &str) -> Option<(DateTime<Utc>, u64)> {
    let (time, page) = cursor.split_once('/')?;
    Some((DateTime::from_timestamp(time.parse().ok()?, 0)?, page.parse().ok()?))
}

fn modified_at(order: &Value) -> Option<DateTime<Utc>> {
    time_of(order.get("date_modified")?)
}

/// The refunds of several orders, in one call.
fn refunds_of(api: &mut Api, orders: &[Value]) -> Result<Vec<Value>, CallError> {
    let ids: Vec<String> = orders.iter().filter_map(|order| id_of(order.get("id")?)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let path =
        format!("/v3/orders/payment_actions/refunds?order_id:in={}&limit={PARTS}", ids.join(","));
    paged(api, &path)?.ok_or_else(nothing_there)
}

fn compose(api: &mut Api, order: Value, refunds: Vec<Value>) -> Result<OrderMessage, CallError> {
    let id = order.get("id").and_then(id_of).ok_or_else(unexpected)?;
    let products = paged(api, &format!("/v2/orders/{id}/products?limit={PARTS}"))?;
    let products = products.ok_or_else(nothing_there)?;
    let coupons = match paged(api, &format!("/v2/orders/{id}/coupons?limit={PARTS}"))? {
        Some(coupons) => coupons,
        // BigCommerce doesn't document the response for an order without coupons.
        None if takes_nothing_off(&order) => Vec::new(),
        None => return Err(nothing_there()),
    };
    let changed_at = modified_at(&order).unwrap_or(api.now);
    let document =
        json!({ "order": order, "products": products, "coupons": coupons, "refunds": refunds });
    Ok(OrderMessage {
        order_ref: id,
        topic: READ,
        changed_at,
        body: document.to_string().into_bytes(),
    })
}

/// Whether no coupon took anything off, by the order itself.
fn takes_nothing_off(order: &Value) -> bool {
    let Some(discount) = order.get("coupon_discount") else { return false };
    let text = discount.as_str().map_or_else(|| discount.to_string(), str::to_owned);
    text.trim().bytes().all(|digit| matches!(digit, b'0' | b'.'))
}

/// All rows, or `None` for 404.
fn paged(api: &mut Api, path: &str) -> Result<Option<Vec<Value>>, CallError> {
    let mut all = Vec::new();
    for page in 1..=MAX_PAGES {
        let Some(found) = api.get(&format!("{path}&page={page}"))?.if_there()? else {
            return Ok(None);
        };
        let found = rows_of(found)?;
        let is_last = found.len() < PARTS;
        all.extend(found);
        if is_last {
            return Ok(Some(all));
        }
    }
    Err(CallError::Refused(Reason::TooManyItems))
}
