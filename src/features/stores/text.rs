//! What members read about stores.

use vouch_core::platform::Platform;

pub(crate) const ALREADY_CONNECTED: &str = "This store is already connected.";
pub(crate) const NO_CREDENTIALS: &str = "Vouch has no API credentials for this store.";
pub(crate) const UNREADABLE_CREDENTIALS: &str =
    "Vouch can’t decrypt the API credentials. Enter them again.";

/// `called` is the store’s own title, or the program’s name.
pub(super) fn title(called: &str, platform: Platform) -> String {
    format!("{called} on {platform}")
}

pub(super) fn not_callable(platform: Platform) -> String {
    format!("Vouch doesn’t connect to {platform} stores.")
}
