use chrono::{DateTime, Utc};

use super::queue::Understood;
use super::shopify::{self, Envelope};
use super::snapshot::StoreEvent;
use super::{bigcommerce, generic, woocommerce};
use crate::stores::Platform;

/// What a message of a store says, or why it cannot be understood, in a sentence for the shop.
pub fn understand(
    platform: Platform,
    topic: &str,
    body: &[u8],
    is_test: bool,
    triggered_at: DateTime<Utc>,
) -> Understood {
    match platform {
        Platform::Shopify => shopify::parse(topic, body, Envelope { is_test, triggered_at })
            .map_err(|error| error.to_string()),
        Platform::Api => generic::parse(body)
            .map(|report| StoreEvent::Order(Box::new(report)))
            .map_err(|errors| {
                let lines =
                    errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail));
                lines.collect::<Vec<_>>().join(" ")
            }),
        Platform::Bigcommerce => {
            bigcommerce::parse(topic, body, triggered_at).map_err(|error| error.to_string())
        }
        Platform::Woocommerce => {
            woocommerce::parse(topic, body, triggered_at).map_err(|error| error.to_string())
        }
    }
}
