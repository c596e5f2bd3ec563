//! Errors of the API: problem details (RFC 9457).

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;
use vouch_platforms::api::FieldError;

use super::code::ProblemCode;
use super::keys::ApiScope;
use super::known::KnownOrder;
use super::text;
use crate::kit::error::AppError;

/// An error (RFC 9457, `application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What went wrong. It doesn't change, so clients can rely on it.
    pub(crate) code: ProblemCode,
    /// What went wrong, for people.
    #[schema(example = "Order not saved")]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do, for people.
    pub detail: String,
    /// The invalid fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// The saved report of the order, with status 409.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = KnownOrder)]
    pub known: Option<Box<KnownOrder>>,
    /// The scope that the key lacks, with status 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "triggers")]
    pub missing_scope: Option<&'static str>,
    /// The seconds until a retry makes sense.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    fn new(code: ProblemCode, status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            title: code.to_string(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            known: None,
            missing_scope: None,
            retry_after: None,
        }
    }

    /// The same response for a missing, wrong, revoked or expired key.
    pub(crate) fn unauthorized() -> Self {
        Self::new(ProblemCode::Unauthorized, StatusCode::UNAUTHORIZED, text::UNAUTHORIZED)
    }

    /// The key is valid but lacks the scope.
    pub(crate) fn lacks_scope(scope: ApiScope) -> Self {
        let name = scope.as_str();
        let detail = text::missing_scope(name);
        Self {
            missing_scope: Some(name),
            ..Self::new(ProblemCode::MissingScope, StatusCode::FORBIDDEN, detail)
        }
    }

    /// Another report of the order has the same `updated_at`.
    pub(crate) fn conflict(known: KnownOrder) -> Self {
        let problem =
            Self::new(ProblemCode::OrderConflict, StatusCode::CONFLICT, text::ORDER_CONFLICT);
        Self { known: Some(Box::new(known)), ..problem }
    }

    /// Invalid fields of an order.
    pub(crate) fn invalid_order(errors: Vec<FieldError>) -> Self {
        Self::invalid(ProblemCode::InvalidOrder, text::INVALID_ORDER, errors)
    }

    /// Invalid fields of a conversion trigger.
    pub(crate) fn invalid_trigger(errors: Vec<FieldError>) -> Self {
        Self::invalid(ProblemCode::InvalidTrigger, text::INVALID_TRIGGER, errors)
    }

    /// Invalid parameters of a query.
    pub(crate) fn invalid_query(errors: Vec<FieldError>) -> Self {
        Self::invalid(ProblemCode::InvalidQuery, text::INVALID_QUERY, errors)
    }

    fn invalid(code: ProblemCode, detail: &str, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(code, StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        let status = error.status_code();
        let say = |code, detail| Self::new(code, status, detail);
        match error {
            AppError::NotFound => say(ProblemCode::NotFound, text::NOT_FOUND),
            AppError::MethodNotAllowed(_) => {
                say(ProblemCode::MethodNotAllowed, text::METHOD_NOT_ALLOWED)
            }
            AppError::UrlTooLong => say(ProblemCode::UrlTooLong, text::URL_TOO_LONG),
            AppError::HeadersTooLong => say(ProblemCode::HeadersTooLong, text::HEADERS_TOO_LONG),
            AppError::TooLarge => say(ProblemCode::TooLarge, text::TOO_LARGE),
            AppError::BadRequest(how) => say(ProblemCode::BadRequest, how),
            AppError::TooMany(seconds) => Self {
                retry_after: Some(*seconds),
                ..say(ProblemCode::TooManyRequests, text::TOO_MANY_REQUESTS)
            },
            AppError::Unavailable => {
                Self { retry_after: Some(2), ..say(ProblemCode::Unavailable, text::UNAVAILABLE) }
            }
            AppError::CutOff => Self {
                retry_after: Some(2),
                ..say(ProblemCode::OutcomeUnknown, text::OUTCOME_UNKNOWN)
            },
            error => {
                tracing::error!(%error, "request_failed");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(ProblemCode::InternalError, status, text::INTERNAL_ERROR)
            }
        }
    }
}

/// Middleware for `/api`: requests rejected before a handler (unknown path or method) get a
/// problem, like those from handlers, and not a page.
pub(crate) async fn problems<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let is_api = req.path() == "/api" || req.path().starts_with("/api/");
    let response = next.call(req).await?;
    let error = response.response().error().filter(|_| is_api);
    let Some(error) = error.and_then(|error| error.as_error::<AppError>()) else {
        return Ok(response.map_into_left_body());
    };
    let mut answer = HttpResponse::from(&Problem::from(error));
    if let AppError::MethodNotAllowed(methods) = error {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_str(methods)?);
    }
    Ok(response.into_response(answer).map_into_right_body())
}

impl From<&Problem> for HttpResponse {
    fn from(problem: &Problem) -> Self {
        let status = StatusCode::from_u16(problem.status);
        let mut answer = Self::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        answer.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = problem.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(scope) = &problem.missing_scope {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            answer.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        answer.body(serde_json::to_vec(problem).unwrap_or_default())
    }
}
