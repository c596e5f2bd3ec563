//! What applicants read, and members about applications.

use super::DecisionOutcome;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::kit::web::numbers::{counted, thousands};

pub(crate) const CHOOSE_CODE_REQUIREMENT: &str = "Choose whether applicants enter a code.";
pub(crate) const CHOOSE_OFFER: &str = "Choose one of the program’s offers.";
pub(crate) const CHOOSE_APPROVAL: &str = "Choose how applications are approved.";
pub(crate) const CHOOSE_FIELD_TYPE: &str = "Choose a field type.";
pub(crate) const ENTER_NAME: &str = "Enter your name, or the name of your company.";
pub(crate) const ENTER_CODE: &str = "Enter the coupon code you’d like.";
pub(crate) const AGREE_TO_TERMS: &str = "Agree to the terms to apply.";
pub(crate) const REVIEW_EACH: &str = "Review each application";
pub(crate) const APPROVE_AUTOMATICALLY: &str = "Approve automatically after email confirmation";
pub(crate) const LABEL_TOO_LONG: &str = "Enter 200 characters or fewer.";
pub(crate) const ENTER_URL: &str = "Enter a URL that starts with https://.";
pub(crate) const OPENED: &str = "Registration opened. Share the registration URL.";
pub(crate) const CLOSED: &str = "Registration closed.";
pub(crate) const SAVED: &str = "Registration settings saved.";
pub(crate) const SELECT_AFFILIATES: &str = "Select at least one affiliate.";
pub(crate) const CHOOSE_STATUS: &str = "Choose one of the statuses.";

pub(super) fn too_long(max: usize, characters: usize) -> String {
    format!("Enter {} characters or fewer. You entered {}.", thousands(max), thousands(characters))
}

pub(super) fn too_many_fields(max: usize) -> String {
    format!("Add {max} fields or fewer.")
}

pub(super) const ANSWER_QUESTION: &str = "Fill in this field to apply.";
pub(super) const SELECT_BOX: &str = "Select this checkbox to apply.";

pub(super) fn answer_too_long(max: usize) -> String {
    format!("Enter {} characters or fewer.", thousands(max))
}

/// After an applicant confirmed their email.
pub(super) fn confirmed(program: &str, code: Option<&str>, is_active: bool) -> String {
    match (code, is_active) {
        (Some(code), true) => format!("You’re now an affiliate of {program}. Your code is {code}."),
        (None, true) => format!("You’re now an affiliate of {program}."),
        (Some(code), false) => format!("Email confirmed. {code} is reserved for you."),
        (None, false) => "Email confirmed.".to_owned(),
    }
}

pub(super) fn invitation_sent(email: &str, sends_email: bool) -> String {
    match sends_email {
        true => format!("Invitation sent to {email}."),
        false => format!(
            "Invitation for {email} created. Vouch can’t send emails, so ask your Vouch \
             administrator for the link."
        ),
    }
}

pub(super) fn invitation_not_sent(name: &str) -> String {
    format!("Invitation not sent. {name} already has an account or isn’t active.")
}

pub(super) fn added_to_account(program: &str) -> String {
    format!("{program} added to your account. Sign in with your password.")
}

pub(super) fn too_many_affiliates(max: usize) -> String {
    format!("Select {max} affiliates or fewer.")
}

pub(super) fn already(name: &str, status: AffiliateStatus) -> String {
    format!("{name} is already {}.", status.label().to_lowercase())
}

pub(super) fn all_already(status: AffiliateStatus) -> String {
    format!("No change. The selected affiliates are already {}.", status.label().to_lowercase())
}

/// The new status of affiliates, and what became of the codes they had requested.
pub(super) fn changed(decided: &DecisionOutcome, status: AffiliateStatus) -> String {
    let status = status.label().to_lowercase();
    let who = match decided.changed.as_slice() {
        [only] => format!("{} is now {status}.", only.name),
        several => format!("{} affiliates are now {status}.", several.len()),
    };
    let codes = match decided.codes.as_slice() {
        [] => String::new(),
        [code] => format!(" {code} created."),
        codes => format!(" {} codes created.", codes.len()),
    };
    let lost = decided.lost.iter();
    let lost = lost.map(|(name, code)| {
        format!(" {code} is no longer available. Give {name} a different code.")
    });
    format!("{who}{codes}{}", lost.collect::<String>())
}

/// `left` affiliates weren't restored.
pub(super) fn undone(undone: &[Affiliate], left: usize) -> String {
    let restored = match undone {
        [] => {
            return "Nothing was undone, because the affiliates have changed since the review."
                .to_owned();
        }
        [only] => format!("{}’s status restored.", only.name),
        several => format!("{} affiliates restored.", several.len()),
    };
    match left {
        0 => restored,
        _ => format!(
            "{restored} {} skipped, because they’ve changed since the review.",
            counted(left, "affiliate", "affiliates")
        ),
    }
}
