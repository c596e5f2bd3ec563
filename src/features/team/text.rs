//! What members read about their team.

pub(crate) const CHOOSE_ROLE: &str = "Choose a role.";
pub(crate) const SET_UP_YOURSELF: &str = "Set up two-factor sign-in for your own account first.";
pub(crate) const TWO_FACTOR_REQUIRED: &str = "Two-factor sign-in is now required.";
pub(crate) const TWO_FACTOR_OPTIONAL: &str = "Two-factor sign-in is now optional.";
pub(crate) const SIGN_IN_AS_INVITED: &str = "Sign in with the email that was invited.";
pub(crate) const HAS_ACCOUNT: &str = "You already have an account. Open the invitation link again.";
pub(crate) const ALREADY_MEMBER: &str = "This person is already a member.";
pub(crate) const ALREADY_INVITED: &str =
    "This person is already invited. Resend the invitation below.";
pub(crate) const LAST_OWNER: &str = "A program needs an owner. Make another member an owner first.";
pub(crate) const NOT_OWNER: &str = "You’re no longer an owner of this program.";

pub(super) fn invited(email: &str, sends_email: bool) -> String {
    match sends_email {
        true => format!("Invitation sent to {email}."),
        false => format!("Invitation for {email} created. {ASK_FOR_LINK}"),
    }
}

pub(super) fn resent(email: &str, sends_email: bool) -> String {
    match sends_email {
        true => format!("Invitation resent to {email}. The previous link no longer works."),
        false => format!("New invitation for {email} created. {ASK_FOR_LINK}"),
    }
}

const ASK_FOR_LINK: &str = "Vouch can’t send emails, so ask your Vouch administrator for the link.";

pub(super) fn withdrawn(email: &str) -> String {
    format!("Invitation to {email} withdrawn.")
}

// `role` is its label.
pub(super) fn role_changed(name: &str, role: &str) -> String {
    format!("{name}’s role is now {role}.")
}

pub(super) fn removed(name: &str) -> String {
    format!("{name} removed from the team.")
}

pub(super) fn left(program: &str) -> String {
    format!("You left {program}.")
}
