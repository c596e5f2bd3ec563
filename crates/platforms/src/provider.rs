//! What each platform answers for itself, so that webhooks, settings and jobs have one way for all.

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
use crate::{CallError, Client, PayloadError, bigcommerce, shopify, woocommerce};

/// The longest body of a webhook, in bytes: an order of 10,000 lines is far below it.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;
/// Ids and topics beyond this many characters are no store's.
const MAX_NAME: usize = 200;

/// The value of a webhook's header by its name in lower case; empty where it's missing.
pub type Headers<'a> = &'a dyn Fn(&str) -> &'a str;

/// A platform whose stores send webhooks and are called.
pub trait Provider: Sync {
    fn platform(&self) -> Platform;

    fn settings(&self) -> &'static dyn StoreSettings;

    /// The longest body of a webhook, in bytes.
    fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// How long the body of a webhook may take to arrive: shorter than the store waits for an answer.
    fn body_timeout(&self) -> Duration;

    /// Whether the headers can be those of a signed message. The body of any other isn't kept.
    fn may_be_signed(&self, headers: Headers<'_>) -> bool;

    /// Whether this is what the platform sends, unsigned, to try the address out.
    fn is_ping(&self, _headers: Headers<'_>, _body: &[u8]) -> bool {
        false
    }

    /// Whether one of `secrets` signed the raw bytes. Every secret is tried in constant time.
    fn is_signed(
        &self,
        secrets: &[SecretSlice<u8>],
        store_key: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> bool;

    /// What a signed message says of itself; `None` if it's too old, or from the future.
    fn envelope(&self, headers: Headers<'_>, body: &[u8], now: DateTime<Utc>) -> Option<Envelope>;

    /// The request for a person's data that the headers announce. It's carried out, not stored.
    fn privacy_topic(&self, _headers: Headers<'_>) -> Option<PrivacyTopic> {
        None
    }

    /// Reads a message, be it a webhook's or one that Vouch composed of the store's answers.
    ///
    /// # Errors
    /// Where and why. The message is to be kept: it was really sent.
    fn parse(&self, message: &Message<'_>) -> Result<StoreEvent, PayloadError>;

    /// How far back the platform shows orders; `None` for all of them.
    fn orders_reach(&self) -> Option<chrono::Duration> {
        None
    }

    /// The client of one store.
    ///
    /// # Errors
    /// [`CallError::Denied`] if the credentials or the discount rules can't be read.
    fn client(&self, connection: Connection<'_>) -> Result<Box<dyn Client>, CallError>;

    /// What a shopper gets with a code under these discount rules, in one sentence.
    fn rules_sentence(&self, rules: &Value) -> Option<String>;
}

/// Every platform, in the order of the settings. Routes, pages and jobs know them from here.
pub const PROVIDERS: [&dyn Provider; 3] = [
    &shopify::ShopifyProvider,
    &bigcommerce::BigcommerceProvider,
    &woocommerce::WoocommerceProvider,
];

/// The provider of a platform; the generic API has none: its shops call Vouch.
pub fn provider(platform: Platform) -> Option<&'static dyn Provider> {
    PROVIDERS.into_iter().find(|provider| provider.platform() == platform)
}

/// What a webhook says beside its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What it's about, in the platform's own word.
    pub topic: String,
    /// Tells deliveries apart: the same when a message is sent again.
    pub delivery_ref: String,
    /// Sent to try the connection out, not for a sale.
    pub is_test: bool,
    /// When the store sent it, where it says so.
    pub sent_at: Option<DateTime<Utc>>,
}

/// A message to parse.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub topic: &'a str,
    pub body: &'a [u8],
    pub is_test: bool,
    /// When it was sent; when it was received, where the store doesn't say.
    pub sent_at: DateTime<Utc>,
}

/// What Shopify asks for on behalf of its customers, and of merchants who have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivacyTopic {
    DataRequest,
    Redact,
    ShopRedact,
}

/// What it takes to call a store.
pub struct Connection<'a> {
    pub http: &'a Http,
    /// As the platform addresses its stores, or a local store's base URL.
    pub address: &'a str,
    /// The platform's own credentials, as JSON.
    pub credentials: &'a [u8],
    /// A token that was got with these credentials earlier, and is still good.
    pub token: Option<SecretString>,
    /// What the store is to sign its webhooks with.
    pub webhook_secret: Option<SecretString>,
    /// What new codes get.
    pub rules: Option<&'a Value>,
    pub now: DateTime<Utc>,
}

/// The credentials are there and mean nothing.
pub(crate) fn unreadable_credentials() -> CallError {
    CallError::Denied("The API credentials can’t be read: enter them again.".into())
}

/// Whether `signature` is the base64 of as many bytes as HMAC-SHA-256 has.
pub(crate) fn may_be_hmac(signature: &str) -> bool {
    STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() == Sha256::output_size())
}

/// Whether one of `secrets` signed `body`: base64 of HMAC-SHA-256 over the raw bytes.
pub(crate) fn is_hmac(secrets: &[SecretSlice<u8>], signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    secrets.iter().fold(false, |signed, secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret())
            .expect("HMAC takes keys of any length");
        signed | mac.chain_update(body).verify_slice(&signature).is_ok()
    })
}

/// Tells messages apart by what they say.
pub(crate) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// An id or a topic, cut to what is kept, without characters that can't be stored.
pub(crate) fn cut(name: &str) -> String {
    cleaned(name).chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_real_store_sent_is_signed() {
        // WooCommerce 10.9.1.
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
