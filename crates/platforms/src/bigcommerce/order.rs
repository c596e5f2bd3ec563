//! Parses BigCommerce's orders into [`StoreEvent`]s.
//!
//! Its webhooks only name an order (`store/order/updated`). The order is read from the API and
//! stored as one document, [`READ`]: `{order, products, coupons, refunds}`. The parts are the
//! responses of `/v2/orders/{id}`, `…/products`, `…/coupons` and
//! `/v3/orders/{id}/payment_actions/refunds` (BigCommerce's OpenAPI: orders.v2.oas2.yml,
//! orders.v3.yml).

mod exact;
mod payload;
mod refund;
mod snapshot;
mod status;

use chrono::{DateTime, Utc};
use vouch_core::order::snapshot::StoreEvent;

use crate::payload::{PayloadError, PayloadProblem, read};

/// The topic of a document that Vouch composed from API responses.
pub const READ: &str = "orders/read";

/// Parses a webhook with the scope `topic`, or a document with the topic [`READ`], received or read
/// at `received_at`. Fails with the path and the reason. Store the message anyway, because the
/// store really sent it.
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
        other => Err(PayloadError::new("", PayloadProblem::unknown_topic(other))),
    }
}

#[cfg(test)]
mod tests;
