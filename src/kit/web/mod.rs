//! Shared code of all pages. It doesn't depend on any feature.

/// Static files, named by their content.
pub mod assets;
/// Page components that are compiled once.
pub mod components;
/// CSV exports.
pub mod csv;
/// Forms whose fields a platform declares.
pub(crate) mod described;
/// Times and dates for people.
pub mod display_time;
/// The page for a failed request.
pub mod error_page;
/// The result of the last action, for the next page.
pub mod flash;
/// Forms with their CSRF check.
pub mod form;
/// The errors of a form.
pub mod form_errors;
/// The CSRF token of forms.
pub mod form_token;
/// Security headers, and the origin check.
pub mod guard;
/// Compression of pages.
pub mod gzip;
/// Redirects for scripts.
pub mod htmx;
/// Forms that are sent twice.
pub mod idempotency;
/// Paths to continue with after a form or link.
pub mod local_path;
/// Short texts with markup.
pub(crate) mod marked;
/// The durations of requests.
pub mod measure;
/// The memory limit of request bodies.
pub mod memory;
/// Numbers as people read them.
pub mod numbers;
/// Forms that create money once.
pub mod one_time;
/// The parts of a form with a file.
mod parts;
/// The IP address of a request's client.
pub mod peer;
/// The platform in a path.
pub mod platform_path;
/// The page for a form with forbidden characters.
pub mod retype;
/// The log span of a request.
pub mod spans;
/// Uploaded CSV files.
pub mod spreadsheet;
/// The check of URLs for forbidden characters.
pub mod text;
/// Forms that were sent without a session.
pub mod unsent;
/// Forms with a file.
pub mod upload;
/// Conflicting edits of one record.
pub mod version;
/// Refusals, recorded as security events.
pub mod watch;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::kit::error::AppResult;

/// Renders `page` with `status`.
pub fn html(status: StatusCode, page: &impl Template) -> AppResult<HttpResponse> {
    Ok(HttpResponse::build(status).content_type(header::ContentType::html()).body(page.render()?))
}

/// Renders `page` with status 200.
pub fn ok(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::OK, page)
}

/// Renders a rejected form with status 422.
pub fn rejected(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Redirects with 303 to the page that shows the result of a change.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// The token in `Authorization: Bearer ...`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The encoding of a form's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormKind {
    Fields,
    /// With a file.
    Upload,
}

impl FormKind {
    /// Detects the encoding by the headers; `None` if the body isn't a form.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Fields),
            "multipart/form-data" => Some(Self::Upload),
            _ => None,
        }
    }
}
