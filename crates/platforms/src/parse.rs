use chrono::{DateTime, Utc};
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use crate::{PayloadError, PayloadProblem, WebhookDelivery, api, provider};

/// Parses a message from a store. A message that fails is stored and can be processed again.
pub fn parse_message(
    platform: Platform,
    topic: &str,
    body: &[u8],
    is_test: bool,
    sent_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    if let Some(provider) = provider(platform) {
        let message = WebhookDelivery { topic, body, is_test, sent_at };
        return provider.parse(&message);
    }
    let report = api::parse(body).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or_else(
            || PayloadError::new("", PayloadProblem::Undocumented),
            |error| {
                let detail = error.detail.trim_end_matches('.');
                PayloadError::new(error.pointer, PayloadProblem::invalid(detail))
            },
        )
    })?;
    Ok(StoreEvent::Order(Box::new(report)))
}
