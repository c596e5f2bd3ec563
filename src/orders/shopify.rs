//! Shopify's webhook bodies, made into [`StoreEvent`]s.
//!
//! Money is read in the store's currency, exactly. Codes are read from `discount_codes`: an order
//! from a draft has them there while its `discount_applications` know only a manual discount.

mod money;
mod order;
mod payload;
mod refund;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use thiserror::Error;

use self::money::Amounts;
use super::report::StoreEvent;

/// The most lines of an order or a refund.
const MAX_LINES: usize = 10_000;

/// What the headers say, as far as the body does not.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// `X-Shopify-Test: true`: sent to try the connection out, not for a sale.
    pub is_test: bool,
    /// `X-Shopify-Triggered-At`, or the time of arrival where that is missing.
    pub triggered_at: DateTime<Utc>,
}

/// Why a message that was signed by the store cannot be understood, for the shop's owner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub struct Unintelligible {
    /// Where in the JSON, for example `line_items[3].price`; empty if it is the whole message.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Unintelligible {
    fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let path = path.into();
        Self { path: if path == "." { String::new() } else { path }, problem: problem.into() }
    }

    fn sentence(&self) -> String {
        let Self { path, problem } = self;
        if path.is_empty() {
            format!("The store’s message cannot be understood: {problem}.")
        } else {
            format!("The store’s message cannot be understood at “{path}”: {problem}.")
        }
    }
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

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unintelligible> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => Unintelligible::new(path, words_of(&error)),
            _ => Unintelligible::new("", "it is not complete JSON"),
        }
    })?;
    json.end().map_err(|_| Unintelligible::new("", "something follows after its end"))?;
    Ok(value)
}

/// The reason without the line and column, which the path names better.
fn words_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    words
        .chars()
        .take(200)
        .map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

fn refund_alone(refund: payload::Refund, envelope: Envelope) -> Result<StoreEvent, Unintelligible> {
    let Some(order_id) = refund.order_id.clone() else {
        return Err(Unintelligible::new("order_id", "the refund does not say of which order"));
    };
    let Some(currency) = refund::currency_of(&refund) else {
        if refund.refund_line_items.is_empty() && refund.order_adjustments.is_empty() {
            return Ok(StoreEvent::Noted {
                order_ref: order_id.0,
                what: "A refund without an amount. The order itself comes in its own message.",
            });
        }
        let problem = "the refund does not say in which currency";
        return Err(Unintelligible::new("refund_line_items", problem));
    };
    let amounts = Amounts { currency };
    let refund = refund::refund(refund, amounts, &String::new, envelope.triggered_at)?;
    Ok(StoreEvent::Refund { order_ref: order_id.0, refund, currency })
}

fn at_most(limit: usize, count: usize, at: impl Fn() -> String) -> Result<(), Unintelligible> {
    if count <= limit {
        return Ok(());
    }
    Err(Unintelligible::new(at(), format!("{count} entries are too many, {limit} are the most")))
}

#[cfg(test)]
mod tests;
