//! What pages share. Knows no feature.

/// Static files, named by their content.
pub mod assets;
/// Components of pages that are compiled once.
pub mod components;
/// Files of lists, for spreadsheets.
pub mod csv;
/// Forms that a platform describes.
pub(crate) mod described;
/// Times and days as people read them.
pub mod display_time;
/// The page for a request that failed.
pub mod error_page;
/// What the last action did, for the next page.
pub mod flash;
/// Forms: the CSRF check, and what was wrong with the input.
pub mod form;
/// What was wrong with a form.
pub mod form_errors;
/// What forms send as proof that they are ours.
pub mod form_token;
/// Security headers, and who may send a changing request.
pub mod guard;
/// Compression of pages.
pub mod gzip;
/// Redirects for scripts.
pub mod htmx;
/// Forms that are sent twice.
pub mod idempotency;
/// Where a form or a link says to go on.
pub mod local_path;
/// Short texts with marks.
pub(crate) mod marked;
/// How long requests take.
pub mod measure;
/// What requests may hold in memory at once.
pub mod memory;
/// Forms that create money once.
pub mod one_time;
/// Keyset paging.
pub mod paginate;
/// The parts of a form with a file, as they arrive.
mod parts;
/// The network address a request comes from.
pub mod peer;
/// The platform that a path names.
pub mod platform_path;
/// A form that can't be read, as typed.
pub mod retype;
/// What the log says of a request.
pub mod spans;
/// CSV files that come in.
pub mod spreadsheet;
/// What text from outside may hold.
pub mod text;
/// Forms that came in without a session.
pub mod unsent;
/// Forms with a file.
pub mod upload;
/// Two tabs on one record.
pub mod version;
/// Refusals, noted as security events.
pub mod watch;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::kit::error::AppResult;

/// Renders `page` under `status`.
pub fn html(status: StatusCode, page: &impl Template) -> AppResult<HttpResponse> {
    Ok(HttpResponse::build(status).content_type(header::ContentType::html()).body(page.render()?))
}

/// Renders `page` under 200.
pub fn ok(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::OK, page)
}

/// Renders a rejected form under 422.
pub fn rejected(page: &impl Template) -> AppResult<HttpResponse> {
    html(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// After a change: 303 to where its result is seen.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// What a program shows to be let in: `Authorization: Bearer ...`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// How the body of a form is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormKind {
    Fields,
    /// With a file.
    Upload,
}

impl FormKind {
    /// By the headers of a request; `None` for what is no form.
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
