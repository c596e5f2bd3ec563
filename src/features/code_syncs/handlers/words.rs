//! The text of a difference, and what the user can do about it.

use crate::features::code_syncs::{CodeSync, Difference, DifferenceRow};
use crate::features::pushes::PushStatus;
use crate::features::stores::Store;
use crate::features::sync_notes::{StoreState, SyncStatus};
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
        let since = since(&row, checked);
        let is_missing = row.finding.status == SyncStatus::VouchOnly;
        let is_retired = row.trigger.as_ref().is_some_and(|trigger| trigger.is_retired());
        let (says, next) = match since {
            Some(says) => (says, String::new()),
            None if is_retired && row.finding.status != SyncStatus::Retired => {
                ("It was retired since.".to_owned(), String::new())
            }
            None => (says(&row), next(&row, store)),
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

/// What happened to a missing code that was pushed since the check.
fn since(row: &DifferenceRow, checked: &CodeSync) -> Option<String> {
    if row.finding.status != SyncStatus::VouchOnly {
        return None;
    }
    let line = row.push.as_ref()?;
    if line.push.status == PushStatus::Queued {
        return Some(match line.reason().as_str() {
            "" => "It is on its way to the store.".to_owned(),
            reason => format!("It is on its way to the store. {reason}"),
        });
    }
    line.push.settled_at.filter(|at| Some(*at) >= checked.started_at)?;
    match line.push.status {
        PushStatus::Pushed => Some("It was missing, and has been sent to the store since.".into()),
        PushStatus::InStore => Some(line.reason()),
        PushStatus::Failed | PushStatus::Queued => None,
    }
}

fn says(row: &DifferenceRow) -> String {
    let failed = row.push.as_ref().filter(|line| line.push.status == PushStatus::Failed);
    match (row.finding.status, row.finding.state) {
        (SyncStatus::VouchOnly, _) => {
            let words = "The store does not have it, so that shoppers cannot use it.";
            match failed.map(|line| line.reason()).filter(|reason| !reason.is_empty()) {
                Some(reason) => format!("{words} {reason}"),
                None => words.to_owned(),
            }
        }
        (SyncStatus::Off, Some(StoreState::Scheduled)) => {
            "It has not started yet: shoppers cannot use it so far.".to_owned()
        }
        (SyncStatus::Off, Some(StoreState::Expired)) => {
            "It has ended, or its uses are used up: shoppers cannot use it.".to_owned()
        }
        (SyncStatus::Off, _) => "It is switched off: shoppers cannot use it.".to_owned(),
        (SyncStatus::Different, _) => format!("In the store: {}", row.finding.rules),
        (SyncStatus::StoreOnly, _) => match &row.made_for {
            Some(trigger) => format!(
                "Vouch created it for {}. It was renamed in the store: orders with it credit nobody.",
                trigger.value
            ),
            None => "No conversion trigger has it: orders with it credit nobody.".to_owned(),
        },
        (SyncStatus::Retired, _) => {
            "It is still in the store, and retired here: orders with it credit nobody.".to_owned()
        }
        (SyncStatus::Both, _) => "Shoppers can use it.".to_owned(),
    }
}

fn next(row: &DifferenceRow, store: &Store) -> String {
    let platform = store.platform;
    match (row.finding.status, row.finding.state) {
        (SyncStatus::VouchOnly, _) if store.creates_codes => {
            "Create it in the store, or retire it.".to_owned()
        }
        (SyncStatus::VouchOnly, _) => {
            format!("Create it in {platform} by hand, or switch code creation on.")
        }
        (SyncStatus::Off, Some(StoreState::Scheduled)) => {
            format!("Nothing, unless it should start earlier: that is set in {platform}.")
        }
        (SyncStatus::Off, Some(StoreState::Expired)) => {
            format!("Give it a later end or more uses in {platform}, or retire it here.")
        }
        (SyncStatus::Off, _) => format!("Switch it on in {platform}, or retire it here."),
        (SyncStatus::Different, _) => {
            format!("Change it in {platform}, if shoppers should get the same as with new codes.")
        }
        (SyncStatus::StoreOnly, _) if row.made_for.is_some() => {
            format!("Rename it in {platform} again, or add a conversion trigger for it.")
        }
        (SyncStatus::StoreOnly, _) => {
            "Add a conversion trigger for it, if it is an affiliate’s.".to_owned()
        }
        (SyncStatus::Retired, _) => {
            format!("Delete it in {platform}, if shoppers should no longer use it.")
        }
        (SyncStatus::Both, _) => String::new(),
    }
}
