//! Signed webhooks of the demo's store, ready to send from a terminal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::catalog::{DemoCustomer, DemoRefund, PRODUCTS, Sale, line};
use super::store::DemoStore;

#[derive(Clone, Debug)]
pub struct DemoWebhook {
    /// A description for the terminal.
    pub what: &'static str,
    /// Such as `orders/create`.
    pub topic: &'static str,
    /// The unique delivery reference.
    pub delivery_ref: String,
    pub body: String,
    /// Base64 of the HMAC-SHA-256 over the body.
    pub signature: String,
}

impl DemoWebhook {
    fn new(what: &'static str, topic: &'static str, id: u64, body: &Value, secret: &[u8]) -> Self {
        let body = body.to_string();
        let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        let signature = STANDARD.encode(mac.chain_update(&body).finalize().into_bytes());
        let delivery_ref = format!("{id}-{}", topic.replace('/', "-"));
        Self { what, topic, delivery_ref, body, signature }
    }

    /// A one-line POSIX shell command that sends the webhook to the URL in `address`.
    pub fn curl(&self, address: &str) -> String {
        // The body has no single quotes, because these webhooks use plain names and titles.
        format!(
            // copy: a command
            "curl -sS -w '%{{http_code}}\\n' -X POST '{address}' \
             -H 'Content-Type: application/json' -H 'X-Shopify-Topic: {}' \
             -H 'X-Shopify-Webhook-Id: {}' -H 'X-Shopify-Hmac-Sha256: {}' --data-binary '{}'",
            self.topic, self.delivery_ref, self.signature, self.body
        )
    }
}

/// A new order with `code`, its refund and its update. Their order of arrival doesn't change the
/// result. The order's ID comes from `now`, so each call creates a new order.
pub fn webhooks(store: &DemoStore, code: &str, now: DateTime<Utc>) -> [DemoWebhook; 3] {
    let id = u64::try_from(now.timestamp_micros()).unwrap_or_default();
    let order = Sale {
        id,
        number: 900_000 + id / 1_000 % 100_000,
        placed_at: now,
        updated_at: now,
        cancelled_at: None,
        is_test: false,
        payment: "paid",
        demo_customer: Some(DemoCustomer {
            first: "Carla".to_owned(),
            last: "Romero".to_owned(),
            email: "carla@customers.example".to_owned(),
        }),
        lines: vec![line(&PRODUCTS[4], 2), line(&PRODUCTS[0], 1)],
        codes: vec![(code.to_owned(), 1_000)],
        tax_basis_points: 0,
        refunds: Vec::new(),
    };
    let refund = DemoRefund { id: id + 1, line: 0, quantity: 1, at: now + Duration::seconds(60) };
    let updated = Sale {
        updated_at: refund.at,
        payment: "partially_refunded",
        refunds: vec![refund.clone()],
        ..order.clone()
    };
    let secret = &store.secret;
    [
        DemoWebhook::new("a new order", "orders/create", id, &order.body(), secret),
        DemoWebhook::new("its refund", "refunds/create", id, &order.refund_body(&refund), secret),
        DemoWebhook::new("the updated order", "orders/updated", id, &updated.body(), secret),
    ]
}
