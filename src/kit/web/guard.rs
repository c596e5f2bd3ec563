//! Security headers of every response, and a check of the origin of requests that change data.

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::kit::config::Config;
use crate::kit::error::AppError;

/// No inline code, no other origin, no frames. `data:` images are the check marks and arrows of
/// Bootstrap's style sheet.
// copy: a header
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Two years, for the host and its subdomains, as RFC 6797 and ASVS recommend.
const HTTPS_ONLY: &str = "max-age=63072000; includeSubDomains";
/// The maximum length of path and query, in bytes.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// The maximum size of all headers of a request, in bytes. actix-web accepts at most 96 headers.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Middleware: [`secure`] for every response, [`https_only`] if Vouch is reached over HTTPS, and a
/// content type for every response with content.
pub async fn headers<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let is_https = req.app_data::<Data<Config>>().is_some_and(|config| config.is_https());
    let mut response = next.call(req).await?;
    let has_content =
        !matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    let headers = response.headers_mut();
    secure(headers);
    if is_https {
        https_only(headers);
    }
    if has_content {
        name_content(headers);
    }
    Ok(response)
}

/// Tells browsers to use only HTTPS for this host from now on.
pub(crate) fn https_only(headers: &mut HeaderMap) {
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
}

/// Browsers guess a missing content type, and the charset of text.
fn name_content(headers: &mut HeaderMap) {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let named = match given {
        None => "text/plain; charset=utf-8".to_owned(),
        Some(kind) if is_text(kind) && !kind.contains("charset=") => {
            format!("{kind}; charset=utf-8")
        }
        Some(_) => return,
    };
    if let Ok(named) = HeaderValue::from_str(&named) {
        headers.insert(header::CONTENT_TYPE, named);
    }
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || kind.ends_with("/xml") || kind.ends_with("+xml")
}

/// Middleware: rejects a request whose head is too long, before its session, route or body is
/// processed.
pub(crate) async fn bounded_head<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let target = req.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers: usize =
        req.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let refusal = if target > MAX_TARGET_BYTES {
        AppError::UrlTooLong
    } else if headers > MAX_HEADER_BYTES {
        AppError::HeadersTooLong
    } else {
        return Ok(next.call(req).await?.map_into_left_body());
    };
    Ok(req.error_response(refusal).map_into_right_body())
}

/// Sets the security headers, and `no-store` unless the response has its own caching rule.
pub(crate) fn secure(headers: &mut HeaderMap) {
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

/// Middleware: rejects a changing request from another site before anything else reads it. Browsers
/// send the origin in `Sec-Fetch-Site`, or else in `Origin`. Webhooks and the API pass, because
/// they have their own credentials and no cookie.
///
/// A request from another site gets the page of `StaleForm`.
pub(crate) async fn same_origin<B: MessageBody>(
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
        // Without both headers it isn't a browser, and the CSRF token decides.
        None => true,
        Some(origin) => {
            let host = text("host").unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
    }
}
