//! What members and affiliates read about requested codes.

use super::decide::{DecidedCodes, ReversedCodes};
use crate::features::availability::{Unavailable, UnavailableValue};
use crate::kit::web::numbers::{counted, thousands};

pub(super) const CHOOSE_DECISION: &str = "Choose Approve codes or Deny codes.";
pub(super) const SELECT_CODES: &str = "Select at least one code.";
const ALREADY_REVIEWED: &str = "These requests were already reviewed or withdrawn.";

pub(super) fn too_many(max: usize) -> String {
    format!("Select {max} codes or fewer.")
}

pub(crate) fn reason_too_long(characters: usize) -> String {
    format!("Enter 1,000 characters or fewer. You entered {}.", thousands(characters))
}

/// Why a code isn't available, as far as an applicant may know. It doesn't include who has or
/// requested it, or which exclusion matches.
pub(crate) fn refusal(refused: &UnavailableValue) -> String {
    match &refused.why {
        Unavailable::Malformed(error) => error.to_string(),
        Unavailable::Held(_) | Unavailable::Requested(_) | Unavailable::Excluded(_) => {
            format!("{} isn’t available. Choose a different code.", refused.wanted)
        }
    }
}

/// [`refusal`] for an affiliate, who may know which codes are their own.
pub(crate) fn refusal_for(refused: &UnavailableValue, affiliate_id: i64) -> String {
    let code = &refused.wanted;
    match &refused.why {
        Unavailable::Held(held) if held.affiliate_id == affiliate_id => match held.is_retired() {
            true => format!("{code} is your code, but it’s retired. Choose a different code."),
            false => format!("{code} is already your code. Choose a different code."),
        },
        Unavailable::Requested(request) if request.affiliate_id == affiliate_id => {
            format!("You already requested {code}. Choose a different code.")
        }
        _ => refusal(refused),
    }
}

/// The message about reversed decisions.
pub(super) fn reversed(outcome: &ReversedCodes) -> String {
    let mut sentences = Vec::new();
    match outcome.waiting.as_slice() {
        [] => {}
        [code] => sentences.push(format!("{code} is pending again.")),
        codes => sentences.push(format!("{} codes are pending again.", codes.len())),
    }
    match outcome.retired.as_slice() {
        [] => {}
        [code] => sentences.push(format!(
            "{code} retired. New orders don’t earn commission. To stop customers from using the \
             code, delete the code in your store."
        )),
        codes => sentences.push(format!(
            "{} codes retired. New orders don’t earn commission. To stop customers from using the \
             codes, delete the codes in your store.",
            codes.len()
        )),
    }
    match (outcome.left, sentences.is_empty()) {
        (0, _) => {}
        (_, true) => sentences.push(
            "Nothing was undone, because the codes have changed since the review.".to_owned(),
        ),
        (left, false) => {
            let codes = counted(left, "code", "codes");
            let were = if left == 1 { "it has" } else { "they have" };
            sentences.push(format!("{codes} skipped, because {were} changed since the review."));
        }
    }
    sentences.join(" ")
}

/// The message about the reviewed codes.
pub(super) fn reviewed(outcome: &DecidedCodes, approves: bool) -> String {
    let mut sentences = Vec::new();
    match (outcome.decided.as_slice(), approves) {
        ([], _) => {}
        ([(request, name)], true) => {
            sentences.push(format!("{} approved for {name}.", request.code));
        }
        ([(request, _)], false) => {
            sentences.push(format!("{} denied and available again.", request.code));
        }
        (codes, true) => sentences.push(format!("{} codes approved.", codes.len())),
        (codes, false) => {
            sentences.push(format!("{} codes denied and available again.", codes.len()));
        }
    }
    for (code, name) in &outcome.inactive {
        sentences.push(format!("{code} is still pending because {name} isn’t active."));
    }
    for (code, name) in &outcome.lost {
        sentences.push(format!("{code} is no longer available. Give {name} a different code."));
    }
    if sentences.is_empty() {
        return ALREADY_REVIEWED.to_owned();
    }
    sentences.join(" ")
}
