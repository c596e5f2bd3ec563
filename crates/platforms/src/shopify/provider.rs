use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use secrecy::SecretSlice;
use serde_json::Value;
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;

use super::settings::ShopifySettings;
use super::{Rules, Shopify, order, privacy};
use crate::provider::{
    Connection, Envelope, Headers, Message, PrivacyRequest, PrivacyTopic, Provider, cut, digest,
    is_hmac, may_be_hmac,
};
use crate::settings::StoreSettings;
use crate::{CallError, Client, PayloadError};

const SIGNATURE: &str = "x-shopify-hmac-sha256";

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

    fn may_be_signed(&self, headers: Headers<'_>) -> bool {
        may_be_hmac(headers(SIGNATURE))
    }

    fn is_signed(
        &self,
        secrets: &[SecretSlice<u8>],
        _store_key: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> bool {
        is_hmac(secrets, headers(SIGNATURE), body)
    }

    /// `X-Shopify-Webhook-Id` identifies a delivery. `X-Shopify-Event-Id` doesn't: all webhooks of
    /// one event share it, so orders/paid would be lost after orders/create.
    fn envelope(&self, headers: Headers<'_>, body: &[u8], _now: DateTime<Utc>) -> Option<Envelope> {
        let id = headers("x-shopify-webhook-id");
        Some(Envelope {
            topic: cut(&headers("x-shopify-topic").to_lowercase()),
            delivery_ref: if id.is_empty() { digest(body) } else { cut(id) },
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

    fn parse(&self, message: &Message<'_>) -> Result<StoreEvent, PayloadError> {
        let Message { topic, body, is_test, sent_at } = *message;
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
