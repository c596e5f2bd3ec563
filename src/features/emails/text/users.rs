//! Emails to members, and to users about their account.

use super::parts::Parts;
use crate::kit::session::Role;

pub(super) fn member_invited(program: &str, inviter: &str, role: Role) -> Parts {
    let rights = match role {
        Role::Owner => "You’ll be an owner with full access.",
        Role::Admin => "You’ll be an admin. Only owners manage the team, API keys and privacy.",
        Role::Viewer => "You’ll be a viewer. You can look at the program, but not change it.",
    };
    let paragraphs = vec![
        format!(
            "{inviter} invited you to join the team of {program}’s affiliate program. {rights}"
        ),
        "The link works once and expires in 3 days. If you weren’t expecting this, ignore this \
         email."
            .to_owned(),
    ];
    (format!("{inviter} invited you to join {program}"), paragraphs, "Accept invitation")
}

pub(super) fn member_removed(program: &str) -> Parts {
    let removed = format!(
        "An owner of {program} removed you from the team. Your past changes stay in the audit log."
    );
    (format!("You’re no longer a member of {program}"), vec![removed], "")
}

pub(super) fn password_reset(email: &str) -> Parts {
    let paragraphs = vec![
        format!("We received a request to reset the password for {email}."),
        "The link works once and expires in 1 hour. If you didn’t ask for this, ignore this email. \
         Your password won’t change."
            .to_owned(),
    ];
    ("Reset your password".to_owned(), paragraphs, "Reset password")
}

/// A security notice, sent even if the person made the change themselves.
pub(super) fn notice(subject: &str, happened: String, effect: &str) -> Parts {
    let paragraphs = vec![
        format!("{happened} {effect}"),
        "Wasn’t you? Reset your password now, which signs out all devices. If you still can’t sign \
         in, ask your merchant or Vouch administrator for help.".to_owned(),
    ];
    (subject.to_owned(), paragraphs, "Reset password")
}
