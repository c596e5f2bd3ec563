//! Messages as BigCommerce sends them: they name an order only, and are signed as Standard Webhooks
//! has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// `v1,` and base64 of HMAC-SHA-256 over id, time and body.
pub(crate) fn sign(secret: &str, id: &str, time: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{id}.{time}.")).chain_update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A webhook's body: its `hash` is the same for every scope, as in BigCommerce's own examples.
pub(crate) fn message(scope: &str, order_id: i64) -> Value {
    json!({
        "scope": scope, "store_id": "1025646", "producer": "stores/abc123",
        "hash": "dd70c0976e06b67aaf671e73f49dcb79230ebf9d", "created_at": 1_561_479_335,
        "data": { "type": "order", "id": order_id },
    })
}
