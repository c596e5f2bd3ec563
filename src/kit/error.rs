//! What can go wrong at the edge. The page that says so is `web::error_page`'s.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use chrono::{DateTime, Utc};

/// The result of a handler.
pub type AppResult<T> = Result<T, AppError>;

/// A failure that is not for the person to mend on the form at hand.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Does not exist, or belongs to another merchant: the two look alike.
    #[error("not found")]
    NotFound,
    /// Exists, and this person may not.
    #[error("forbidden")]
    Forbidden,
    /// Nobody is signed in; the address to come back to afterwards.
    #[error("sign-in needed")]
    SignInNeeded(String),
    /// Somebody is signed in who has not said yet to which of their places they want; the address to
    /// come back to afterwards.
    #[error("a place must be chosen")]
    PlaceNeeded(String),
    /// Support staff viewed a program as a person who no longer gets to it, or for too long: the page to
    /// go on with.
    #[error("the view is over")]
    ViewOver(String),
    /// The person has to set up two-factor sign-in before this; the address to come back to
    /// afterwards.
    #[error("two-factor sign-in must be set up")]
    TwoFactorNeeded(String),
    /// The request cannot be understood; the sentence says how to mend it.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Text in the form holds a character that can't be used: the form to correct it on.
    #[error("unreadable text in a form")]
    Unreadable(Box<UnreadableForm>),
    /// The form was sent without its token: an old page, or another site.
    #[error("the form's token is missing or old")]
    StaleForm,
    /// What was typed is kept in the session, and shown at `/unsent-form`.
    #[error("the form was sent without its session")]
    Unsent,
    /// The same form was carried out before; where its answer led.
    #[error("the form was sent before")]
    Answered(String),
    /// Something else is stored than the form showed.
    #[error("changed meanwhile")]
    Conflict(Box<StoredVersion>),
    /// The URL is right, the method is not; the methods that are, as `Allow` has them.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// The URL is longer than any of ours.
    #[error("the URL is too long")]
    UrlTooLong,
    /// The headers are longer than any browser of ours sends.
    #[error("the headers are too long")]
    HeadersTooLong,
    /// More came in than the address takes.
    #[error("too large")]
    TooLarge,
    /// A limit is reached; seconds to wait.
    #[error("too many requests")]
    TooMany(u64),
    /// The database is down or overloaded: nothing was done.
    #[error("unavailable")]
    Unavailable,
    /// The database was lost during a commit: what was to be saved may be saved.
    #[error("cut off during a commit")]
    CutOff,
    /// A fault of ours.
    #[error("internal: {0:#}")]
    Internal(anyhow::Error),
}

/// A form with text that can't be read.
#[derive(Debug)]
pub struct UnreadableForm {
    /// Where it was sent.
    pub action: String,
    /// Every field of it.
    pub fields: Vec<SentField>,
}

/// A field of such a form.
#[derive(Debug)]
pub struct SentField {
    /// As in the form.
    pub name: String,
    /// As typed, without what can't be read; empty for a secret.
    pub value: String,
    /// The first character that can't be read.
    pub refused: Option<char>,
}

/// What is stored now, where it differs from what was typed.
#[derive(Debug)]
pub struct StoredVersion {
    pub rows: Vec<VersionRow>,
    /// As forms send it.
    pub version: String,
    pub by: Option<SavedBy>,
}

/// A field with what stands in it.
#[derive(Debug, PartialEq, Eq)]
pub struct VersionRow {
    pub label: &'static str,
    pub stored: String,
    pub typed: String,
}

/// Who saved what is stored.
#[derive(Debug)]
pub struct SavedBy {
    pub name: String,
    pub at: DateTime<Utc>,
    /// The merchant's time zone.
    pub zone: String,
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
            Self::Forbidden | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::SignInNeeded(_)
            | Self::PlaceNeeded(_)
            | Self::ViewOver(_)
            | Self::TwoFactorNeeded(_)
            | Self::Unsent
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

    /// Without its page.
    fn error_response(&self) -> HttpResponse {
        self.builder().finish()
    }
}

impl AppError {
    /// Whether the same work can succeed later, without a change to it or to Vouch.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable | Self::CutOff)
    }

    fn builder(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::SignInNeeded(next) => {
                response.insert_header((header::LOCATION, crate::kit::urls::login(next)));
            }
            Self::PlaceNeeded(next) => {
                response.insert_header((header::LOCATION, crate::kit::urls::programs(next)));
            }
            Self::ViewOver(next) => {
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
