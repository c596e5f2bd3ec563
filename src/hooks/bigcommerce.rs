use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::KnownStores;
use super::incoming::{cut, digest, header, read_body, refused};
use crate::clock;
use crate::error::AppResult;
use crate::orders::intake::{Arrival, Source, gzip};
use crate::orders::queue::Intake;
use crate::platforms::bigcommerce::{SECRET_HEADER, header_secret};
use crate::platforms::parse_message;
use crate::stores::Platform;
use crate::web::memory::BodyLimits;

/// The messages only name an order; their greatest is far below it.
const BODY_LIMITS: BodyLimits = BodyLimits { bytes: 64 * 1024, timeout: Duration::from_secs(4) };
/// How far the time in a message may be from ours, in seconds. Standard Webhooks has 300, and a clock
/// may be wrong by much more: a message that's sent again within that time is told by its signed id.
const TOLERANCE: i64 = 300 + crate::stores::clock::MAX_SECONDS;

/// `POST /hooks/bigcommerce/{store_key}`: 200 once the message is kept; what it is about is read
/// from the store afterwards. 401 for a wrong signature or an unknown key, alike; 503 if it cannot be kept, so that
/// BigCommerce sends it again.
pub async fn take(
    req: HttpRequest,
    store_key: Path<String>,
    body: Payload,
    stores: Data<KnownStores>,
    intake: Data<Intake>,
) -> AppResult<HttpResponse> {
    let store = stores.find(Platform::Bigcommerce, &store_key).await?;
    let body = read_body(&req, &store, body, BODY_LIMITS, true).await?;
    let (headers, now) = (req.headers(), clock::arrival());
    let told = header(headers, SECRET_HEADER);
    if !is_signed(&store.secrets, headers, &body) || !is_told(&store.secrets, &store_key, told) {
        return Ok(refused(Platform::Bigcommerce, "The signature does not fit the message.\n"));
    }
    let sent_at = sent_at(header(headers, "webhook-timestamp"), now);
    if sent_at.is_none() {
        return Ok(refused(Platform::Bigcommerce, "The message is too old or from the future.\n"));
    }
    let topic = scope_of(&body);
    let understood = parse_message(Platform::Bigcommerce, &topic, &body, false, now);
    let arrival = Arrival {
        merchant_id: store.merchant_id,
        store_id: store.store_id,
        source: Source::Webhook,
        delivery_ref: delivery_ref(headers, &body),
        topic: cut(&topic),
        is_test: false,
        sent_at,
        received_at: now,
        body_gzip: gzip(&body),
    };
    intake.take(Platform::Bigcommerce, arrival, understood).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Whether one of `secrets` signed the message as Standard Webhooks has it: HMAC-SHA-256 over id,
/// time and body, the key being the client secret as it stands. Every secret is tried in constant
/// time, with every signature that is given.
fn is_signed(secrets: &[SecretSlice<u8>], headers: &HeaderMap, body: &[u8]) -> bool {
    let (id, time) = (header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
    let given = header(headers, "webhook-signature").split(' ').take(8);
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

/// Whether the header is there that the webhook was made with.
fn is_told(secrets: &[SecretSlice<u8>], store_key: &str, told: &str) -> bool {
    secrets.iter().fold(false, |is_told, secret| {
        let expected = header_secret(secret.expose_secret(), store_key);
        is_told | bool::from(expected.as_bytes().ct_eq(told.as_bytes()))
    })
}

/// The time in a message; nothing where it's too far from ours.
fn sent_at(timestamp: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = timestamp.parse::<i64>().ok()?;
    let is_recent = now.timestamp().abs_diff(at) <= TOLERANCE.unsigned_abs();
    DateTime::from_timestamp(at, 0).filter(|_| is_recent)
}

/// What the message is about: its own word, which is no header.
fn scope_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Scope {
        scope: String,
    }
    serde_json::from_slice(body).map_or_else(|_| String::new(), |Scope { scope }| scope)
}

/// `webhook-id`, which stays the same when a message is sent again. The `hash` in the body would
/// not do: different messages of one order carry the same.
fn delivery_ref(headers: &HeaderMap, body: &[u8]) -> String {
    let id = header(headers, "webhook-id");
    if id.is_empty() { digest(body) } else { cut(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use chrono::TimeZone;

    /// The vector of the specification's own libraries (standard-webhooks/standard-webhooks).
    #[test]
    fn the_vector_of_the_specification_verifies() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let headers = |time: &'static str| {
            let pairs = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", time),
                ("webhook-signature", signature),
            ];
            let pairs = pairs.map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            pairs.into_iter().collect::<HeaderMap>()
        };
        let secrets: Vec<SecretSlice<u8>> = vec![b"another".to_vec().into(), key.into()];
        assert!(is_signed(&secrets, &headers("1614265330"), body));
        assert!(!is_signed(&secrets[..1], &headers("1614265330"), body));
        assert!(!is_signed(&secrets, &headers("1614265331"), body));
        assert!(!is_signed(&secrets, &headers("1614265330"), br#"{"test": 2432232315}"#));
        assert!(!is_signed(&[], &headers("1614265330"), body));
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
