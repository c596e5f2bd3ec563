//! What can go wrong at the edge, and the page that says so.
//!
//! Causes are logged once, here, with the request's id; a page never shows them.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder, ResponseError};
use askama::Template;
use tracing_actix_web::RequestId;

use crate::db::Fault;
use crate::web::retype::Retype;
use crate::web::version::{Changed, conflict_page};

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
    Unreadable(Box<Retype>),
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
    Conflict(Box<Changed>),
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
    /// A fault of ours.
    #[error("internal: {0:#}")]
    Internal(anyhow::Error),
}

impl From<diesel::result::Error> for AppError {
    fn from(error: diesel::result::Error) -> Self {
        if matches!(error, diesel::result::Error::NotFound) {
            return Self::NotFound;
        }
        match Fault::of(&error) {
            Fault::Passing => {
                tracing::warn!(%error, "the database could not do it now");
                Self::Unavailable
            }
            Fault::Value => {
                // The readers of requests refuse such values: one that comes this far is a gap there.
                tracing::warn!(%error, "a value reached the database that it can't store");
                Self::BadRequest("Go back, check what you typed and try again.".into())
            }
            Fault::Own => Self::Internal(error.into()),
        }
    }
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
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        render(self, None)
    }
}

impl AppError {
    /// Whether the same work can succeed later, without a change to it or to Vouch.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable)
    }

    fn builder(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::SignInNeeded(next) => {
                response.insert_header((header::LOCATION, crate::urls::login(next)));
            }
            Self::PlaceNeeded(next) => {
                response.insert_header((header::LOCATION, crate::urls::places(next)));
            }
            Self::ViewOver(next) => {
                response.insert_header((header::LOCATION, next.as_str()));
            }
            Self::TwoFactorNeeded(next) => {
                response.insert_header((header::LOCATION, crate::urls::two_factor(next)));
            }
            Self::Unsent => {
                response.insert_header((header::LOCATION, crate::urls::unsent_form()));
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
            Self::Unavailable => {
                response.insert_header((header::RETRY_AFTER, "2"));
            }
            _ => {}
        }
        response
    }

    /// Tells apart refusals with the same status, for who reads the page by a program.
    fn reason(&self) -> &'static str {
        match self {
            Self::Forbidden => "role",
            Self::StaleForm => "form",
            _ => "",
        }
    }

    /// Title; what happened; what was kept; what to do next.
    fn words(&self) -> Words {
        const UNCHANGED: &str = "Nothing was changed.";
        match self {
            Self::NotFound => Words(
                "This page does not exist",
                "The address may be mistyped, or what stood here is gone.",
                "",
                "Go back, or begin at the start page.".into(),
            ),
            Self::Forbidden => Words(
                "You can’t do this",
                "You’re signed in, and this needs rights that you don’t have.",
                UNCHANGED,
                "Ask the person who gave you access if you should have them.".into(),
            ),
            Self::StaleForm => Words(
                "This form is out of date",
                "It was opened before you last signed in or out, or it did not come from this site.",
                UNCHANGED,
                "Go back, reload the page and send the form again.".into(),
            ),
            Self::SignInNeeded(_)
            | Self::PlaceNeeded(_)
            | Self::ViewOver(_)
            | Self::TwoFactorNeeded(_)
            | Self::Unsent
            | Self::Answered(_) => Words("Please sign in", "", "", String::new()),
            // It has a page of its own, where the form is known.
            Self::Conflict(_) => Words(
                "This was changed meanwhile",
                "Another version was saved after you opened the form.",
                UNCHANGED,
                "Go back, reload the page and send the form again.".into(),
            ),
            Self::BadRequest(how) => Words(
                "This request could not be understood",
                "Something in the address or the form has an impossible value.",
                UNCHANGED,
                how.clone(),
            ),
            // It has a page of its own.
            Self::Unreadable(_) => Words("Check what you typed", "", UNCHANGED, String::new()),
            Self::MethodNotAllowed(_) => Words(
                "This address does not take that request",
                "It exists, for another kind of request.",
                UNCHANGED,
                "Use the links and forms on the page before.".into(),
            ),
            Self::UrlTooLong => Words(
                "The URL is too long",
                "No page has a URL of more than 8 KiB.",
                UNCHANGED,
                "Shorten the search or the filters in it.".into(),
            ),
            Self::HeadersTooLong => Words(
                "The headers are too long",
                "Your browser sent more than 32 KiB of headers, most likely cookies.",
                UNCHANGED,
                "Clear the cookies of this site and try again.".into(),
            ),
            Self::TooLarge => Words(
                "Too much was sent at once",
                "The request is larger than this address takes.",
                "Nothing of it was kept.",
                "Send less, or split it into several parts.".into(),
            ),
            Self::TooMany(seconds) => Words(
                "Too many requests",
                "To protect accounts and stores, requests are limited for a while.",
                UNCHANGED,
                format!("Please wait {seconds} seconds and try again."),
            ),
            Self::Unavailable => Words(
                "Vouch is busy right now",
                "It did not answer in time.",
                UNCHANGED,
                "Please try again in a few seconds.".into(),
            ),
            Self::Internal(_) => Words(
                "Something went wrong on our side",
                "The fault has been recorded.",
                "The change was not made.",
                "Please try again. If it happens once more, give the request number to whoever \
                 runs this installation."
                    .into(),
            ),
        }
    }
}

/// Title; what happened; what was kept; what to do next.
struct Words(&'static str, &'static str, &'static str, String);

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    reason: &'static str,
    title: &'static str,
    happened: &'static str,
    kept: &'static str,
    next: String,
    /// Only for faults of ours: a page that does not exist must not differ from another.
    request_id: String,
}

/// Middleware: logs the faults among the errors and gives their page the request's id.
///
/// # Errors
/// [`AppError::Unavailable`] in place of what a middleware inside could not do without the
/// database (the session store answers no other way).
pub async fn pages<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let request_id = req.extensions().get::<RequestId>().map(ToString::to_string);
    let response = next.call(req).await.map_err(|error| {
        tracing::error!(cause = %error, "request failed before its handler");
        actix_web::Error::from(AppError::Unavailable)
    })?;
    let error = response.response().error().and_then(|e| e.as_error::<AppError>());
    if let Some(AppError::Conflict(changed)) = error
        && let Some(page) = conflict_page(response.request(), changed)
    {
        let mut rendered =
            HttpResponse::Conflict().content_type(header::ContentType::html()).body(page);
        crate::web::guard::secure(rendered.headers_mut());
        return Ok(response.into_response(rendered).map_into_right_body());
    }
    let Some(fault @ AppError::Internal(cause)) = error else {
        return Ok(response.map_into_left_body());
    };
    tracing::error!(cause = %format!("{cause:#}"), "request failed");
    let rendered = render(fault, request_id);
    Ok(response.into_response(rendered).map_into_right_body())
}

fn render(error: &AppError, request_id: Option<String>) -> HttpResponse {
    let mut builder = error.builder();
    let mut response = if error.status_code() == StatusCode::SEE_OTHER {
        builder.finish()
    } else {
        let Words(title, happened, kept, next) = error.words();
        let request_id = request_id.unwrap_or_default();
        let page = match error {
            AppError::Unreadable(form) => form.render(),
            _ => {
                let reason = error.reason();
                ErrorPage { reason, title, happened, kept, next, request_id }.render()
            }
        };
        match page {
            Ok(html) => builder.content_type(header::ContentType::html()).body(html),
            Err(_) => builder.body(title),
        }
    };
    // Here too, since an error can leave a middleware past the one that sets them.
    crate::web::guard::secure(response.headers_mut());
    response
}
