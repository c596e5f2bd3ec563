use actix_web::http::header::{ContentType, HeaderMap};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use vouch_core::platform::Platform;
use vouch_platforms::{Envelope, PrivacyRequest, PrivacyTopic, Provider, parse_message};

use super::known_stores::{KnownStore, KnownStores};
use super::text;
use crate::features::ingest::intake::{DeliverySource, IncomingDelivery, gzip};
use crate::features::ingest::queue::Intake;
use crate::features::privacy::from_store;
use crate::kit::clock;
use crate::kit::counters;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::web::memory::{BodyLimits, BodySender, Memory, RequestBody, read_beginning};
use crate::kit::web::platform_path::OfPlatform;

/// How many bytes are stored of a body without a possible signature. WooCommerce's ping is shorter.
const UNSIGNED_KEPT: usize = 1024;

/// `POST /hooks/{platform}/{store_key}`: 200 once the delivery is stored, whether it can be parsed
/// or not. It's 401 for a wrong signature or an unknown key, without a difference. It's 503 if the
/// delivery can't be stored, so that the store retries. (WooCommerce doesn't retry, but the order
/// import finds the order.) Privacy requests are processed instead of stored.
#[expect(clippy::too_many_arguments, reason = "each is an extractor")]
pub(crate) async fn receive(
    req: HttpRequest,
    OfPlatform(provider): OfPlatform,
    path: Path<(String, String)>,
    body: Payload,
    stores: Data<KnownStores>,
    intake: Data<Intake>,
    db: Data<Db>,
    encryptor: Data<Encryptor>,
) -> AppResult<HttpResponse> {
    let (platform, (_, store_key)) = (provider.platform(), path.into_inner());
    let headers = |name: &str| header(req.headers(), name);
    let privacy = provider.privacy_topic(&headers);
    let store = match privacy {
        Some(_) => stores.find_for_privacy(platform, &store_key).await?,
        None => stores.find(platform, &store_key).await?,
    };
    let body = read_body(&req, &store, provider, body).await?;
    if provider.is_ping(&headers, &body) {
        return Ok(HttpResponse::Ok().finish());
    }
    if !provider.is_signed(&store.secrets, &store_key, &headers, &body) {
        return Ok(refused(platform, text::WRONG_SIGNATURE));
    }
    let now = clock::arrival();
    let Some(envelope) = provider.envelope(&headers, &body, now) else {
        return Ok(refused(platform, text::WRONG_TIME));
    };
    if let Some(topic) = privacy {
        let request = parse_privacy(provider, &store, topic, &body);
        return carry_out(&store, (topic, request), envelope, (db, encryptor)).await;
    }
    let Envelope { topic, is_test, sent_at, .. } = &envelope;
    let parsed = parse_message(platform, topic, &body, *is_test, sent_at.unwrap_or(now));
    intake.take(platform, incoming(&store, envelope, &body, now), parsed).await?;
    Ok(HttpResponse::Ok().finish())
}

fn incoming(
    store: &KnownStore,
    envelope: Envelope,
    body: &[u8],
    now: DateTime<Utc>,
) -> IncomingDelivery {
    IncomingDelivery {
        merchant_id: store.merchant_id,
        store_id: store.store_id,
        source: DeliverySource::Webhook,
        delivery_ref: envelope.delivery_ref,
        topic: envelope.topic,
        is_test: envelope.is_test,
        sent_at: envelope.sent_at,
        received_at: now,
        body_gzip: gzip(body),
    }
}

/// An unreadable request is logged, not stored. It then names no customer.
fn parse_privacy(
    provider: &dyn Provider,
    store: &KnownStore,
    topic: PrivacyTopic,
    body: &[u8],
) -> PrivacyRequest {
    provider.parse_privacy(topic, body).unwrap_or_else(|error| {
        let KnownStore { merchant_id, store_id, .. } = store;
        tracing::error!(merchant_id, store_id, %error, "privacy_request_unparseable");
        PrivacyRequest::default()
    })
}

/// Processes a privacy request, which is never stored, and answers 200. It also accepts
/// disconnected stores, because Shopify sends these requests after the app is uninstalled.
async fn carry_out(
    store: &KnownStore,
    request: (PrivacyTopic, PrivacyRequest),
    envelope: Envelope,
    (db, encryptor): (Data<Db>, Data<Encryptor>),
) -> AppResult<HttpResponse> {
    let (pseudonyms, now) = (Pseudonyms::new(&encryptor), clock::arrival());
    let of_store = (store.merchant_id, store.store_id);
    let is_erased = actix_web::web::block(move || {
        from_store::carry_out(&db, &pseudonyms, of_store, request, &envelope.delivery_ref, now)
    })
    .await
    .map_err(|_| AppError::Unavailable)??;
    if is_erased {
        security::note(Kind::PersonErased);
    }
    Ok(HttpResponse::Ok().finish())
}

/// Reads a webhook's body. Deliveries from unknown stores or without a possible signature are
/// rejected anyway. Their bodies are read to the end but not stored, so they use no memory.
async fn read_body(
    req: &HttpRequest,
    store: &KnownStore,
    provider: &dyn Provider,
    body: Payload,
) -> AppResult<RequestBody> {
    let limits = BodyLimits { bytes: provider.max_body(), timeout: provider.body_timeout() };
    let headers = |name: &str| header(req.headers(), name);
    if !store.exists() || !provider.may_be_signed(&headers) {
        return read_beginning(req, body.into_inner(), limits, UNSIGNED_KEPT).await;
    }
    let sender = BodySender::Store(store.store_id);
    Memory::of(req).read(req, body.into_inner(), limits, sender).await
}

/// 401 for a delivery that the store can't have sent, or not now.
fn refused(platform: Platform, why: &'static str) -> HttpResponse {
    counters::refused_delivery(platform.as_str());
    HttpResponse::Unauthorized().content_type(ContentType::plaintext()).body(why)
}

/// The header with that name, trimmed; empty if it's missing.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}
