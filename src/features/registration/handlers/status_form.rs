use serde::Deserialize;

use crate::features::affiliates::AffiliateStatus;
use crate::features::code_requests::{Denial, reason_too_long_text};
use crate::kit::web::local_path::LocalPath;

/// The chosen status. One affiliate is identified by the URL, several by checkboxes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusForm {
    pub(super) status: String,
    pub(super) ids: Vec<i64>,
    pub(super) back: LocalPath,
    /// For a denial: the reason as typed.
    pub(super) reason: String,
    /// For a denial: "send" to send an email. Pages of the last version send "letter".
    pub(super) send: String,
}

impl StatusForm {
    /// The page to return to.
    pub(super) fn back_to(&self) -> &str {
        own_page(&self.back)
    }

    /// Whether a denied affiliate gets an email.
    pub(super) fn sends_email(&self) -> bool {
        matches!(self.send.as_str(), "send" | "letter")
    }

    /// The content of the denial email, if one is sent. Fails with an error message about the
    /// reason.
    pub(super) fn denial(&self, status: AffiliateStatus) -> Result<Option<Denial>, String> {
        if status != AffiliateStatus::Denied {
            return Ok(None);
        }
        let denial = Denial::because(&self.reason).map_err(reason_too_long_text)?;
        Ok(self.sends_email().then_some(denial))
    }
}

/// Allows only pages under /affiliates.
pub(super) fn own_page(back: &LocalPath) -> &str {
    back.under(&["/affiliates"]).unwrap_or("/affiliates")
}
