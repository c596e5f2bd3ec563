//! The text of the error page.

use crate::kit::error::AppError;
use crate::kit::web::numbers::counted;

/// What the page says.
pub(super) struct ErrorText {
    pub(super) title: &'static str,
    /// What happened.
    pub(super) happened: &'static str,
    /// What was saved, or empty if there was nothing to save.
    pub(super) saved: &'static str,
    /// What to do next.
    pub(super) next: String,
}

const UNCHANGED: &str = "Nothing was changed.";

fn say(
    title: &'static str,
    happened: &'static str,
    saved: &'static str,
    next: impl Into<String>,
) -> ErrorText {
    ErrorText { title, happened, saved, next: next.into() }
}

impl ErrorText {
    pub(super) fn of(error: &AppError) -> Self {
        match error {
            AppError::NotFound => say(
                "Page not found",
                "This page doesn’t exist, or was moved or deleted.",
                "",
                "Check the URL, or go to the home page.",
            ),
            AppError::Forbidden => say(
                "You don’t have access",
                "Your account can’t open this page or make this change.",
                UNCHANGED,
                "Go to the home page, or ask a program owner for access.",
            ),
            AppError::NotInView => say(
                "You can’t do this while viewing",
                "You’re viewing a program as another user, so you can’t change anything, and some \
                 pages are hidden.",
                UNCHANGED,
                "Go back, or choose Stop viewing.",
            ),
            AppError::StaleForm => say(
                "This form has expired",
                "You signed in or out after you opened it, or it came from another site.",
                UNCHANGED,
                "Go back, reload the page and submit the form again.",
            ),
            // These redirect, so no one sees a page.
            AppError::SignInNeeded(_)
            | AppError::WorkspaceNeeded(_)
            | AppError::ViewOver(_)
            | AppError::TwoFactorNeeded(_)
            | AppError::Unsent
            | AppError::FormUrl(_)
            | AppError::Answered(_) => say("Sign in", "", "", ""),
            // This error has its own page, if the form is known.
            AppError::Conflict(_) => say(
                "Another version was saved",
                "It was saved after you opened the form.",
                UNCHANGED,
                "Go back, reload the page and submit the form again.",
            ),
            AppError::BadRequest(how) => say(
                "Invalid request",
                "This link or form contains a value that Vouch doesn’t recognize.",
                UNCHANGED,
                how.as_str(),
            ),
            // This error has its own page.
            AppError::Unreadable(_) => say("Check what you typed", "", UNCHANGED, ""),
            AppError::MethodNotAllowed(_) => say(
                "This action isn’t available here",
                "The page doesn’t accept this kind of request.",
                UNCHANGED,
                "Go back and use the links and buttons on the page.",
            ),
            AppError::UrlTooLong
            | AppError::HeadersTooLong
            | AppError::TooLarge
            | AppError::TooMany(_) => too_much(error),
            AppError::Unavailable | AppError::CutOff | AppError::Internal(_) => failed(error),
        }
    }
}

/// Requests that are too large or too frequent.
fn too_much(error: &AppError) -> ErrorText {
    match error {
        AppError::UrlTooLong => say(
            "The URL is too long",
            "A URL can have up to 8 KiB.",
            UNCHANGED,
            "Shorten the search or remove some filters.",
        ),
        AppError::HeadersTooLong => say(
            "The request headers are too long",
            "Your browser sent more than 32 KiB of headers, most likely cookies.",
            UNCHANGED,
            "Delete this site’s cookies and try again.",
        ),
        AppError::TooMany(seconds) => say(
            "Too many requests",
            "Requests are limited to protect accounts and stores.",
            UNCHANGED,
            try_again_in(*seconds),
        ),
        _ => say(
            "The request is too large",
            "You sent more data than this page accepts.",
            "Nothing was saved.",
            "Send less data, or split it into several parts.",
        ),
    }
}

/// Failures of the database or of Vouch.
fn failed(error: &AppError) -> ErrorText {
    match error {
        AppError::Unavailable => say(
            "Vouch is busy",
            "The request took too long.",
            UNCHANGED,
            "Try again in a few seconds.",
        ),
        AppError::CutOff => say(
            "Vouch is busy",
            "The request took too long.",
            "Your change may have been saved.",
            "Check the page before you submit the form again.",
        ),
        _ => say(
            "Something went wrong",
            "We logged the error.",
            "Your change wasn’t saved.",
            "Try again. If it happens again, send the request ID to your Vouch administrator.",
        ),
    }
}

fn try_again_in(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("Try again in {}.", counted(seconds, "second", "seconds"))
}
