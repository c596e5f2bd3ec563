//! Shared code of all pages. It doesn't depend on any feature.

/// Static files, named by their content.
pub mod assets;
/// Page components that are compiled once.
pub mod components;
/// CSV exports.
pub(crate) mod csv;
/// Forms whose fields a platform declares.
pub(crate) mod described;
/// Times and dates for people.
pub(crate) mod display_time;
/// The page for a failed request.
pub(crate) mod error_page;
/// The result of the last action, for the next page.
pub mod flash;
/// Forms with their CSRF check.
pub mod form;
/// The errors of a form.
pub(crate) mod form_errors;
/// The CSRF token of forms.
pub(crate) mod form_token;
/// Security headers, and the origin check.
pub mod guard;
/// Compression of pages.
pub(crate) mod gzip;
/// Redirects for scripts.
pub(crate) mod htmx;
/// Forms that are sent twice.
pub mod idempotency;
/// Paths to continue with after a form or link.
pub(crate) mod local_path;
/// Short texts with markup.
pub(crate) mod marked;
/// The durations of requests.
pub(crate) mod measure;
/// The memory limit of request bodies.
pub(crate) mod memory;
/// Numbers as people read them.
pub(crate) mod numbers;
/// Forms that create money once.
pub(crate) mod one_time;
/// The parts of a form with a file.
mod parts;
/// The IP address of a request's client.
pub(crate) mod peer;
/// The platform in a path.
pub(crate) mod platform_path;
mod rejection;
/// The page for a form with forbidden characters.
pub(crate) mod retype;
/// The URL of an undo button.
pub(crate) mod reversal;
/// The names of fields with secrets.
mod secret_fields;
/// The log span of a request.
pub(crate) mod spans;
/// Uploaded CSV files.
pub(crate) mod spreadsheet;
/// The check of URLs for forbidden characters.
pub(crate) mod text;
/// Forms that were sent without a session.
pub(crate) mod unsent;
/// Forms with a file.
pub(crate) mod upload;
/// Conflicting edits of one record.
pub(crate) mod version;
/// Refusals, recorded as security events.
pub(crate) mod watch;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::kit::error::AppResult;

/// Renders `page` with `status`.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> AppResult<HttpResponse> {
    let rejects = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::TOO_MANY_REQUESTS];
    let html = page.render()?;
    let html = if rejects.contains(&status) { rejection::complete(&html) } else { html };
    Ok(HttpResponse::build(status).content_type(header::ContentType::html()).body(html))
}

/// Renders `page` with status 200.
pub(crate) fn ok(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::OK, page)
}

/// Renders a rejected form with status 422.
pub(crate) fn rejected(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Redirects with 303 to the page that shows the result of a change.
pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// The token in `Authorization: Bearer ...`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
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
