//! What BigCommerce says of orders, made into [`StoreEvent`]s.
//!
//! Its webhooks only name an order (`store/order/updated`). What is known of the order is read from
//! the API and kept as one document, [`READ`]: `{order, products, coupons, refunds}`, each part as
//! `/v2/orders/{id}`, `…/products`, `…/coupons` and `/v3/orders/{id}/payment_actions/refunds` answer
//! (BigCommerce's OpenAPI: orders.v2.oas2.yml, orders.v3.yml).

mod exact;
mod payload;
mod refund;
mod snapshot;
mod status;

use chrono::{DateTime, Utc};
use vouch_core::order::snapshot::StoreEvent;

use crate::payload::{PayloadError, read};

/// The topic of a document that Vouch put together from the API.
pub const READ: &str = "orders/read";

/// Reads a webhook of the scope `topic`, or a document of the topic [`READ`], that arrived or was
/// read at `received_at`.
///
/// # Errors
/// [`PayloadError`] says where and why. The message is to be kept: it was really sent.
pub(super) fn parse(
    topic: &str,
    body: &[u8],
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    match topic {
        READ => {
            let (document, notes) = read(body, payload::is_base)?;
            snapshot::event(document, notes, received_at)
        }
        "store/app/uninstalled" => Ok(StoreEvent::Uninstalled),
        _ if topic.starts_with("store/order/") => {
            let (hook, _) = read::<payload::Hook>(body, |_| true)?;
            Ok(StoreEvent::Announced { order_ref: hook.data.id.0 })
        }
        other => {
            let name: String = other.chars().take(60).collect();
            Err(PayloadError::new("", format!("“{name}” is no kind of message Vouch reads")))
        }
    }
}

#[cfg(test)]
mod tests;
