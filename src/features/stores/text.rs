//! What members read about stores.

use vouch_core::platform::Platform;

pub(crate) const ALREADY_CONNECTED: &str = "This store is already connected.";

/// `called` is the store’s own title, or the program’s name.
pub(super) fn title(called: &str, platform: Platform) -> String {
    format!("{called} on {platform}")
}
