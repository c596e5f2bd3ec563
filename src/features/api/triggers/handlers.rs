//! The endpoints.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use diesel::QueryResult;
use serde::Deserialize;
use utoipa::IntoParams;
use vouch_platforms::api::{FieldError, read_json};

use super::answer::{TriggerAnswer, TriggersAnswer};
use super::body::TriggerBody;
use super::create::{self, CreateTriggerOutcome, create};
use crate::features::api::admission::{admitted, answer};
use crate::features::api::keys::{self, ApiScope};
use crate::features::api::limits::ApiLimits;
use crate::features::api::problem::Problem;
use crate::features::api::text;
use crate::features::triggers::{
    TriggerFilter, TriggerKind, TriggerSort, TriggerState, list, unknown_affiliate_text,
};
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppError;
use crate::kit::lists::{Cursor, Listing, Range, Sort};
use crate::kit::web::memory::{BodyLimits, BodySender, Memory};
use crate::kit::web::peer::peer;

/// The maximum body size in bytes, and the timeout to receive it.
const BODY_LIMITS: BodyLimits = BodyLimits { bytes: 64 * 1024, timeout: Duration::from_secs(15) };

/// `POST /api/v1/triggers`
///
/// Creates a conversion trigger. A coupon code is also created in your stores.
#[utoipa::path(
    post,
    path = "/api/v1/triggers",
    tag = "Conversion triggers",
    operation_id = "createTrigger",
    request_body = TriggerBody,
    responses(
        (status = 201, description = "The trigger was created", body = TriggerAnswer),
        (status = 200, description = "The affiliate already has this trigger", body = TriggerAnswer),
        (status = 400, description = "The connection was interrupted", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The API key is missing, invalid, revoked or expired", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The API key lacks the scope `triggers`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 64 KiB", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The value is taken, excluded or invalid. `errors` lists all invalid fields", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests. Wait the number of seconds in `Retry-After`, then retry", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was saved. Retry", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["triggers"]))
)]
pub(crate) async fn create_trigger(
    req: HttpRequest,
    body: Payload,
    db: Data<Db>,
    limits: Data<ApiLimits>,
) -> HttpResponse {
    answer(take(&req, body, &db, &limits).await)
}

async fn take(
    req: &HttpRequest,
    body: Payload,
    db: &Db,
    limits: &ApiLimits,
) -> Result<(StatusCode, TriggerAnswer), Problem> {
    let key = admitted(req, db, limits, ApiScope::Triggers).await?;
    let sender = BodySender::Merchant(key.merchant_id);
    let body = Memory::of(req).read(req, body.into_inner(), BODY_LIMITS, sender).await?;
    let body: TriggerBody = read_json(&body).map_err(Problem::invalid_trigger)?;
    let came_from = Some(peer(req).to_string());
    let (outcome, row) = db
        .merchant(key.merchant_id, move |conn| {
            let actor = Actor {
                merchant_id: key.merchant_id,
                kind: ActorKind::Api,
                user_id: None,
                name: keys::name(conn, key.merchant_id, key.key_id)?,
                came_from,
                now: clock::now(),
            };
            let outcome = create(conn, &actor, &body)?;
            let row = match outcome {
                CreateTriggerOutcome::Created(id) | CreateTriggerOutcome::Known(id) => {
                    Some(list::row(conn, key.merchant_id, id)?)
                }
                CreateTriggerOutcome::Refused(_) => None,
            };
            QueryResult::Ok((outcome, row))
        })
        .await?;
    match (outcome, row) {
        (CreateTriggerOutcome::Refused(errors), _) => Err(Problem::invalid_trigger(errors)),
        (CreateTriggerOutcome::Created(_), Some(row)) => {
            Ok((StatusCode::CREATED, TriggerAnswer::of(row)))
        }
        (CreateTriggerOutcome::Known(_), Some(row)) => Ok((StatusCode::OK, TriggerAnswer::of(row))),
        (_, None) => Err(AppError::NotFound.into()),
    }
}

/// Which triggers are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TriggersQuery {
    /// Only triggers of this affiliate (affiliate ID or email).
    affiliate: Option<String>,
    /// Only this type: `coupon_code`, `customer_email` or `sku`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only this state: `active` or `retired`.
    state: Option<String>,
    /// Only values that contain this text.
    q: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
}

impl TriggersQuery {
    fn filter(&self) -> Result<TriggerFilter, Problem> {
        let mut errors = Vec::new();
        let mut wrong = |name: &str, detail: &str| {
            let pointer = format!("/{name}");
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        let kind = self.kind.as_deref().map(TriggerKind::parse);
        if kind == Some(None) {
            wrong("type", text::TRIGGER_TYPES);
        }
        let state = self.state.as_deref().map(TriggerState::parse);
        if state == Some(None) {
            wrong("state", text::TRIGGER_STATES);
        }
        if !errors.is_empty() {
            return Err(Problem::invalid_query(errors));
        }
        Ok(TriggerFilter {
            kind: kind.flatten(),
            state: state.flatten(),
            q: self.q.as_deref().unwrap_or_default().trim().chars().take(255).collect(),
            ..TriggerFilter::default()
        })
    }
}

/// `GET /api/v1/triggers`
///
/// Lists conversion triggers, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/triggers",
    tag = "Conversion triggers",
    operation_id = "listTriggers",
    params(TriggersQuery),
    responses(
        (status = 200, description = "Up to 50 triggers", body = TriggersAnswer),
        (status = 401, description = "The API key is missing, invalid, revoked or expired", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The API key lacks the scope `read`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The query has invalid parameters", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests. Wait the number of seconds in `Retry-After`, then retry", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Temporarily unavailable. Retry", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["read"]))
)]
pub(crate) async fn list_triggers(
    req: HttpRequest,
    db: Data<Db>,
    limits: Data<ApiLimits>,
) -> HttpResponse {
    answer(listed(&req, &db, &limits).await.map(|list| (StatusCode::OK, list)))
}

async fn listed(req: &HttpRequest, db: &Db, limits: &ApiLimits) -> Result<TriggersAnswer, Problem> {
    let key = admitted(req, db, limits, ApiScope::Read).await?;
    let query: TriggersQuery = serde_html_form::from_str(req.query_string()).map_err(|error| {
        let error = FieldError { pointer: String::new(), detail: text::unparseable(error) };
        Problem::invalid_query(vec![error])
    })?;
    let filter = query.filter()?;
    let found = db
        .merchant(key.merchant_id, move |conn| {
            let mut filter = filter;
            if let Some(named) = &query.affiliate {
                match create::affiliate(conn, key.merchant_id, named)? {
                    Some(id) => filter.affiliate_id = Some(id),
                    None => return QueryResult::Ok(Err(unknown_affiliate_text(named))),
                }
            }
            let sort = TriggerSort::Newest;
            let after = query.after.as_deref().unwrap_or_default();
            let range = Range::page(sort.order(), Cursor::read(sort.order(), after, ""));
            list::rows(conn, key.merchant_id, &filter, sort, &range).map(Ok)
        })
        .await?;
    let listing = found.map_err(|detail| {
        let pointer = "/affiliate".to_owned();
        Problem::invalid_query(vec![FieldError { pointer, detail }])
    })?;
    let Listing { rows, next, .. } = listing;
    let triggers = rows.into_iter().map(TriggerAnswer::of).collect();
    Ok(TriggersAnswer { triggers, next: next.map(|key| key.encode()) })
}

/// `GET /api/v1/triggers/{trigger_id}`
///
/// Shows a conversion trigger.
#[utoipa::path(
    get,
    path = "/api/v1/triggers/{trigger_id}",
    tag = "Conversion triggers",
    operation_id = "showTrigger",
    params(("trigger_id" = String, Path, description = "Vouch's ID of the trigger")),
    responses(
        (status = 200, description = "The trigger", body = TriggerAnswer),
        (status = 401, description = "The API key is missing, invalid, revoked or expired", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The API key lacks the scope `read`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such trigger", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests. Wait the number of seconds in `Retry-After`, then retry", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Temporarily unavailable. Retry", body = Problem, content_type = "application/problem+json"),
    ),
    security(("api_key" = ["read"]))
)]
pub(crate) async fn show_trigger(
    req: HttpRequest,
    db: Data<Db>,
    limits: Data<ApiLimits>,
    id: Path<String>,
) -> HttpResponse {
    answer(shown(&req, &db, &limits, &id).await.map(|trigger| (StatusCode::OK, trigger)))
}

async fn shown(
    req: &HttpRequest,
    db: &Db,
    limits: &ApiLimits,
    id: &str,
) -> Result<TriggerAnswer, Problem> {
    let merchant_id = admitted(req, db, limits, ApiScope::Read).await?.merchant_id;
    let id: i64 = id.parse().map_err(|_| AppError::NotFound)?;
    let row = db.merchant(merchant_id, move |conn| list::row(conn, merchant_id, id)).await?;
    Ok(TriggerAnswer::of(row))
}
