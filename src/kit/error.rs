//! Errors of handlers and their status codes. `web::error_page` renders the page.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use chrono::{DateTime, Utc};
use vouch_core::calendar::Calendar;

pub(crate) type AppResult<T> = Result<T, AppError>;

/// A failure that the user can't fix in the current form.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It doesn't exist, or belongs to another merchant. Both look the same to the user.
    #[error("not found")]
    NotFound,
    /// It exists, but the user may not access it.
    #[error("forbidden")]
    Forbidden,
    /// Support staff view a program as one of its users, and the view doesn't include this page or
    /// action.
    #[error("not part of the view")]
    NotInView,
    /// No user is signed in. Contains the path to return to afterwards.
    #[error("not signed in")]
    SignInNeeded(String),
    /// The user is signed in but hasn't chosen a program yet. Contains the path to return to
    /// afterwards.
    #[error("no program chosen")]
    WorkspaceNeeded(String),
    /// Support staff viewed a program as a user who lost access, or for too long. Contains the page
    /// to continue with.
    #[error("view ended")]
    ViewOver(String),
    /// The user must set up two-factor sign-in first. Contains the path to return to afterwards.
    #[error("two-factor sign-in required")]
    TwoFactorNeeded(String),
    /// The request can't be parsed. The sentence says how to fix it.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Text in the form contains a forbidden character. Contains the form, so that the user can
    /// correct it.
    #[error("invalid character in a form")]
    Unreadable(Box<UnreadableForm>),
    /// The form's token is missing: an old page, or another site.
    #[error("form token missing or expired")]
    StaleForm,
    /// The input is stored in the session, and `/unsent-form` shows it.
    #[error("form without session")]
    Unsent,
    /// The same form was processed before. Contains the location of its response.
    #[error("form already processed")]
    Answered(String),
    /// The stored version differs from the one that the form showed.
    #[error("another version was saved")]
    Conflict(Box<StoredVersion>),
    /// The URL of a form was opened as a page. Contains the path of the page with the form.
    #[error("form opened as a page")]
    FormUrl(String),
    /// The URL exists, but not with this method. Contains the allowed methods, as in `Allow`.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// The URL is longer than any of Vouch's.
    #[error("URL too long")]
    UrlTooLong,
    /// The headers are longer than any supported browser sends.
    #[error("headers too long")]
    HeadersTooLong,
    /// The body is larger than the URL accepts.
    #[error("body too large")]
    TooLarge,
    /// The rate limit is reached. Contains the seconds to wait.
    #[error("too many requests")]
    TooMany(u64),
    /// The database is down or overloaded, and nothing was changed.
    #[error("database unavailable")]
    Unavailable,
    /// The database connection was lost during a commit, so the change may or may not be saved.
    #[error("connection lost during a commit")]
    CutOff,
    /// An error in Vouch.
    #[error("internal error: {0:#}")]
    Internal(anyhow::Error),
}

/// A form whose text contains forbidden characters.
#[derive(Debug)]
pub struct UnreadableForm {
    /// The path that it was sent to.
    pub action: String,
    pub fields: Vec<SentField>,
}

/// A field of such a form.
#[derive(Debug)]
pub struct SentField {
    /// The field's name in the form.
    pub name: String,
    /// As typed, without forbidden characters; empty for a secret.
    pub value: String,
    /// The first forbidden character.
    pub refused: Option<char>,
}

/// The stored version, where it differs from the input.
#[derive(Debug)]
pub struct StoredVersion {
    pub rows: Vec<VersionRow>,
    /// The hash that forms send.
    pub version: String,
    pub by: Option<SavedBy>,
}

/// A field with its stored and its typed value.
#[derive(Debug, PartialEq, Eq)]
pub struct VersionRow {
    pub label: &'static str,
    pub stored: String,
    pub typed: String,
}

/// The user who saved the stored version.
#[derive(Debug)]
pub struct SavedBy {
    pub name: String,
    pub at: DateTime<Utc>,
    /// The merchant's time zone and date format.
    pub calendar: Calendar,
}

impl From<askama::Error> for AppError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<actix_session::SessionInsertError> for AppError {
    fn from(error: actix_session::SessionInsertError) -> Self {
        Self::Internal(anyhow::anyhow!("session: {error}"))
    }
}

impl From<actix_session::SessionGetError> for AppError {
    fn from(error: actix_session::SessionGetError) -> Self {
        Self::Internal(anyhow::anyhow!("session: {error}"))
    }
}

impl From<std::convert::Infallible> for AppError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::NotInView | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::SignInNeeded(_)
            | Self::WorkspaceNeeded(_)
            | Self::ViewOver(_)
            | Self::TwoFactorNeeded(_)
            | Self::Unsent
            | Self::FormUrl(_)
            | Self::Answered(_) => StatusCode::SEE_OTHER,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UrlTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::CutOff => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Only the status; the page is added later.
    fn error_response(&self) -> HttpResponse {
        self.builder().finish()
    }
}

impl AppError {
    /// Whether the same work can succeed later, without a change to it or to Vouch.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable | Self::CutOff)
    }

    fn builder(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::SignInNeeded(next) => {
                response.insert_header((header::LOCATION, crate::kit::urls::login(next)));
            }
            Self::WorkspaceNeeded(next) => {
                response.insert_header((header::LOCATION, crate::kit::urls::programs(next)));
            }
            Self::ViewOver(next) | Self::FormUrl(next) => {
                response.insert_header((header::LOCATION, next.as_str()));
            }
            Self::TwoFactorNeeded(next) => {
                response.insert_header((header::LOCATION, crate::kit::urls::two_factor(next)));
            }
            Self::Unsent => {
                response.insert_header((header::LOCATION, crate::kit::urls::unsent_form()));
            }
            Self::Answered(location) => {
                response.insert_header((header::LOCATION, location.as_str()));
            }
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, allowed.as_str()));
            }
            Self::TooMany(seconds) => {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Self::Unavailable | Self::CutOff => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            _ => {}
        }
        response
    }
}
