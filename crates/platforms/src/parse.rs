use chrono::{DateTime, Utc};
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use crate::{WebhookDelivery, api, provider};

/// Parses a message from a store. The error is a sentence for the merchant. The message is stored
/// and can be processed again.
pub fn parse_message(
    platform: Platform,
    topic: &str,
    body: &[u8],
    is_test: bool,
    sent_at: DateTime<Utc>,
) -> Result<StoreEvent, String> {
    if let Some(provider) = provider(platform) {
        let message = WebhookDelivery { topic, body, is_test, sent_at };
        return provider.parse(&message).map_err(|error| error.to_string());
    }
    let report = api::parse(body).map_err(|errors| {
        let lines = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail));
        lines.collect::<Vec<_>>().join(" ")
    })?;
    Ok(StoreEvent::Order(Box::new(report)))
}
