use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use super::settings::WoocommerceSettings;
use super::{Rules, Woocommerce, order};
use crate::provider::{Connection, Envelope, Headers, Provider, WebhookDelivery, cut, digest};
use crate::settings::StoreSettings;
use crate::{CallError, Client, PayloadError};

const SIGNATURE: &str = "x-wc-webhook-signature";

pub(crate) struct WoocommerceProvider;

impl Provider for WoocommerceProvider {
    fn platform(&self) -> Platform {
        Platform::Woocommerce
    }

    fn settings(&self) -> &'static dyn StoreSettings {
        &WoocommerceSettings
    }

    /// WooCommerce's timeout is a minute. While it waits, a customer may be waiting too.
    fn body_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    /// The body `webhook_id=1`, sent when a webhook is created. It has no content, but the webhook
    /// is only created if the response is exactly 200.
    fn is_ping(&self, headers: Headers<'_>, body: &[u8]) -> bool {
        let id = body.strip_prefix(b"webhook_id=");
        headers(SIGNATURE).is_empty()
            && id
                .is_some_and(|id| (1..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
    }

    fn envelope(&self, headers: Headers<'_>, body: &[u8], _now: DateTime<Utc>) -> Option<Envelope> {
        Some(Envelope {
            topic: cut(&headers("x-wc-webhook-topic").to_lowercase()),
            delivery_ref: delivery_ref(headers("x-wc-webhook-delivery-id"), body),
            is_test: false,
            sent_at: None,
        })
    }

    fn parse(&self, message: &WebhookDelivery<'_>) -> Result<StoreEvent, PayloadError> {
        order::parse(message.topic, message.body, message.sent_at)
    }

    fn client(&self, connection: Connection<'_>) -> Result<Box<dyn Client>, CallError> {
        Ok(Box::new(Woocommerce::open(connection)?))
    }

    fn rules_sentence(&self, rules: &Value) -> Option<String> {
        Some(Rules::from_json(rules)?.sentence())
    }
}

/// Identifies a delivery. `X-WC-Webhook-Delivery-ID` alone doesn't, because it's built from the
/// webhook and the second, so all orders of a second share it. The content alone doesn't either: an
/// order moved to the trash twice sends the same body.
fn delivery_ref(delivery_id: &str, body: &[u8]) -> String {
    let digest = digest(body);
    if delivery_id.is_empty() { digest } else { cut(&format!("{digest} {delivery_id}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ping_is_a_ping() {
        let is_ping = |signature: &'static str, body: &[u8]| {
            WoocommerceProvider
                .is_ping(&|name| if name == SIGNATURE { signature } else { "" }, body)
        };
        assert!(is_ping("", b"webhook_id=1"));
        assert!(!is_ping("signed", b"webhook_id=1"));
        for other in ["webhook_id=", "webhook_id=1&x=2", "webhook_id=x", "x", ""] {
            assert!(!is_ping("", other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn deliveries_differ_by_content_and_by_id() {
        let refs = [("a", "1"), ("a", "2"), ("b", "1"), ("", "1")]
            .map(|(id, body)| delivery_ref(id, body.as_bytes()));
        let distinct: std::collections::BTreeSet<_> = refs.iter().collect();
        assert_eq!(distinct.len(), refs.len());
    }
}
