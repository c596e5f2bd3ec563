//! The page for a failed request. Causes are logged once, here, with the request's id, and never
//! shown.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;
use tracing_actix_web::RequestId;

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
    let ErrorText(title, happened, kept, next) = words(error);
    let (reason, request_id) = (reason(error), request_id.unwrap_or_default());
    ErrorPage { reason, title, happened, kept, next, request_id }.render()
}

/// A code for programs that distinguishes refusals with the same status.
fn reason(error: &AppError) -> &'static str {
    match error {
        AppError::Forbidden => "role",
        AppError::StaleForm => "form",
        AppError::CutOff => "cut-off",
        _ => "",
    }
}

/// The title, what happened, what was saved, and what to do next.
fn words(error: &AppError) -> ErrorText {
    const UNCHANGED: &str = "Nothing was changed.";
    match error {
        AppError::NotFound => ErrorText(
            "This page does not exist",
            "The address may be mistyped, or what stood here is gone.",
            "",
            "Go back, or begin at the start page.".into(),
        ),
        AppError::Forbidden => ErrorText(
            "You can’t do this",
            "You’re signed in, and this needs rights that you don’t have.",
            UNCHANGED,
            "Ask the person who gave you access if you should have them.".into(),
        ),
        AppError::StaleForm => ErrorText(
            "This form is out of date",
            "It was opened before you last signed in or out, or it did not come from this site.",
            UNCHANGED,
            "Go back, reload the page and send the form again.".into(),
        ),
        AppError::SignInNeeded(_)
        | AppError::WorkspaceNeeded(_)
        | AppError::ViewOver(_)
        | AppError::TwoFactorNeeded(_)
        | AppError::Unsent
        | AppError::Answered(_) => ErrorText("Please sign in", "", "", String::new()),
        // This error has its own page, rendered where the form is known.
        AppError::Conflict(_) => ErrorText(
            "This was changed meanwhile",
            "Another version was saved after you opened the form.",
            UNCHANGED,
            "Go back, reload the page and send the form again.".into(),
        ),
        AppError::BadRequest(how) => ErrorText(
            "This request could not be understood",
            "Something in the address or the form has an impossible value.",
            UNCHANGED,
            how.clone(),
        ),
        // This error has its own page.
        AppError::Unreadable(_) => ErrorText("Check what you typed", "", UNCHANGED, String::new()),
        AppError::MethodNotAllowed(_) => ErrorText(
            "This address does not take that request",
            "It exists, for another kind of request.",
            UNCHANGED,
            "Use the links and forms on the page before.".into(),
        ),
        AppError::UrlTooLong => ErrorText(
            "The URL is too long",
            "No page has a URL of more than 8 KiB.",
            UNCHANGED,
            "Shorten the search or the filters in it.".into(),
        ),
        AppError::HeadersTooLong => ErrorText(
            "The headers are too long",
            "Your browser sent more than 32 KiB of headers, most likely cookies.",
            UNCHANGED,
            "Clear the cookies of this site and try again.".into(),
        ),
        AppError::TooLarge => ErrorText(
            "Too much was sent at once",
            "The request is larger than this address takes.",
            "Nothing of it was kept.",
            "Send less, or split it into several parts.".into(),
        ),
        AppError::TooMany(seconds) => ErrorText(
            "Too many requests",
            "To protect accounts and stores, requests are limited for a while.",
            UNCHANGED,
            format!("Please wait {seconds} seconds and try again."),
        ),
        AppError::Unavailable => ErrorText(
            "Vouch is busy right now",
            "It did not answer in time.",
            UNCHANGED,
            "Please try again in a few seconds.".into(),
        ),
        AppError::CutOff => ErrorText(
            "Vouch is busy right now",
            "It did not answer in time.",
            "Your change may have been saved.",
            "Look at the page before you send the form again.".into(),
        ),
        AppError::Internal(_) => ErrorText(
            "Something went wrong on our side",
            "The fault has been recorded.",
            "The change was not made.",
            "Please try again. If it happens once more, give the request number to whoever \
             runs this installation."
                .into(),
        ),
    }
}

/// The title, what happened, what was saved, and what to do next.
struct ErrorText(&'static str, &'static str, &'static str, String);

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    reason: &'static str,
    title: &'static str,
    happened: &'static str,
    kept: &'static str,
    next: String,
    /// Only for errors in Vouch, because all pages with 404 must be identical.
    request_id: String,
}
