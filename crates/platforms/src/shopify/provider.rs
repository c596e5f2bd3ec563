use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use super::settings::ShopifySettings;
use super::{Rules, Shopify, order, privacy};
use crate::provider::{
    Connection, Envelope, Headers, PrivacyRequest, PrivacyTopic, Provider, WebhookDelivery, cut,
    delivery_ref,
};
use crate::settings::StoreSettings;
use crate::{CallError, Client, PayloadError};

pub(crate) struct ShopifyProvider;

impl Provider for ShopifyProvider {
    fn platform(&self) -> Platform {
        Platform::Shopify
    }

    fn settings(&self) -> &'static dyn StoreSettings {
        &ShopifySettings
    }

    /// Shopify's timeout is five seconds in total.
    fn body_timeout(&self) -> Duration {
        Duration::from_secs(4)
    }

    fn signature_header(&self) -> &'static str {
        "x-shopify-hmac-sha256"
    }

    /// `X-Shopify-Webhook-Id` identifies a delivery. `X-Shopify-Event-Id` doesn't: all webhooks of
    /// one event share it, so orders/paid would be lost after orders/create.
    fn envelope(&self, headers: Headers<'_>, body: &[u8], _now: DateTime<Utc>) -> Option<Envelope> {
        Some(Envelope {
            topic: cut(&headers("x-shopify-topic").to_lowercase()),
            delivery_ref: delivery_ref(headers("x-shopify-webhook-id"), body),
            is_test: headers("x-shopify-test").eq_ignore_ascii_case("true"),
            sent_at: triggered_at(headers("x-shopify-triggered-at")),
        })
    }

    fn privacy_topic(&self, headers: Headers<'_>) -> Option<PrivacyTopic> {
        privacy::topic(headers("x-shopify-topic"))
    }

    fn parse_privacy(
        &self,
        topic: PrivacyTopic,
        body: &[u8],
    ) -> Result<PrivacyRequest, serde_json::Error> {
        privacy::parse(topic, body)
    }

    fn parse(&self, message: &WebhookDelivery<'_>) -> Result<StoreEvent, PayloadError> {
        let WebhookDelivery { topic, body, is_test, sent_at } = *message;
        order::parse(topic, body, order::ShopifyHeaders { is_test, triggered_at: sent_at })
    }

    /// The last 60 days, for apps without a permission that Shopify seldom grants.
    fn orders_reach(&self) -> Option<chrono::Duration> {
        Some(chrono::Duration::days(60))
    }

    fn client(&self, connection: Connection<'_>) -> Result<Box<dyn Client>, CallError> {
        Ok(Box::new(Shopify::open(connection)?))
    }

    fn rules_sentence(&self, rules: &Value) -> Option<String> {
        Some(Rules::from_json(rules)?.sentence())
    }
}

/// Cut to microseconds, the precision of the database, so a replay has the same time.
fn triggered_at(header: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(header).ok()?;
    Some(at.with_timezone(&Utc).trunc_subsecs(6))
}
