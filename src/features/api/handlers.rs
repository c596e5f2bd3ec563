//! The order endpoints of the API.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use diesel::OptionalExtension as _;
use sha2::{Digest, Sha256};
use vouch_core::order::snapshot::StoreEvent;
use vouch_core::platform::Platform;
use vouch_platforms::api::{OrderBody, parse_at};

use super::admission::{admitted, answer};
use super::answer::{OrderAnswer, ReportAnswer, StoredAnswer};
use super::keys::ApiScope;
use super::known::KnownOrder;
use super::limits::ApiLimits;
use super::problem::Problem;
use crate::features::ingest::intake::{DeliverySource, IncomingDelivery, IngestOutcome, gzip};
use crate::features::ingest::queue::Intake;
use crate::kit::clock;
use crate::kit::db::{Db, Scope, WorkKind};
use crate::kit::web::memory::{BodyLimits, BodySender, Memory};

/// The topic of deliveries from the API.
const TOPIC: &str = "orders";
/// The maximum body size in bytes, and the timeout to receive it.
const BODY_LIMITS: BodyLimits =
    BodyLimits { bytes: 4 * 1024 * 1024, timeout: Duration::from_secs(15) };

/// `POST /api/v1/orders`
///
/// Reports an order. Send it when it's placed and whenever it changes.
#[utoipa::path(
    post,
    path = "/api/v1/orders",
    tag = "Orders",
    operation_id = "reportOrder",
    request_body = OrderBody,
    responses(
        (status = 201, description = "The first report of this order", body = OrderAnswer),
        (status = 200, description = "The order was already known", body = OrderAnswer),
        (status = 202, description = "The report is saved but not processed yet. Vouch retries it", body = StoredAnswer),
        (status = 400, description = "The connection was interrupted", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The API key is missing, invalid, revoked or expired", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The API key lacks the scope `orders`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A different report of this order has the same `updated_at`. `known` has the saved one", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 4 MiB", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The order has invalid fields. `errors` lists all of them", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests. Wait the number of seconds in `Retry-After`, then retry", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was saved. Retry", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["orders"]))
)]
pub(crate) async fn report_order(
    req: HttpRequest,
    body: Payload,
    db: Data<Db>,
    limits: Data<ApiLimits>,
    intake: Data<Intake>,
) -> HttpResponse {
    answer(take(&req, body, &db, &limits, &intake).await)
}

async fn take(
    req: &HttpRequest,
    body: Payload,
    db: &Db,
    limits: &ApiLimits,
    intake: &Intake,
) -> Result<(StatusCode, ReportAnswer), Problem> {
    let key = admitted(req, db, limits, ApiScope::Orders).await?;
    let sender = BodySender::Merchant(key.merchant_id);
    let body = Memory::of(req).read(req, body.into_inner(), BODY_LIMITS, sender).await?;
    let now = clock::arrival();
    let report = parse_at(&body, now).map_err(Problem::invalid_order)?;
    let order_ref = report.order_ref.clone();
    let incoming = IncomingDelivery {
        merchant_id: key.merchant_id,
        store_id: key.store_id,
        source: DeliverySource::Api,
        topic: TOPIC.to_owned(),
        // The same report sent twice is one delivery.
        delivery_ref: hex::encode(Sha256::digest(&*body)),
        is_test: report.is_test,
        sent_at: None,
        received_at: now,
        body_gzip: gzip(&body),
    };
    let outcome =
        intake.take(Platform::Api, incoming, Ok(StoreEvent::Order(Box::new(report)))).await?;
    let status = match outcome {
        IngestOutcome::Processed { is_new: true, .. } => StatusCode::CREATED,
        IngestOutcome::Failed => return Ok(stored(order_ref)),
        IngestOutcome::Conflict { order_id } => {
            return Err(conflict(db, key.merchant_id, order_id).await);
        }
        IngestOutcome::Processed { .. }
        | IngestOutcome::Outdated { .. }
        | IngestOutcome::Repeated
        | IngestOutcome::Waiting
        | IngestOutcome::Ignored => StatusCode::OK,
    };
    let own_id = order_ref.clone();
    let answer = db
        .run_as(WorkKind::Report, Scope::Merchant(key.merchant_id), move |conn| {
            OrderAnswer::by_ref(conn, key.merchant_id, key.store_id, &own_id).optional()
        })
        .await?;
    // A report that was stored before and still isn't processed.
    Ok(answer.map_or_else(|| stored(order_ref), |answer| (status, ReportAnswer::Processed(answer))))
}

fn stored(order_ref: String) -> (StatusCode, ReportAnswer) {
    (StatusCode::ACCEPTED, ReportAnswer::Stored(StoredAnswer::new(order_ref)))
}

/// The problem for a report with the same time as another one.
async fn conflict(db: &Db, merchant_id: i64, order_id: i64) -> Problem {
    let find = move |conn: &mut _| KnownOrder::find(conn, merchant_id, order_id);
    let known = db.run_as(WorkKind::Report, Scope::Merchant(merchant_id), find).await;
    known.map_or_else(Problem::from, Problem::conflict)
}
