use std::time::Duration;

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::KnownStores;
use super::incoming::{
    BODY_LIMIT, cut, digest, header, is_signed, may_be_signature, read_body, refused,
};
use crate::clock;
use crate::error::AppResult;
use crate::orders::intake::{Arrival, Source, gzip};
use crate::orders::queue::Intake;
use crate::platforms::parse_message;
use crate::stores::Platform;
use crate::web::memory::BodyLimits;

/// WooCommerce gives up after a minute; while it waits, a shopper may be waiting for it.
const BODY_LIMITS: BodyLimits = BodyLimits { bytes: BODY_LIMIT, timeout: Duration::from_secs(10) };

/// `POST /hooks/woocommerce/{store_key}`: 200 once the message is kept for good, understood or not;
/// 401 for a wrong signature or an unknown key, alike; 503 if it cannot be kept. WooCommerce does not send it again then,
/// but counts it as failed, and the catch-up finds the order.
pub async fn take(
    req: HttpRequest,
    store_key: Path<String>,
    body: Payload,
    stores: Data<KnownStores>,
    intake: Data<Intake>,
) -> AppResult<HttpResponse> {
    let store = stores.find(Platform::Woocommerce, &store_key).await?;
    let headers = req.headers();
    let signature = header(headers, "x-wc-webhook-signature");
    let may_be_signed = may_be_signature(signature);
    let body = read_body(&req, &store, body, BODY_LIMITS, may_be_signed).await?;
    if signature.is_empty() && is_ping(&body) {
        return Ok(HttpResponse::Ok().finish());
    }
    if !is_signed(&store.secrets, signature, &body) {
        return Ok(refused(Platform::Woocommerce, "The signature does not fit the message.\n"));
    }
    let now = clock::arrival();
    let topic = header(headers, "x-wc-webhook-topic").to_lowercase();
    let understood = parse_message(Platform::Woocommerce, &topic, &body, false, now);
    let arrival = Arrival {
        merchant_id: store.merchant_id,
        store_id: store.store_id,
        source: Source::Webhook,
        delivery_ref: delivery_ref(header(headers, "x-wc-webhook-delivery-id"), &body),
        topic: cut(&topic),
        is_test: false,
        sent_at: None,
        received_at: now,
        body_gzip: gzip(&body),
    };
    intake.take(Platform::Woocommerce, arrival, understood).await?;
    Ok(HttpResponse::Ok().finish())
}

/// What WooCommerce sends when a webhook is made, unsigned: `webhook_id=1`. It says nothing, and
/// the webhook is only made if exactly 200 is answered.
fn is_ping(body: &[u8]) -> bool {
    let id = body.strip_prefix(b"webhook_id=");
    id.is_some_and(|id| (1..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}

/// Tells deliveries apart. `X-WC-Webhook-Delivery-ID` alone would not do: it is made of the webhook
/// and the second, so that all orders of a second share it. Nor would the content alone: an order
/// that is put into the bin twice says the same both times.
fn delivery_ref(delivery_id: &str, body: &[u8]) -> String {
    let digest = digest(body);
    if delivery_id.is_empty() { digest } else { cut(&format!("{digest} {delivery_id}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ping_is_a_ping() {
        assert!(is_ping(b"webhook_id=1"));
        for other in ["webhook_id=", "webhook_id=1&x=2", "webhook_id=x", "x", ""] {
            assert!(!is_ping(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn deliveries_differ_by_content_and_by_id() {
        let refs = [("a", "1"), ("a", "2"), ("b", "1"), ("", "1")]
            .map(|(id, body)| delivery_ref(id, body.as_bytes()));
        let distinct: std::collections::BTreeSet<_> = refs.iter().collect();
        assert_eq!(distinct.len(), refs.len());
    }
}
