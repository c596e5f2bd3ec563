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

/// The part of a page below the code field. `affiliate_id` is the signed-in affiliate; `None` for an
/// applicant.
pub(crate) fn answer(checked: CodeLookup, affiliate_id: Option<i64>) -> AppResult<HttpResponse> {
    let words = match (&checked, affiliate_id) {
        (Some(Err(refused)), Some(id)) => vec![text::refusal_for(refused, id)],
        (Some(Err(refused)), None) => vec![text::refusal(refused)],
        _ => Vec::new(),
    };
    ok(&CodePart { checked, words, live: true })
}
