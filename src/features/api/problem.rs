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

use super::keys::ApiScope;
use super::known::KnownOrder;
use crate::kit::error::AppError;

/// What went wrong (RFC 9457, `application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What went wrong, in a few words.
    #[schema(example = "The order cannot be understood")]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do about it.
    pub detail: String,
    /// The fields that are wrong, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// On 409: what Vouch has of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = KnownOrder)]
    pub known: Option<Box<KnownOrder>>,
    /// On 403: the scope that the key lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "triggers")]
    pub missing_scope: Option<&'static str>,
    /// Seconds after which another try makes sense.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, title: &str, detail: &str) -> Self {
        Self {
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            errors: Vec::new(),
            known: None,
            missing_scope: None,
            retry_after: None,
        }
    }

    /// The same response for a missing, wrong, revoked or expired key.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "An API key is needed",
            "Send a key of Settings > API that is neither revoked nor expired: “Authorization: Bearer vk_…”.",
        )
    }

    /// The key is valid but lacks the scope.
    pub(crate) fn lacks_scope(scope: ApiScope) -> Self {
        let name = scope.as_str();
        let detail = format!(
            "This API key lacks the scope “{name}”. Create a key that has it under Settings > API."
        );
        Self {
            missing_scope: Some(name),
            ..Self::new(StatusCode::FORBIDDEN, "This API key may not do that", &detail)
        }
    }

    /// Invalid fields of an order.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = "Nothing was taken in. Mend what “errors” lists and send it again.";
        Self {
            detail: detail.to_owned(),
            ..Self::unprocessable("The order cannot be understood", errors)
        }
    }

    /// Another report of the order has the same `updated_at`.
    pub(crate) fn conflict(known: KnownOrder) -> Self {
        let detail = "Nothing was changed. “known” is what Vouch has of this order. To correct it, \
                      send the order again with a later updated_at.";
        let title = "Another report of this order has the same updated_at";
        Self { known: Some(Box::new(known)), ..Self::new(StatusCode::CONFLICT, title, detail) }
    }

    /// Invalid fields of anything else.
    pub(crate) fn unprocessable(title: &str, errors: Vec<FieldError>) -> Self {
        let detail = "Nothing was changed. Mend what “errors” lists and send it again.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail) }
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
        let say = |title, detail| Self::new(status, title, detail);
        match error {
            AppError::NotFound => {
                say("There is no such resource", "The path or the id may be mistyped.")
            }
            AppError::MethodNotAllowed(_) => {
                say("This path does not take that method", "“Allow” lists the methods it takes.")
            }
            AppError::UrlTooLong => {
                say("The URL is too long", "Send a URL of 8 KiB or less, and the rest in the body.")
            }
            AppError::HeadersTooLong => {
                say("The headers are too long", "Send 32 KiB of headers or less.")
            }
            AppError::TooLarge => say(
                "The request is too large",
                "Send one order, or one conversion trigger, at a time.",
            ),
            AppError::BadRequest(how) => say("The request could not be read", how),
            AppError::TooMany(seconds) => Self {
                retry_after: Some(*seconds),
                ..say("Too many requests", "Wait as long as Retry-After says, and send it again.")
            },
            AppError::Unavailable => Self {
                retry_after: Some(2),
                ..say("Vouch is busy", "Nothing was taken in. Send it again in a few seconds.")
            },
            AppError::CutOff => Self {
                retry_after: Some(2),
                ..say(
                    "Vouch is busy",
                    "It may have been taken in. The same request again is carried out once.",
                )
            },
            error => {
                tracing::error!(%error, "request_failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong on our side",
                    "Send it again. The same request twice is done once.",
                )
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
