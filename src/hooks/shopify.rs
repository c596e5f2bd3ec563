use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SubsecRound, Utc};

use super::KnownStores;
use super::incoming::{
    BODY_LIMIT, cut, digest, header, is_signed, may_be_signature, read_body, refused,
};
use crate::clock;
use crate::db::Db;
use crate::error::{AppError, AppResult};
use crate::operations::security::{self, Kind};
use crate::orders::intake::{Arrival, Source, gzip};
use crate::orders::queue::Intake;
use crate::platforms::parse_message;
use crate::privacy::requests::{self, Topic};
use crate::pseudonyms::Pseudonyms;
use crate::secrets::Sealer;
use crate::stores::Platform;
use crate::web::memory::BodyLimits;

/// Shopify gives up after five seconds in all.
const BODY_LIMITS: BodyLimits = BodyLimits { bytes: BODY_LIMIT, timeout: Duration::from_secs(4) };

/// `POST /hooks/shopify/{store_key}`: 200 once the message is kept for good, understood or not; 401
/// for a wrong signature or an unknown key, alike; 503 if it cannot be kept, so that Shopify sends it again.
/// Privacy requests are carried out instead.
pub async fn take(
    req: HttpRequest,
    store_key: Path<String>,
    body: Payload,
    stores: Data<KnownStores>,
    intake: Data<Intake>,
    db: Data<Db>,
    sealer: Data<Sealer>,
) -> AppResult<HttpResponse> {
    let topic = header(req.headers(), "x-shopify-topic").to_lowercase();
    if let Some(topic) = Topic::of_shopify(&topic) {
        return privacy_request(&req, topic, &store_key, body, &stores, (db, sealer)).await;
    }
    let store = stores.find(Platform::Shopify, &store_key).await?;
    let headers = req.headers();
    let signature = header(headers, "x-shopify-hmac-sha256");
    let may_be_signed = may_be_signature(signature);
    let body = read_body(&req, &store, body, BODY_LIMITS, may_be_signed).await?;
    if !is_signed(&store.secrets, signature, &body) {
        return Ok(refused(Platform::Shopify, "The signature does not fit the message.\n"));
    }
    let now = clock::arrival();
    let sent_at = triggered_at(headers);
    let is_test = header(headers, "x-shopify-test").eq_ignore_ascii_case("true");
    let understood =
        parse_message(Platform::Shopify, &topic, &body, is_test, sent_at.unwrap_or(now));
    let arrival = Arrival {
        merchant_id: store.merchant_id,
        store_id: store.store_id,
        source: Source::Webhook,
        delivery_ref: delivery_ref(headers, &body),
        topic: cut(&topic),
        is_test,
        sent_at,
        received_at: now,
        body_gzip: gzip(&body),
    };
    intake.take(Platform::Shopify, arrival, understood).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Carried out and answered 200, and never stored. Also for a store that was disconnected: Shopify sends
/// them after the app was uninstalled.
async fn privacy_request(
    req: &HttpRequest,
    topic: Topic,
    store_key: &str,
    body: Payload,
    stores: &KnownStores,
    (db, sealer): (Data<Db>, Data<Sealer>),
) -> AppResult<HttpResponse> {
    let store = stores.find_for_privacy(Platform::Shopify, store_key).await?;
    let signature = header(req.headers(), "x-shopify-hmac-sha256");
    let body = read_body(req, &store, body, BODY_LIMITS, may_be_signature(signature)).await?;
    if !is_signed(&store.secrets, signature, &body) {
        return Ok(refused(Platform::Shopify, "The signature does not fit the message.\n"));
    }
    let (fallback, now) = (delivery_ref(req.headers(), &body), clock::arrival());
    let pseudonyms = Pseudonyms::new(&sealer);
    let of_store = (store.merchant_id, store.store_id);
    let is_erased = actix_web::web::block(move || {
        requests::carry_out(&db, &pseudonyms, of_store, (topic, &body), &fallback, now)
    })
    .await
    .map_err(|_| AppError::Unavailable)??;
    if is_erased {
        security::note(Kind::PersonErased);
    }
    Ok(HttpResponse::Ok().finish())
}

/// `X-Shopify-Webhook-Id`, which tells deliveries apart. `X-Shopify-Event-Id` would not do: it is
/// shared by all messages of one act, so that orders/paid would be lost after orders/create.
fn delivery_ref(headers: &HeaderMap, body: &[u8]) -> String {
    let id = header(headers, "x-shopify-webhook-id");
    if id.is_empty() { digest(body) } else { cut(id) }
}

/// To the microsecond, as it is kept, so that a replay agrees.
fn triggered_at(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(header(headers, "x-shopify-triggered-at")).ok()?;
    Some(at.with_timezone(&Utc).trunc_subsecs(6))
}
