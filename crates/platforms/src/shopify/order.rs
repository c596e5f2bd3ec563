//! Parses Shopify's webhook bodies into [`StoreEvent`]s.
//!
//! Amounts are in the store's currency. Codes are in `discount_codes`. Orders from drafts have them
//! only there, while their `discount_applications` contain just a manual discount. Codes missing
//! from `discount_codes` are taken from `discount_applications`.

mod money;
mod payload;
mod queried;
mod refund;
mod snapshot;

use chrono::{DateTime, Utc};
use vouch_core::order::snapshot::{IgnoredReason, StoreEvent};

use self::money::Amounts;
use crate::payload::{Notes, PayloadError, PayloadProblem, read};

/// Metadata from the headers that the body doesn't contain.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShopifyHeaders {
    /// `X-Shopify-Test: true`: sent to test the connection, not for a sale.
    pub is_test: bool,
    /// `X-Shopify-Triggered-At`, or the time of receipt if it's missing.
    pub triggered_at: DateTime<Utc>,
}

/// Parses the body of a webhook of `topic` (`orders/create`) with a verified signature. Fails with
/// the path and the reason. Store the message anyway, because the store really sent it.
pub(super) fn parse(
    topic: &str,
    body: &[u8],
    envelope: ShopifyHeaders,
) -> Result<StoreEvent, PayloadError> {
    match topic.trim().to_ascii_lowercase().as_str() {
        "orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled" => {
            let (order, notes) = read(body, payload::is_base)?;
            snapshot::event(order, notes, envelope)
        }
        // Not a Shopify topic: Vouch imported the order itself.
        "orders/read" => {
            let (queried, notes) = read::<queried::Queried>(body, queried::is_base)?;
            snapshot::event(queried.into(), notes, envelope)
        }
        "orders/edited" => {
            let (edited, _) = read::<payload::Edited>(body, |_| true)?;
            Ok(StoreEvent::Ignored {
                order_ref: edited.order_edit.order_id.0,
                reason: IgnoredReason::OrderEdited,
            })
        }
        "orders/delete" => {
            let (deleted, _) = read::<payload::Deleted>(body, |_| true)?;
            Ok(StoreEvent::Deleted { order_ref: deleted.id.0, at: envelope.triggered_at })
        }
        "refunds/create" => {
            let (refund, notes) = read(body, payload::is_base_of_refund)?;
            refund_alone(refund, notes, envelope)
        }
        "app/uninstalled" => Ok(StoreEvent::Uninstalled),
        other => Err(PayloadError::new("", PayloadProblem::unknown_topic(other))),
    }
}

fn refund_alone(
    refund: payload::Refund,
    mut notes: Notes,
    envelope: ShopifyHeaders,
) -> Result<StoreEvent, PayloadError> {
    let Some(order_id) = refund.order_id.clone() else {
        return Err(PayloadError::new("order_id", PayloadProblem::Missing));
    };
    if refund::says_nothing(&refund) {
        return Ok(StoreEvent::Ignored {
            order_ref: order_id.0,
            reason: IgnoredReason::EmptyRefund,
        });
    }
    let currency = refund::currency_of(&refund);
    let mut refund =
        refund::refund(refund, Amounts { currency }, &String::new, envelope.triggered_at)?;
    notes.append(&mut refund.notes);
    refund.notes = notes.into_vec();
    Ok(StoreEvent::Refund { order_ref: order_id.0, refund, currency })
}

#[cfg(test)]
mod tests;
