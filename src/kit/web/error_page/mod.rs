//! The page for a failed request. Causes are logged once, here, with the request's id, and never
//! shown.

mod text;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;
use tracing_actix_web::RequestId;

use self::text::ErrorText;
use super::guard::secure;
use super::rejection;
use super::retype::Retype;
use super::version::conflict_page;
use crate::kit::error::AppError;

/// Middleware: logs errors in Vouch, and renders each error's page.
///
/// It returns [`AppError::Unavailable`] if an inner middleware fails without the database, because
/// the session store reports that error in no other way.
pub(crate) async fn pages<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let request_id = req.extensions().get::<RequestId>().map(ToString::to_string);
    let response = next.call(req).await.map_err(|error| {
        tracing::error!(%error, "middleware_failed");
        actix_web::Error::from(AppError::Unavailable)
    })?;
    let error = response.response().error().and_then(|error| error.as_error::<AppError>());
    let Some(error) = error else {
        return Ok(response.map_into_left_body());
    };
    if let AppError::Internal(cause) = error {
        tracing::error!(error = %format!("{cause:#}"), "request_failed");
        // Without the error, because it would be logged twice.
        let rendered = render(error, request_id);
        return Ok(response.into_response(rendered).map_into_right_body());
    }
    let page = match error.status_code() {
        StatusCode::SEE_OTHER => None,
        _ => page_of(error, Some(response.request()), None).ok(),
    };
    // The headers stay, because the session may have set a cookie.
    Ok(response.map_body(|head, _| {
        if page.is_some() {
            head.headers.insert(header::CONTENT_TYPE, HTML);
        }
        secure(&mut head.headers);
        EitherBody::Right { body: BoxBody::new(page.unwrap_or_default()) }
    }))
}

/// The response for an error that bypassed [`pages`].
pub(crate) fn answer(error: &actix_web::Error) -> HttpResponse {
    match error.as_error::<AppError>() {
        Some(error) => render(error, None),
        None => error.error_response(),
    }
}

fn render(error: &AppError, request_id: Option<String>) -> HttpResponse {
    let mut response = error.error_response();
    if response.status() != StatusCode::SEE_OTHER
        && let Ok(page) = page_of(error, None, request_id)
    {
        response.headers_mut().insert(header::CONTENT_TYPE, HTML);
        response = response.set_body(page).map_into_boxed_body();
    }
    // Also set here, because an error can bypass the middleware that sets them.
    secure(response.headers_mut());
    response
}

const HTML: header::HeaderValue = header::HeaderValue::from_static("text/html; charset=utf-8");

fn page_of(
    error: &AppError,
    req: Option<&HttpRequest>,
    request_id: Option<String>,
) -> askama::Result<String> {
    match error {
        AppError::Unreadable(form) => {
            return Retype::of(form).render().map(|page| rejection::complete(&page));
        }
        AppError::Conflict(stored) => {
            if let Some(page) = req.and_then(|req| conflict_page(req, stored)) {
                return Ok(page);
            }
        }
        _ => {}
    }
    let text = ErrorText::of(error);
    ErrorPage { reason: reason(error), text, request_id: request_id.unwrap_or_default() }.render()
}

/// A code for programs that distinguishes refusals with the same status.
fn reason(error: &AppError) -> &'static str {
    match error {
        AppError::Forbidden | AppError::NotInView => "role",
        AppError::StaleForm => "form",
        AppError::CutOff => "cut-off",
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    reason: &'static str,
    text: ErrorText,
    /// Only for errors in Vouch, because all pages with 404 must be identical.
    request_id: String,
}
