//! Feedback about a code while it's typed.

use actix_web::HttpResponse;
use askama::Template;

use super::text;
use crate::features::availability::UnavailableValue;
use crate::features::triggers::TriggerValue;
use crate::kit::error::AppResult;
use crate::kit::web::ok;

/// The result for a typed code, as `templates/code_requests/_code.html` shows it; `None` if nothing
/// was checked.
pub(crate) type CodeLookup = Option<Result<TriggerValue, UnavailableValue>>;

#[derive(Template)]
#[template(path = "code_requests/_code.html")]
struct CodePart {
    checked: CodeLookup,
    words: Vec<String>,
    live: bool,
}

/// The part of a page below the code field.
pub(crate) fn answer(checked: CodeLookup) -> AppResult<HttpResponse> {
    let words = match &checked {
        Some(Err(refused)) => vec![text::refusal(refused)],
        _ => Vec::new(),
    };
    ok(&CodePart { checked, words, live: true })
}
