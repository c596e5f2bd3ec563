//! Orders changed within a period, least recently changed first. Orders moved to the trash within
//! it follow, because WooCommerce lists them separately.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use vouch_core::text::percent_encode;

use super::api::{Api, unexpected};
use super::order::READ;
use crate::payload::{id_of, time_of};
use crate::{CallError, CursorPage, OrderMessage, TimeRange};

/// The page size. A response can have 4 MiB, and an order with many lines can exceed 100 KiB.
const PAGE: usize = 25;
/// The fields that `order::parse` needs, without links and metadata of extensions.
const FIELDS: &str = "id,number,status,currency,date_created_gmt,date_modified_gmt,date_paid_gmt,\
                      date_paid,shipping_total,shipping_tax,total_tax,total,customer_id,billing,line_items,\
                      fee_lines,coupon_lines,refunds";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    id: Value,
    date_modified_gmt: Value,
}

/// The suffix of a cursor in the trash.
const BIN: &str = " bin";

/// The cursor: the time of the last order read, and how many pages of orders of that same second
/// were read. A page number alone doesn't work, because an order that changes meanwhile moves to
/// the end and later ones move up.
struct OrderCursor {
    /// Whether all other orders are read and the trash is next.
    in_bin: bool,
    since: DateTime<Utc>,
    page: usize,
}

impl OrderCursor {
    fn first(period: &TimeRange, in_bin: bool) -> Self {
        Self { in_bin, since: period.from, page: 1 }
    }
}

pub(super) fn page(
    api: &Api,
    period: &TimeRange,
    cursor: Option<&str>,
) -> Result<CursorPage<OrderMessage>, CallError> {
    let cursor = cursor.and_then(read_cursor).unwrap_or_else(|| OrderCursor::first(period, false));
    let orders = list(api, &cursor)?;
    let is_full = orders.len() >= PAGE;
    let rows = orders.iter().map(|order| message(order, cursor.since));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let last = rows.iter().map(|row| row.changed_at).max();
    let next = match last.filter(|last| is_full && *last <= period.until) {
        Some(last) if last > cursor.since => Some(OrderCursor { since: last, page: 1, ..cursor }),
        Some(_) => Some(OrderCursor { page: cursor.page + 1, ..cursor }),
        None => (!cursor.in_bin).then(|| OrderCursor::first(period, true)),
    };
    let rows = rows.into_iter().filter(|row| row.changed_at <= period.until).collect();
    Ok(CursorPage { rows, next: next.map(|cursor| write_cursor(&cursor)) })
}

fn list(api: &Api, cursor: &OrderCursor) -> Result<Vec<Box<RawValue>>, CallError> {
    // WordPress excludes the second it's given.
    let after = percent_encode(&write_time(cursor.since - Duration::seconds(1)));
    // Without a status, the list has all others.
    let status = if cursor.in_bin { "&status=trash" } else { "" };
    let found = api.get(&format!(
        "orders?modified_after={after}&dates_are_gmt=true&orderby=modified&order=asc\
         &per_page={PAGE}&page={}{status}&_fields={FIELDS}",
        cursor.page
    ));
    match found {
        // Old stores don't know this status. Their webhooks report what's moved to the trash.
        Err(CallError::Refused(_)) if cursor.in_bin => Ok(Vec::new()),
        found => found,
    }
}

/// An order whose time can't be parsed counts as changed at `since`, because the list contains it.
fn message(order: &RawValue, since: DateTime<Utc>) -> Result<OrderMessage, CallError> {
    let head: Head = serde_json::from_str(order.get()).map_err(|_| unexpected())?;
    Ok(OrderMessage {
        order_ref: id_of(&head.id).ok_or_else(unexpected)?,
        topic: READ,
        changed_at: time_of(&head.date_modified_gmt).unwrap_or(since),
        body: order.get().as_bytes().to_vec(),
    })
}

fn write_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn read_time(text: &str) -> Option<DateTime<Utc>> {
    Some(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?.and_utc())
}

fn write_cursor(cursor: &OrderCursor) -> String {
    let bin = if cursor.in_bin { BIN } else { "" };
    format!("{} {}{bin}", write_time(cursor.since), cursor.page)
}

fn read_cursor(text: &str) -> Option<OrderCursor> {
    let (text, in_bin) = text.strip_suffix(BIN).map_or((text, false), |rest| (rest, true));
    let (since, page) = text.split_once(' ')?;
    Some(OrderCursor { in_bin, since: read_time(since)?, page: page.parse().ok()? })
}
