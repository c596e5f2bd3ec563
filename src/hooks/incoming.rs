//! What the webhooks of all platforms share.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, HeaderMap};
use actix_web::web::Payload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use super::known_stores::KnownStore;
use crate::error::AppResult;
use crate::operations::counters;
use crate::stores::Platform;
use crate::web::form::read_beginning;
use crate::web::text::cleaned;

/// The greatest body, in bytes: an order of 10,000 lines is far below it.
pub(super) const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Ids and topics beyond this length are no store's.
const NAME_LIMIT: usize = 200;

/// As much is kept of a body that no store can have sent.
const UNKNOWN_KEPT: usize = 1024;

/// Reads a webhook's body. That of an unknown store is read to its end as well, but not kept: it is
/// refused whatever it holds, and must not take memory.
pub(super) async fn read_body(
    store: &KnownStore,
    body: Payload,
    limit: usize,
    patience: Duration,
) -> AppResult<Vec<u8>> {
    let kept = if store.exists() { limit } else { UNKNOWN_KEPT };
    read_beginning(body.into_inner(), limit, kept, patience).await
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
}
