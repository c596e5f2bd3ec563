//! What members read about code sync.

use vouch_core::platform::Platform;

use super::{CodeSync, DifferenceRow};
use crate::features::pushes::PushStatus;
use crate::features::sync_notes::{StoreState, SyncStatus};
use crate::kit::web::numbers::counted;

pub(crate) const RETIRED_SINCE: &str = "This code was retired since the check.";
pub(crate) const NOTHING_MISSING: &str = "There are no missing codes left to create.";
pub(crate) const CHECK_STARTED: &str = "Code check started.";
pub(crate) const CHECK_QUEUED: &str = "A check is running. Another one starts after it.";
pub(crate) const NO_CREDENTIALS: &str = "Add API credentials for this store first.";
pub(crate) const WATCHED_SAVED_CHECKING: &str = "Codes to watch saved. Code check started.";
pub(crate) const WATCHED_SAVED: &str = "Codes to watch saved.";

/// What happened to a missing code that was pushed since the check.
pub(super) fn since(row: &DifferenceRow, checked: &CodeSync) -> Option<String> {
    if row.finding.status != SyncStatus::VouchOnly {
        return None;
    }
    let line = row.push.as_ref()?;
    if line.push.status == PushStatus::Queued {
        return Some(format!("Queued for the store. {}", line.reason()).trim_end().to_owned());
    }
    line.push.settled_at.filter(|at| Some(*at) >= checked.started_at)?;
    match line.push.status {
        PushStatus::Pushed => Some("Created in the store since this check.".to_owned()),
        PushStatus::InStore => Some(line.reason()),
        PushStatus::Failed | PushStatus::Queued => None,
    }
}

/// The state of the code, as of the check.
pub(super) fn says(row: &DifferenceRow) -> String {
    let failed = row.push.as_ref().filter(|line| line.push.status == PushStatus::Failed);
    match (row.finding.status, row.finding.state) {
        (SyncStatus::VouchOnly, _) => {
            let reason = failed.map(|line| line.reason()).unwrap_or_default();
            format!("Customers can’t use this code. {reason}").trim_end().to_owned()
        }
        (SyncStatus::Off, Some(StoreState::Scheduled)) => {
            "This code hasn’t started, so customers can’t use it yet.".to_owned()
        }
        (SyncStatus::Off, Some(StoreState::Expired)) => {
            "This code has expired or reached its usage limit, so customers can’t use it."
                .to_owned()
        }
        (SyncStatus::Off, _) => "This code is turned off, so customers can’t use it.".to_owned(),
        (SyncStatus::Different, _) => format!("In the store: {}", row.finding.rules),
        (SyncStatus::StoreOnly, _) => match &row.made_for {
            Some(trigger) => format!(
                "Vouch created this code as {}, but it was renamed. Orders with it don’t earn \
                 commission.",
                trigger.value
            ),
            None => "This code isn’t assigned to an affiliate.".to_owned(),
        },
        (SyncStatus::Retired, _) => {
            "Customers can still use this code, but orders with it don’t earn commission."
                .to_owned()
        }
        (SyncStatus::Both, _) => "Customers can use this code.".to_owned(),
    }
}

/// What a member can do about it. Empty if there's nothing to do.
pub(super) fn next(row: &DifferenceRow, platform: Platform, creates_codes: bool) -> String {
    match (row.finding.status, row.finding.state) {
        (SyncStatus::VouchOnly, _) if creates_codes => {
            "Create the code in the store, or retire it in Vouch.".to_owned()
        }
        (SyncStatus::VouchOnly, _) => {
            format!("Create the code in {platform} manually, or turn on discount code creation.")
        }
        (SyncStatus::Off, Some(StoreState::Scheduled)) => {
            format!("To start the code earlier, edit it in {platform}.")
        }
        (SyncStatus::Off, Some(StoreState::Expired)) => {
            format!("Extend the code in {platform}, or retire it in Vouch.")
        }
        (SyncStatus::Off, _) => format!("Turn the code on in {platform}, or retire it in Vouch."),
        (SyncStatus::Different, _) => {
            format!("Edit the code in {platform} if it should match your discount settings.")
        }
        (SyncStatus::StoreOnly, _) if row.made_for.is_some() => {
            format!("Undo the rename in {platform}, or add a conversion trigger for this code.")
        }
        (SyncStatus::StoreOnly, _) => {
            "If the code belongs to an affiliate, add a conversion trigger for it.".to_owned()
        }
        (SyncStatus::Retired, _) => {
            format!("To stop customers from using the code, delete it in {platform}.")
        }
        (SyncStatus::Both, _) => String::new(),
    }
}

pub(super) fn not_creating(store: &str) -> String {
    format!("Vouch doesn’t create codes in {store}. Turn on discount code creation first.")
}

pub(super) fn sent(count: usize) -> String {
    format!("{} queued for the store.", counted(count, "code", "codes"))
}

pub(super) fn misplaced_star(line: &str) -> String {
    format!("Use only one * in “{line}”, at the end.")
}

pub(super) fn spaces(line: &str) -> String {
    format!("Enter “{line}” without spaces, one code per line.")
}

pub(super) fn too_long(line: &str, max: usize) -> String {
    format!(
        "“{line}” is too long. Enter {max} characters or fewer. Use * at the end for longer codes."
    )
}

pub(super) fn too_many_lines(max: usize) -> String {
    format!("Enter {max} lines or fewer. Use * at the end to watch many codes.")
}
