//! A difference as a row shows it.

use crate::features::code_syncs::{CodeSync, Difference, DifferenceRow, text};
use crate::features::pushes::PushStatus;
use crate::features::stores::Store;
use crate::features::sync_notes::SyncStatus;
use crate::kit::urls;

/// A difference as shown in a row.
pub(crate) struct DifferenceView {
    pub(crate) row: DifferenceRow,
    /// The state of the code, as text.
    pub(crate) says: String,
    /// What to do, if anything.
    pub(crate) next: String,
    /// Whether the code can be pushed from here.
    pub(crate) can_be_sent: bool,
}

impl DifferenceView {
    pub(crate) fn new(row: DifferenceRow, store: &Store, checked: &CodeSync) -> Self {
        let since = text::since(&row, checked);
        let is_missing = row.finding.status == SyncStatus::VouchOnly;
        let is_retired = row.trigger.as_ref().is_some_and(|trigger| trigger.is_retired());
        let (says, next) = match since {
            Some(says) => (says, String::new()),
            None if is_retired && row.finding.status != SyncStatus::Retired => {
                (text::RETIRED_SINCE.to_owned(), String::new())
            }
            None => (text::says(&row), text::next(&row, store.platform, store.creates_codes)),
        };
        let can_be_sent = is_missing && !is_retired && store.creates_codes && !next.is_empty();
        Self { row, says, next, can_be_sent }
    }

    pub(crate) fn finding(&self) -> &Difference {
        &self.row.finding
    }

    pub(crate) fn trigger_url(&self) -> Option<String> {
        self.row.finding.trigger_id.map(urls::trigger)
    }

    /// The URL that links the store's own code to the trigger.
    pub(crate) fn attachment_url(&self) -> Option<String> {
        let line = self.row.push.as_ref()?;
        let is_in_store = self.row.finding.state.is_some();
        (is_in_store && line.push.status == PushStatus::InStore).then(|| line.attachment_url())
    }
}
