//! WooCommerce's orders, as its webhooks and its REST API (wc/v3) send them, made into
//! [`StoreEvent`]s.
//!
//! The two send the same JSON, so that an order that was read from the store is a message like any
//! other. A refund is no message of its own: the order has its outline (an id and a negative total),
//! and its lines are read from the store, [`REFUNDS`].

mod payload;
mod refund;
mod snapshot;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use vouch_core::order::snapshot::{NOT_AN_ORDER, StoreEvent};

use crate::payload::{PayloadError, read};

/// The topic of an order that was read from the store's REST API.
pub const READ: &str = "order.read";
/// The topic of an order's refunds that were read from the store's REST API.
pub const REFUNDS: &str = "order.refunds";

/// Reads a message of `topic` (`order.updated`) that arrived at `received_at`. The signature was
/// checked before.
///
/// # Errors
/// [`PayloadError`] says where and why. The message is to be kept: it was really sent.
pub(super) fn parse(
    topic: &str,
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    match topic.trim().to_ascii_lowercase().as_str() {
        "order.created" | "order.updated" | "order.restored" | READ | "order.deleted"
            if !is_order(body) =>
        {
            Ok(StoreEvent::Noted { order_ref: String::new(), what: NOT_AN_ORDER })
        }
        "order.created" | "order.updated" | READ => {
            let (order, notes) = read(body, payload::is_base)?;
            snapshot::event(order, notes, received_at)
        }
        "order.restored" => {
            let (order, notes) = read(body, payload::is_base)?;
            Ok(match snapshot::event(order, notes, received_at)? {
                StoreEvent::Order(report) => StoreEvent::Restored(report),
                other => other,
            })
        }
        REFUNDS => {
            let (refunds, _) = read(body, payload::is_base_of_refunds)?;
            refund::lines(refunds)
        }
        "order.deleted" => {
            let (deleted, _) = read::<payload::Deleted>(body, |_| true)?;
            // Into the trash, in most cases, from which it can come back.
            Ok(StoreEvent::Trashed { order_ref: deleted.id.0, reported_at: None })
        }
        other => {
            let name: String = other.chars().take(60).collect();
            Err(PayloadError::new("", format!("“{name}” is no kind of message Vouch reads")))
        }
    }
}

/// Whether the body is about an order at all. WooCommerce signs and sends whatever its own REST API
/// answers: an error (`{"code": "woocommerce_rest_…", "message": …}`), an empty list, a page of HTML.
/// What begins as JSON and breaks off is an order that arrived in part.
fn is_order(body: &[u8]) -> bool {
    let Some(b'{') = body.trim_ascii_start().first() else { return false };
    let members: Result<HashMap<String, IgnoredAny>, _> = serde_json::from_slice(body);
    members.map_or(true, |members| {
        ["id", "line_items", "currency"].iter().any(|name| members.contains_key(*name))
    })
}

#[cfg(test)]
mod tests;
