//! What support staff read.

use crate::kit::web::numbers::counted;

pub(crate) const REOPENED: &str = "Merchant reopened. Members can sign in again.";
pub(crate) const NOT_CLOSED: &str = "The merchant wasn’t closed.";
pub(crate) const ALREADY_CLOSED: &str = "The merchant was already closed.";
pub(crate) const EXCLUSIONS_ENABLED: &str =
    "Coupon Exclusions enabled. The merchant finds them under Account > Settings.";
pub(crate) const EXCLUSIONS_DISABLED: &str =
    "Coupon Exclusions disabled. The list stays but isn’t applied.";
pub(crate) const EXCLUSIONS_ALREADY_ENABLED: &str = "Coupon Exclusions were already enabled.";
pub(crate) const EXCLUSIONS_ALREADY_DISABLED: &str = "Coupon Exclusions were already disabled.";
pub(crate) const CLOSED_PROGRAM: &str =
    "This merchant is closed. Reopen it before you send an invitation.";
pub(crate) const JOB_OBSOLETE: &str = "Job deleted, because its subject no longer exists.";
pub(super) const EMAIL_RETRIED: &str = "Email queued to retry.";
pub(crate) const JOB_RETRIED: &str = "Job retried. It runs within seconds.";
pub(crate) const JOB_ALREADY_RETRIED: &str = "This job was already retried.";
pub(crate) const NO_JOBS: &str = "No jobs to retry.";
pub(crate) const MORE_JOBS: &str = " Retry all again for the rest.";
pub(crate) const OWN_ACCESS: &str =
    "You can’t change your own access. Ask another member of support.";
pub(crate) const USER_ENABLED: &str = "User enabled. They can sign in again.";
pub(crate) const NOT_DISABLED: &str = "The user wasn’t disabled.";
pub(crate) const ALREADY_DISABLED: &str = "The user was already disabled.";
pub(crate) const NOT_SUPPORT: &str = "The user isn’t support staff.";
pub(crate) const NO_AFFILIATE: &str = "No affiliate with an account has this ID or email.";

/// `ended` is the sentence about ended sessions and keys.
pub(super) fn closed(ended: &str) -> String {
    format!("Merchant closed. {ended}")
}

pub(super) fn signed_out(name: &str) -> String {
    format!("{name} signed out on all devices.")
}

pub(super) fn invitation_resent(email: &str) -> String {
    format!("Invitation resent to {email}. The previous link no longer works.")
}

pub(super) fn no_access(name: &str) -> String {
    format!(
        "{name} has no access right now. The merchant is closed, or they’re disabled or denied."
    )
}

pub(super) fn view_stopped(name: &str) -> String {
    format!("Stopped viewing as {name}.")
}

pub(super) fn jobs_retried(count: usize) -> String {
    format!("{} retried.", counted(count, "job", "jobs"))
}

pub(super) fn disabled(ended: &str) -> String {
    format!("User disabled. {ended}")
}

pub(super) fn rights_removed(ended: &str) -> String {
    format!("Support rights removed. {ended}")
}
