use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use vouch_core::order::StoreEvent;
use vouch_core::order::times::MAX_CLOCK_SECONDS;
use vouch_core::platform::Platform;

use super::settings::BigcommerceSettings;
use super::{Bigcommerce, Rules, SECRET_HEADER, header_secret, order};
use crate::provider::{
    Connection, Envelope, Headers, Provider, WebhookDelivery, cut, delivery_ref,
};
use crate::settings::StoreSettings;
use crate::{CallError, Client, PayloadError};

/// The allowed time difference of a webhook, in seconds. Standard Webhooks has 300, but a clock can
/// be wrong by much more. Repeated webhooks within that time are detected by their signed ID.
const TOLERANCE: i64 = 300 + MAX_CLOCK_SECONDS;

const SIGNATURE: &str = "webhook-signature";

pub(crate) struct BigcommerceProvider;

impl Provider for BigcommerceProvider {
    fn platform(&self) -> Platform {
        Platform::Bigcommerce
    }

    fn settings(&self) -> &'static dyn StoreSettings {
        &BigcommerceSettings
    }

    /// BigCommerce's webhooks only name an order, so even the largest is far smaller.
    fn max_body(&self) -> usize {
        64 * 1024
    }

    fn body_timeout(&self) -> Duration {
        Duration::from_secs(4)
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    /// Always: the header can have several signatures, so it's parsed with the body.
    fn may_be_signed(&self, _headers: Headers<'_>) -> bool {
        true
    }

    /// By Standard Webhooks, and by the header that the webhook was created with.
    fn is_signed(
        &self,
        secrets: &[SecretSlice<u8>],
        store_key: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> bool {
        is_signed(secrets, headers, body) & is_told(secrets, store_key, headers(SECRET_HEADER))
    }

    /// `webhook-id` stays the same when a webhook is sent again. The `hash` in the body doesn't
    /// identify it, because different webhooks of one order have the same.
    fn envelope(&self, headers: Headers<'_>, body: &[u8], now: DateTime<Utc>) -> Option<Envelope> {
        Some(Envelope {
            topic: cut(&scope_of(body)),
            delivery_ref: delivery_ref(headers("webhook-id"), body),
            is_test: false,
            sent_at: Some(sent_at(headers("webhook-timestamp"), now)?),
        })
    }

    fn parse(&self, message: &WebhookDelivery<'_>) -> Result<StoreEvent, PayloadError> {
        order::parse(message.topic, message.body, message.sent_at)
    }

    fn client(&self, connection: Connection<'_>) -> Result<Box<dyn Client>, CallError> {
        Ok(Box::new(Bigcommerce::open(connection)?))
    }

    fn rules_sentence(&self, rules: &Value) -> Option<String> {
        Some(Rules::deserialize(rules).ok()?.sentence())
    }
}

/// Whether one of `secrets` signed the webhook by Standard Webhooks: HMAC-SHA-256 over ID, time and
/// body. The key is the client secret itself, without decoding. Every secret is compared with every
/// signature in constant time.
fn is_signed(secrets: &[SecretSlice<u8>], headers: Headers<'_>, body: &[u8]) -> bool {
    let (id, time) = (headers("webhook-id"), headers("webhook-timestamp"));
    let given = headers(SIGNATURE).split(' ').take(8);
    let given: Vec<Vec<u8>> = given
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    secrets.iter().fold(false, |signed, secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret())
            .expect("HMAC takes keys of any length");
        let mac = mac.chain_update(id).chain_update(".").chain_update(time);
        let mac = mac.chain_update(".").chain_update(body);
        given.iter().fold(signed, |signed, one| signed | mac.clone().verify_slice(one).is_ok())
    })
}

/// Whether the webhook has the header that it was created with.
fn is_told(secrets: &[SecretSlice<u8>], store_key: &str, told: &str) -> bool {
    secrets.iter().fold(false, |is_told, secret| {
        let expected = header_secret(secret.expose_secret(), store_key);
        is_told | bool::from(expected.as_bytes().ct_eq(told.as_bytes()))
    })
}

/// The webhook's time, or `None` if it's too far from `now`.
fn sent_at(timestamp: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = timestamp.parse::<i64>().ok()?;
    let is_recent = now.timestamp().abs_diff(at) <= TOLERANCE.unsigned_abs();
    DateTime::from_timestamp(at, 0).filter(|_| is_recent)
}

/// The event name, which is in the body and not in a header.
fn scope_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Scope {
        scope: String,
    }
    serde_json::from_slice(body).map_or_else(|_| String::new(), |Scope { scope }| scope)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    /// The test vector of the specification's libraries (standard-webhooks/standard-webhooks).
    #[test]
    fn the_vector_of_the_specification_verifies() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |secrets: &[SecretSlice<u8>], time: &'static str, body: &[u8]| {
            let header = |name: &str| match name {
                "webhook-id" => "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp" => time,
                SIGNATURE => signature,
                _ => "",
            };
            is_signed(secrets, &header, body)
        };
        let secrets: Vec<SecretSlice<u8>> = vec![b"another".to_vec().into(), key.into()];
        assert!(signed(&secrets, "1614265330", body));
        assert!(!signed(&secrets[..1], "1614265330", body));
        assert!(!signed(&secrets, "1614265331", body));
        assert!(!signed(&secrets, "1614265330", br#"{"test": 2432232315}"#));
        assert!(!signed(&[], "1614265330", body));
    }

    #[test]
    fn a_message_is_good_for_as_long_as_a_clock_may_be_wrong() {
        let now = Utc.timestamp_opt(1_614_265_330, 0).unwrap();
        for (time, recent) in [
            ("1614265330", true),
            ("1614261430", true),
            ("1614261429", false),
            ("1614269230", true),
            ("1614269231", false),
            ("", false),
            ("-9223372036854775808", false),
            ("soon", false),
        ] {
            assert_eq!(sent_at(time, now).is_some(), recent, "{time}");
        }
    }
}
