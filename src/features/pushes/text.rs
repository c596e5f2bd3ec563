//! What members read about pushes.

use std::fmt;

use super::reason::{OwnReason, PushReason};
use crate::features::sync_notes::StoreState;
use crate::kit::web::numbers::counted;

pub(crate) const RETRIED: &str = "Code queued for your store.";
pub(crate) const ATTACHED: &str =
    "Existing code attached. The discount in your store stays as it is.";
pub(crate) const NONE_FAILED: &str = "No failed codes to retry.";

pub(super) fn retried(count: usize) -> String {
    format!("{} queued for your stores.", counted(count, "push", "pushes"))
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

impl fmt::Display for PushReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(reason) => reason.fmt(f),
            Self::Store(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for OwnReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InternalError => f.write_str("Vouch couldn’t process the store’s response."),
            Self::Retired => f.write_str("The code was retired before it reached the store."),
            Self::Attached => f.write_str("The code was already in the store and is now attached."),
            Self::Stopped { attempts, last } => {
                let attempts = counted(*attempts, "attempt", "attempts");
                write!(f, "{last} Vouch stopped after {attempts}.")
            }
            Self::InStore { store_code, state, discount } => {
                f.write_str(&found(store_code, *state, discount))
            }
        }
    }
}

/// Describes the store's code, so that a member can decide whether it's the intended one.
fn found(code: &str, state: StoreState, discount: &str) -> String {
    let state = match state {
        StoreState::Live => "",
        StoreState::Scheduled => " The code hasn’t started yet.",
        StoreState::Expired => " The code has expired, so customers can’t use it.",
        StoreState::Disabled => " The code is turned off, so customers can’t use it.",
    };
    let discount = discount.trim().trim_end_matches('.');
    let discount = if discount.is_empty() { String::new() } else { format!(" {discount}.") };
    format!("The store already has {code}.{discount}{state}")
}
