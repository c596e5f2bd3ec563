//! Records refusals from the response, so that no handler can forget it.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing_actix_web::RequestId;

use super::peer::peer;
use super::spans::route_label;
use crate::kit::error::AppError;
use crate::kit::request::{self, Request, Sender};
use crate::kit::security::{self, Kind};

/// Middleware: makes the request available as the current one, and records refusals.
pub(crate) async fn watch<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let route = route_label(&req).map(|route| route.to_string());
    let id = req.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let client = peer(req.request());
    let request = Arc::new(Request::new(client, req.method().to_string(), route, id));
    let known = Arc::clone(&request);
    request::during(request, async move {
        let answer = next.call(req).await?;
        let response = answer.response();
        let error = response.error().and_then(|error| error.as_error::<AppError>());
        let seen = Seen {
            route: known.route.as_deref().unwrap_or_default(),
            method: answer.request().method(),
            status: response.status(),
            error,
            sender: known.sender(),
            has_credential: answer.request().headers().contains_key(header::AUTHORIZATION),
        };
        if let Some(kind) = seen.kind() {
            security::note(kind);
        }
        Ok(answer)
    })
    .await
}

/// The facts that classify a response.
struct Seen<'a> {
    route: &'a str,
    method: &'a Method,
    status: StatusCode,
    error: Option<&'a AppError>,
    sender: Sender,
    has_credential: bool,
}

impl Seen<'_> {
    fn kind(&self) -> Option<Kind> {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => Some(Kind::LimitHit),
            StatusCode::FORBIDDEN if matches!(self.error, Some(AppError::StaleForm)) => {
                Some(Kind::CsrfRefused)
            }
            StatusCode::FORBIDDEN => Some(Kind::Forbidden),
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND if self.is_at("/hooks/") => {
                Some(Kind::BadSignature)
            }
            StatusCode::UNAUTHORIZED if self.is_at("/api/") => Some(Kind::BadApiKey),
            StatusCode::NOT_FOUND if self.route == "/metrics" && self.has_credential => {
                Some(Kind::BadMetricsToken)
            }
            StatusCode::NOT_FOUND | StatusCode::GONE if self.is_link() => Some(Kind::BadLink),
            StatusCode::NOT_FOUND if self.route.contains('{') && self.is_identified() => {
                Some(Kind::NotFound)
            }
            // Opening a link doesn't use it up, because email programs open links too.
            status
                if status.is_redirection()
                    && self.error.is_none()
                    && self.is_link()
                    && *self.method == Method::POST =>
            {
                Some(Kind::LinkUsed)
            }
            _ => None,
        }
    }

    fn is_at(&self, beginning: &str) -> bool {
        self.route.starts_with(beginning)
    }

    /// Whether the path contains the token of a link.
    fn is_link(&self) -> bool {
        self.route.contains("token}")
    }

    fn is_identified(&self) -> bool {
        self.sender.user_id.is_some() || self.sender.api_key_id.is_some()
    }
}
