//! Headers on every answer, and a check of where a changing request comes from.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;

use crate::error::AppError;

/// Nothing inline, nothing from elsewhere, in no frame. `data:` pictures are the ticks and arrows
/// that Bootstrap's style sheet brings along.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Middleware: [`secure`] on every answer.
///
/// # Errors
/// None of its own.
pub async fn headers<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let mut response = next.call(req).await?;
    secure(response.headers_mut());
    Ok(response)
}

/// Sets the security headers, and `no-store` unless the answer says how long it may be kept.
pub fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Middleware: a browser says where a request comes from (`Sec-Fetch-Site`, else `Origin`); a
/// changing one from another site is refused before anything reads it. Webhooks and the API carry
/// a credential of their own and no cookie, so they pass.
///
/// # Errors
/// None of its own: a request of another site is answered with `StaleForm`.
pub async fn same_origin<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let own_credential = req.path().starts_with("/hooks/") || req.path().starts_with("/api/");
    if !req.method().is_safe() && !own_credential && !is_same_origin(&req) {
        return Ok(req.error_response(AppError::StaleForm).map_into_right_body());
    }
    Ok(next.call(req).await?.map_into_left_body())
}

fn is_same_origin(req: &ServiceRequest) -> bool {
    let text = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match text("origin") {
        // Without either header it is no browser, and the CSRF token decides.
        None => true,
        Some(origin) => {
            let host = text("host").unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
    }
}
