//! What each platform implements, so webhooks, settings and jobs work the same for all of them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use vouch_core::order::StoreEvent;
use vouch_core::platform::Platform;
use vouch_core::text::cleaned;

use crate::http::Http;
use crate::settings::StoreSettings;
use crate::{CallError, Client, PayloadError, Reason, bigcommerce, shopify, woocommerce};

/// The maximum size of a webhook body, in bytes. An order with 10,000 lines is far smaller.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;
/// The maximum length of IDs and topics, in characters.
const MAX_NAME: usize = 200;

/// Returns a webhook header by its lower-case name, or an empty string if it's missing.
pub type Headers<'a> = &'a dyn Fn(&str) -> &'a str;

/// A platform whose stores send webhooks and have an API.
pub trait Provider: Sync {
    fn platform(&self) -> Platform;

    fn settings(&self) -> &'static dyn StoreSettings;

    /// The maximum size of a webhook body, in bytes.
    fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// The timeout for receiving a webhook body. It's shorter than the store's own timeout.
    fn body_timeout(&self) -> Duration;

    /// The lower-case name of the header with the signature.
    fn signature_header(&self) -> &'static str;

    /// Whether the headers can belong to a signed webhook. Other bodies aren't stored.
    fn may_be_signed(&self, headers: Headers<'_>) -> bool {
        may_be_hmac(headers(self.signature_header()))
    }

    /// Whether this is the unsigned request that the platform sends to test the URL.
    fn is_ping(&self, _headers: Headers<'_>, _body: &[u8]) -> bool {
        false
    }

    /// Whether one of `secrets` signed the raw bytes. Every secret is compared in constant time.
    fn is_signed(
        &self,
        secrets: &[SecretSlice<u8>],
        _store_key: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> bool {
        is_hmac(secrets, headers(self.signature_header()), body)
    }

    /// The metadata of a signed webhook. `None` if it's too old or from the future.
    fn envelope(&self, headers: Headers<'_>, body: &[u8], now: DateTime<Utc>) -> Option<Envelope>;

    /// The privacy request that the headers announce. It's carried out, not stored.
    fn privacy_topic(&self, _headers: Headers<'_>) -> Option<PrivacyTopic> {
        None
    }

    /// Parses the body of a privacy request.
    fn parse_privacy(
        &self,
        _topic: PrivacyTopic,
        _body: &[u8],
    ) -> Result<PrivacyRequest, serde_json::Error> {
        Ok(PrivacyRequest::default())
    }

    /// Parses a message: a webhook, or one that Vouch composed from the store's API responses.
    /// Fails with the path and the reason. Store the message anyway, because the store really sent
    /// it.
    fn parse(&self, message: &WebhookDelivery<'_>) -> Result<StoreEvent, PayloadError>;

    /// How far back the platform returns orders; `None` for no limit.
    fn orders_reach(&self) -> Option<chrono::Duration> {
        None
    }

    /// The client of one store. Fails with [`CallError::Denied`] if the credentials or the discount
    /// rules can't be parsed.
    fn client(&self, connection: Connection<'_>) -> Result<Box<dyn Client>, CallError>;

    /// The customer's discount under these rules, in one sentence.
    fn rules_sentence(&self, rules: &Value) -> Option<String>;
}

/// Every platform, in the order of the settings menu. Routes, pages and jobs are built from this
/// list.
pub const PROVIDERS: [&dyn Provider; 3] = [
    &shopify::ShopifyProvider,
    &bigcommerce::BigcommerceProvider,
    &woocommerce::WoocommerceProvider,
];

/// The provider of a platform. The generic API has none, because its stores call Vouch.
pub fn provider(platform: Platform) -> Option<&'static dyn Provider> {
    PROVIDERS.into_iter().find(|provider| provider.platform() == platform)
}

/// The metadata of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The platform's own name of the event.
    pub topic: String,
    /// Identifies a delivery. It's the same when the store sends the webhook again.
    pub delivery_ref: String,
    /// Whether it was sent to test the connection, not for a sale.
    pub is_test: bool,
    /// When the store sent it, if known.
    pub sent_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug)]
pub struct WebhookDelivery<'a> {
    pub topic: &'a str,
    pub body: &'a [u8],
    pub is_test: bool,
    /// When it was sent, or when it was received if the store doesn't report that.
    pub sent_at: DateTime<Utc>,
}

/// Shopify's privacy requests, on behalf of its customers and of merchants who left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivacyTopic {
    DataRequest,
    Redact,
    ShopRedact,
}

/// The content of a privacy request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivacyRequest {
    /// The store's ID of the request, if it has one.
    pub request_ref: Option<String>,
    /// The customer's email, or empty.
    pub email: String,
    /// The store's IDs of the customer's orders.
    pub order_refs: Vec<String>,
}

/// Everything needed to call a store.
pub struct Connection<'a> {
    pub http: &'a Http,
    /// The platform's store domain, or a local store's base URL.
    pub address: &'a str,
    /// The platform's own credentials, as JSON.
    pub credentials: &'a [u8],
    /// A token obtained with these credentials earlier that hasn't expired.
    pub token: Option<SecretString>,
    /// The secret for the store to sign its webhooks with.
    pub webhook_secret: Option<SecretString>,
    /// The discount rules for new codes.
    pub rules: Option<&'a Value>,
    pub now: DateTime<Utc>,
}

/// The error for stored credentials that can't be parsed.
pub(crate) fn unreadable_credentials() -> CallError {
    CallError::Denied(Reason::UnreadableCredentials)
}

/// Whether `signature` is base64 of the length of an HMAC-SHA-256.
fn may_be_hmac(signature: &str) -> bool {
    STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() == Sha256::output_size())
}

/// Whether one of `secrets` signed `body` (base64 of HMAC-SHA-256 over the raw bytes).
fn is_hmac(secrets: &[SecretSlice<u8>], signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    secrets.iter().fold(false, |signed, secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret())
            .expect("HMAC takes keys of any length");
        signed | mac.chain_update(body).verify_slice(&signature).is_ok()
    })
}

/// Identifies messages by their content.
pub(crate) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Identifies a delivery by its ID in the headers, or by its content if there's none.
pub(crate) fn delivery_ref(id: &str, body: &[u8]) -> String {
    if id.is_empty() { digest(body) } else { cut(id) }
}

/// An ID or topic, cut to the stored length, without characters that PostgreSQL can't store.
pub(crate) fn cut(name: &str) -> String {
    cleaned(name).chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_real_store_sent_is_signed() {
        // Sent by WooCommerce 10.9.1.
        let (body, signature) = (b"{\"id\":14}", "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk=");
        let secrets = [&b"another"[..], b"wh-secret-1"].map(|secret| secret.to_vec().into());
        assert!(is_hmac(&secrets, signature, body));
        assert!(!is_hmac(&secrets[..1], signature, body));
        assert!(!is_hmac(&secrets, signature, b"{\"id\":15}"));
        assert!(!is_hmac(&secrets, "", body));
    }

    #[test]
    fn only_what_is_as_long_as_a_signature_may_be_one() {
        assert!(may_be_hmac("AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk="));
        for other in ["", "?", "AAAA", "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jkAAA=="] {
            assert!(!may_be_hmac(other), "{other}");
        }
    }

    #[test]
    fn every_platform_that_is_called_has_a_provider() {
        for platform in Platform::ALL {
            assert_eq!(provider(*platform).is_none(), *platform == Platform::Api, "{platform}");
        }
    }
}
