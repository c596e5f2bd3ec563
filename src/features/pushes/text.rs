//! What members read about pushes.

use vouch_platforms::{CodeState, StoreCode};

use crate::kit::web::numbers::counted;

pub(crate) const RETRIED: &str = "Code queued for the store.";
pub(crate) const ATTACHED: &str = "Existing code attached. It doesn’t change in the store.";
pub(crate) const NONE_FAILED: &str = "No failed codes to retry.";
pub(crate) const OWN_FAULT: &str = "Vouch couldn’t process the store’s response.";
pub(crate) const RETIRED: &str = "The code was retired before it reached the store.";

pub(super) fn retried(count: usize) -> String {
    format!("{} queued for the stores.", counted(count, "code", "codes"))
}

pub(super) fn waiting_for_access(store: &str) -> String {
    format!("Waiting for access to {store}.")
}

pub(super) fn creation_off(store: &str) -> String {
    format!("Waiting, because discount code creation is off for {store}.")
}

pub(super) fn will_retry(reason: &str) -> String {
    format!("{reason} We’ll retry automatically.")
}

pub(super) fn gave_up(reason: &str, attempts: i32) -> String {
    format!("{reason} Vouch stopped after {}.", counted(attempts, "attempt", "attempts"))
}

/// Describes the store's code, so that a member can decide whether it's the intended one.
pub(super) fn found(found: &StoreCode) -> String {
    let state = match found.state {
        CodeState::Live => "",
        CodeState::Scheduled => " It hasn’t started yet.",
        CodeState::Expired => " It has expired, so customers can’t use it.",
        CodeState::Disabled => " It’s turned off, so customers can’t use it.",
    };
    let discount = found.rules.trim().trim_end_matches('.');
    let discount = if discount.is_empty() { String::new() } else { format!(" {discount}.") };
    format!("The store already has {}.{discount}{state}", found.code)
}
