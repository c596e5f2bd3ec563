use serde::Deserialize;

use crate::features::affiliates::AffiliateStatus;
use crate::features::code_requests::Denial;
use crate::kit::web::local_path::LocalPath;

/// What was chosen: of one affiliate by its address, of several by check boxes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatusForm {
    pub(super) status: String,
    pub(super) ids: Vec<i64>,
    pub(super) back: LocalPath,
    /// Of a denial: why, in the member's own words.
    pub(super) reason: String,
    /// Of a denial: "letter" to write it to them.
    pub(super) send: String,
}

impl StatusForm {
    /// Where one goes on afterwards.
    pub(super) fn back_to(&self) -> &str {
        own_page(&self.back)
    }

    /// Whether who is denied gets a letter.
    pub(super) fn sends_email(&self) -> bool {
        self.send == "letter"
    }

    /// What is written to who is denied, if anything is; or what is wrong with the reason.
    pub(super) fn denial(&self, status: AffiliateStatus) -> Result<Option<Denial>, String> {
        if status != AffiliateStatus::Denied {
            return Ok(None);
        }
        let denial = Denial::because(&self.reason)?;
        Ok(self.sends_email().then_some(denial))
    }
}

/// Only the affiliates’ own pages.
pub(super) fn own_page(back: &LocalPath) -> &str {
    back.under(&["/affiliates"]).unwrap_or("/affiliates")
}
