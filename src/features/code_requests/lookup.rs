//! What a page says of a code while it is typed.

use actix_web::HttpResponse;
use askama::Template;

use super::reserve::Refused;
use crate::features::triggers::CouponCode;
use crate::kit::error::AppResult;
use crate::kit::web::ok;

/// What is known of a code: what `templates/code_requests/_code.html` shows.
pub enum Verdict {
    /// Nothing was looked up.
    Unknown,
    /// It was free a moment ago.
    Free(String),
    /// It cannot be had.
    Refused(Refused),
}

#[derive(Template)]
#[template(path = "code_requests/_code.html")]
struct CodePart {
    verdict: Verdict,
    words: Vec<String>,
    live: bool,
}

/// The part of a page below the field for a code; `None` where nothing was typed.
///
/// # Errors
/// When the template fails, which is a fault of ours.
pub fn answer(checked: Option<Result<CouponCode, Refused>>) -> AppResult<HttpResponse> {
    let (verdict, words) = match checked {
        None => (Verdict::Unknown, Vec::new()),
        Some(Ok(code)) => (Verdict::Free(code.value().to_owned()), Vec::new()),
        Some(Err(refused)) => {
            let words = vec![refused.why.words()];
            (Verdict::Refused(refused), words)
        }
    };
    ok(&CodePart { verdict, words, live: true })
}
