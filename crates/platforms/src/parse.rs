use chrono::{DateTime, Utc};

use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use crate::shopify::Envelope;
use crate::{api, bigcommerce, shopify, woocommerce};

/// What a message of a store says. The error is a sentence for the merchant: the message is kept, and
/// can be processed again.
pub fn parse_message(
    platform: Platform,
    topic: &str,
    body: &[u8],
    is_test: bool,
    triggered_at: DateTime<Utc>,
) -> Result<StoreEvent, String> {
    match platform {
        Platform::Shopify => shopify::parse(topic, body, Envelope { is_test, triggered_at })
            .map_err(|error| error.to_string()),
        Platform::Api => {
            api::parse(body).map(|report| StoreEvent::Order(Box::new(report))).map_err(|errors| {
                let lines =
                    errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail));
                lines.collect::<Vec<_>>().join(" ")
            })
        }
        Platform::Bigcommerce => {
            bigcommerce::parse(topic, body, triggered_at).map_err(|error| error.to_string())
        }
        Platform::Woocommerce => {
            woocommerce::parse(topic, body, triggered_at).map_err(|error| error.to_string())
        }
    }
}
