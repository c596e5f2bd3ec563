//! What support staff read.

use crate::kit::web::numbers::counted;

pub(crate) const EXCLUSIONS_ON: &str =
    "Coupon Exclusions turned on. The merchant finds them under Account > Settings.";
pub(crate) const EXCLUSIONS_OFF: &str =
    "Coupon Exclusions turned off. Vouch keeps the list but doesn’t apply it.";
pub(crate) const EXCLUSIONS_ALREADY_ON: &str = "Coupon Exclusions were already on.";
pub(crate) const EXCLUSIONS_ALREADY_OFF: &str = "Coupon Exclusions were already off.";
pub(crate) const CLOSED_PROGRAM: &str =
    "This merchant is closed. Reopen it before you send an invitation.";
pub(crate) const JOB_ALREADY_RETRIED: &str = "This job was already retried.";
pub(crate) const NO_JOBS: &str = "No failed jobs to retry.";
pub(crate) const MORE_JOBS: &str = "To retry the rest, choose Retry all jobs of this kind again.";
pub(crate) const OWN_ACCESS: &str =
    "You can’t change your own access. Ask another support staff member.";
pub(crate) const NOT_SUPPORT: &str = "This user isn’t support staff.";
pub(crate) const NO_AFFILIATE: &str = "No affiliate with an account has this ID or email.";

/// `ended` is the sentence about ended sessions and keys.
pub(super) fn closed(merchant: &str, ended: &str) -> String {
    format!("{merchant} closed. {ended}")
}

pub(super) fn already_closed(merchant: &str) -> String {
    format!("{merchant} was already closed.")
}

pub(super) fn reopened(merchant: &str) -> String {
    format!("{merchant} reopened. Members and affiliates can sign in again.")
}

pub(super) fn not_closed(merchant: &str) -> String {
    format!("{merchant} wasn’t closed.")
}

pub(super) fn signed_out(name: &str) -> String {
    format!("{name} signed out on all devices.")
}

pub(super) fn invitation_resent(email: &str, sends_email: bool) -> String {
    match sends_email {
        true => format!("Invitation resent to {email}. The previous link no longer works."),
        false => format!(
            "New invitation for {email} created. To share the link, show the email under Emails or \
             on the server. \
             The previous link no longer works."
        ),
    }
}

pub(super) fn no_access(name: &str) -> String {
    format!("{name} can’t sign in. The merchant is closed, or {name} is disabled or denied.")
}

pub(super) fn email_retried(id: i64) -> String {
    format!("Email No. {id} is queued to be sent again.")
}

/// `job` is its kind.
pub(super) fn job_retried(job: &str) -> String {
    format!("{job} retried.")
}

pub(super) fn job_obsolete(job: &str) -> String {
    format!("{job} removed from the failed jobs, because there’s nothing left to retry.")
}

pub(super) fn view_stopped(name: &str) -> String {
    format!("Stopped viewing as {name}.")
}

pub(super) fn jobs_retried(count: usize) -> String {
    format!("{} retried.", counted(count, "job", "jobs"))
}

pub(super) fn disabled(user: &str, ended: &str) -> String {
    format!("{user} disabled. {ended}")
}

pub(super) fn already_disabled(user: &str) -> String {
    format!("{user} was already disabled.")
}

pub(super) fn enabled(user: &str) -> String {
    format!("{user} enabled. They can sign in again.")
}

pub(super) fn not_disabled(user: &str) -> String {
    format!("{user} wasn’t disabled.")
}

pub(super) fn support_removed(ended: &str) -> String {
    format!("Support access removed. {ended}")
}
