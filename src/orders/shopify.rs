//! Shopify's webhook bodies, made into [`StoreEvent`]s.
//!
//! Money is read in the store's currency, exactly. Codes are read from `discount_codes`: an order
//! from a draft has them there while its `discount_applications` know only a manual discount.

mod money;
mod order;
mod payload;
mod queried;
mod refund;

use chrono::{DateTime, Utc};

use self::money::Amounts;
use super::reading::{Unintelligible, read};
use super::report::StoreEvent;

/// What the headers say, as far as the body does not.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// `X-Shopify-Test: true`: sent to try the connection out, not for a sale.
    pub is_test: bool,
    /// `X-Shopify-Triggered-At`, or the time of arrival where that is missing.
    pub triggered_at: DateTime<Utc>,
}

/// Reads the body of a webhook of `topic` (`orders/create`). The signature was checked before.
///
/// # Errors
/// [`Unintelligible`] says where and why. The message is to be kept: it was really sent.
pub fn parse(topic: &str, body: &[u8], envelope: Envelope) -> Result<StoreEvent, Unintelligible> {
    match topic.trim().to_ascii_lowercase().as_str() {
        "orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled" => {
            order::report(read(body)?, envelope).map(|report| StoreEvent::Order(Box::new(report)))
        }
        // Not Shopify's: read by Vouch itself.
        "orders/read" => {
            let queried: queried::Queried = read(body)?;
            order::report(queried.into(), envelope).map(|order| StoreEvent::Order(Box::new(order)))
        }
        "orders/edited" => {
            let edited: payload::Edited = read(body)?;
            Ok(StoreEvent::Noted {
                order_ref: edited.order_edit.order_id.0,
                what: "The order was edited. What it is like now comes in its own message.",
            })
        }
        "orders/delete" => {
            let deleted: payload::Deleted = read(body)?;
            Ok(StoreEvent::Deleted { order_ref: deleted.id.0, at: envelope.triggered_at })
        }
        "refunds/create" => refund_alone(read(body)?, envelope),
        "app/uninstalled" => Ok(StoreEvent::Uninstalled),
        other => {
            let name: String = other.chars().take(60).collect();
            Err(Unintelligible::new("", format!("“{name}” is no kind of message Vouch reads")))
        }
    }
}

fn refund_alone(refund: payload::Refund, envelope: Envelope) -> Result<StoreEvent, Unintelligible> {
    let Some(order_id) = refund.order_id.clone() else {
        return Err(Unintelligible::new("order_id", "the refund does not say of which order"));
    };
    if refund::says_nothing(&refund) {
        return Ok(StoreEvent::Noted {
            order_ref: order_id.0,
            what: "A refund without an amount. The order itself comes in its own message.",
        });
    }
    let currency = refund::currency_of(&refund);
    let refund = refund::refund(refund, Amounts { currency }, &String::new, envelope.triggered_at)?;
    Ok(StoreEvent::Refund { order_ref: order_id.0, refund, currency })
}

#[cfg(test)]
mod tests;
