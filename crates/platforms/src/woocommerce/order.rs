//! Parses WooCommerce's orders, from its webhooks and its REST API (wc/v3), into [`StoreEvent`]s.
//!
//! Both send the same JSON, so an imported order is a message like any other. A refund isn't a
//! message of its own. The order contains only its outline (an ID and a negative total), and its
//! lines are read from the store ([`REFUNDS`]).

mod payload;
mod refund;
mod snapshot;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use vouch_core::order::snapshot::{IgnoredReason, StoreEvent};

use crate::payload::{PayloadError, PayloadProblem, read};

/// The topic of an order read from the store's REST API.
pub const READ: &str = "order.read";
/// The topic of an order's refunds read from the store's REST API.
pub const REFUNDS: &str = "order.refunds";

/// Parses a message of `topic` (`order.updated`) received at `received_at`, with a verified
/// signature. Fails with the path and the reason. Store the message anyway, because the store
/// really sent it.
pub(super) fn parse(
    topic: &str,
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    match topic.trim().to_ascii_lowercase().as_str() {
        "order.created" | "order.updated" | "order.restored" | READ | "order.deleted"
            if !is_order(body) =>
        {
            Ok(StoreEvent::Ignored { order_ref: String::new(), reason: IgnoredReason::NotAnOrder })
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
            // Usually it was moved to the trash, from which it can be restored.
            Ok(StoreEvent::Trashed { order_ref: deleted.id.0, reported_at: None })
        }
        other => Err(PayloadError::new("", PayloadProblem::unknown_topic(other))),
    }
}

/// Whether the body is an order. WooCommerce signs and sends any response of its own REST API: an
/// error (`{"code": "woocommerce_rest_…", "message": …}`), an empty list, or an HTML page. JSON
/// that ends early is an incomplete order.
fn is_order(body: &[u8]) -> bool {
    let Some(b'{') = body.trim_ascii_start().first() else { return false };
    let members: Result<HashMap<String, IgnoredAny>, _> = serde_json::from_slice(body);
    members.map_or(true, |members| {
        ["id", "line_items", "currency"].iter().any(|name| members.contains_key(*name))
    })
}

#[cfg(test)]
mod tests;
