//! What the webhooks of all platforms share.

use actix_web::http::header::{ContentType, HeaderMap};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use super::known_stores::KnownStore;
use crate::error::AppResult;
use crate::operations::counters;
use crate::stores::Platform;
use crate::web::memory::{Body, BodyLimits, BodySender, Memory, read_beginning};
use crate::web::text::cleaned;

/// The greatest body, in bytes: an order of 10,000 lines is far below it.
pub(super) const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Ids and topics beyond this length are no store's.
const NAME_LIMIT: usize = 200;

/// As much is kept of a body that no store can have signed: WooCommerce's ping is shorter.
const UNSIGNED_KEPT: usize = 1024;

/// Reads a webhook's body. One that is refused whatever it holds is read to its end as well, but not kept,
/// so that it takes no memory: that of an unknown store, and one without a signature that can be one.
pub(super) async fn read_body(
    req: &HttpRequest,
    store: &KnownStore,
    body: Payload,
    limits: BodyLimits,
    may_be_signed: bool,
) -> AppResult<Body> {
    if !store.exists() || !may_be_signed {
        return read_beginning(req, body.into_inner(), limits, UNSIGNED_KEPT).await;
    }
    let sender = BodySender::Store(store.store_id);
    Memory::of(req).read(req, body.into_inner(), limits, sender).await
}

/// Whether `signature` is the base64 of as many bytes as HMAC-SHA-256 has.
pub(super) fn may_be_signature(signature: &str) -> bool {
    STANDARD.decode(signature).is_ok_and(|bytes| bytes.len() == Sha256::output_size())
}

/// Whether one of `secrets` signed `body`: base64 of HMAC-SHA-256 over the raw bytes. Every secret
/// is tried in constant time.
pub(super) fn is_signed(secrets: &[SecretSlice<u8>], signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    secrets.iter().fold(false, |signed, secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret())
            .expect("HMAC takes keys of any length");
        signed | mac.chain_update(body).verify_slice(&signature).is_ok()
    })
}

/// 401 for a message that the store cannot have sent, or not now.
pub(super) fn refused(platform: Platform, why: &'static str) -> HttpResponse {
    counters::refused_delivery(platform);
    HttpResponse::Unauthorized().content_type(ContentType::plaintext()).body(why)
}

/// Tells messages apart by what they say.
pub(super) fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// The header of that name without outer space; empty where it is missing.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

/// An id or a topic, cut to what is kept, without characters that can't be stored.
pub(super) fn cut(name: &str) -> String {
    cleaned(name).chars().take(NAME_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_real_store_sent_is_signed() {
        // WooCommerce 10.9.1.
        let (body, signature) = (b"{\"id\":14}", "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk=");
        let secrets = [&b"another"[..], b"wh-secret-1"].map(|secret| secret.to_vec().into());
        assert!(is_signed(&secrets, signature, body));
        assert!(!is_signed(&secrets[..1], signature, body));
        assert!(!is_signed(&secrets, signature, b"{\"id\":15}"));
        assert!(!is_signed(&secrets, "", body));
    }

    #[test]
    fn only_what_is_as_long_as_a_signature_may_be_one() {
        assert!(may_be_signature("AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jk="));
        for other in ["", "?", "AAAA", "AHT49MhvBTUK/7xUX+OvvU3G7dR2uVK13zprd6eQ7jkAAA=="] {
            assert!(!may_be_signature(other), "{other}");
        }
    }
}
