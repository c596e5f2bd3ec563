//! Emails about a team.

use crate::features::auth::Person;
use crate::kit::email::{EmailLink, EmailMessage};
use crate::kit::secrets::Encryptor;
use crate::kit::session::Role;

/// The link to become a member.
pub(super) fn invitation<'a>(
    to: &'a str,
    program: &'a str,
    inviter: &str,
    role: Role,
    encryptor: &Encryptor,
    token: &str,
) -> EmailMessage<'a> {
    let may = match role {
        Role::Owner => "You’ll be an owner with full access.",
        Role::Admin => "You’ll be an admin with full access except to team members and API keys.",
        Role::Viewer => "You’ll be a viewer who can see everything but not change it.",
    };
    EmailMessage {
        to,
        subject: format!("{inviter} invited you to {program}"),
        program: Some(program),
        paragraphs: vec![
            "Hi,".to_owned(),
            format!("{inviter} invited you to the team of the affiliate program {program}. {may}"),
            "The link works once and expires in 3 days. If you weren’t expecting this, ignore this \
             email."
                .to_owned(),
        ],
        link: Some(EmailLink::secret(
            encryptor,
            "Accept invitation",
            &format!("/invitations/{token}"),
        )),
    }
}

/// Tells a person that they're no longer a member.
pub(super) fn removed<'a>(person: &'a Person, program: &'a str) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        subject: format!("You’re no longer a member of {program}"),
        program: Some(program),
        paragraphs: vec![
            format!("Hi {},", person.name),
            format!(
                "An owner of {program} removed you from the team. Your past changes stay in its audit log."
            ),
        ],
        link: None,
    }
}
