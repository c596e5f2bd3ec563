//! WooCommerce's orders, as its webhooks and its REST API (wc/v3) send them, made into
//! [`StoreEvent`]s.
//!
//! The two send the same JSON, so that an order that was read from the store is a message like any
//! other. A refund is no message of its own: the order has its outline (an id and a negative total),
//! and its lines are read from the store, [`REFUNDS`].

mod order;
mod payload;
mod refund;

use chrono::{DateTime, Utc};

use super::reading::{Unintelligible, read};
use super::report::StoreEvent;

/// The topic of an order that was read from the store's REST API.
pub const READ: &str = "order.read";
/// The topic of an order's refunds that were read from the store's REST API.
pub const REFUNDS: &str = "order.refunds";

/// Reads a message of `topic` (`order.updated`) that arrived at `received_at`. The signature was
/// checked before.
///
/// # Errors
/// [`Unintelligible`] says where and why. The message is to be kept: it was really sent.
pub fn parse(
    topic: &str,
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, Unintelligible> {
    match topic.trim().to_ascii_lowercase().as_str() {
        "order.created" | "order.updated" | READ => order::event(read(body)?, received_at),
        "order.restored" => Ok(match order::event(read(body)?, received_at)? {
            StoreEvent::Order(report) => StoreEvent::Restored(report),
            other => other,
        }),
        REFUNDS => refund::lines(read(body)?),
        "order.deleted" => {
            let deleted: payload::Deleted = read(body)?;
            // Into the trash, in most cases, from which it can come back.
            Ok(StoreEvent::Trashed { order_ref: deleted.id.0, reported_at: None })
        }
        other => {
            let name: String = other.chars().take(60).collect();
            Err(Unintelligible::new("", format!("“{name}” is no kind of message Vouch reads")))
        }
    }
}

#[cfg(test)]
mod tests;
