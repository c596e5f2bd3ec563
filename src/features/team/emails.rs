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
        Role::Owner => "as an owner, who may do everything",
        Role::Admin => "as an admin, who may do everything but look after people and API keys",
        Role::Viewer => "as a viewer, who sees everything and changes nothing",
    };
    EmailMessage {
        to,
        subject: format!("{inviter} invites you to {program}"),
        program: Some(program),
        paragraphs: vec![
            "Hello,".to_owned(),
            format!("{inviter} invites you to work on the affiliate program {program}, {may}."),
            "The link works once, and for three days. If you do not know what this is about, there \
             is nothing to do."
                .to_owned(),
        ],
        link: Some(EmailLink::secret(
            encryptor,
            "Accept the invitation",
            &format!("/invitations/{token}"),
        )),
    }
}

/// Tells a person that they're no longer a member.
pub(super) fn removed<'a>(person: &'a Person, program: &'a str) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        subject: format!("You are no longer a member of {program}"),
        program: Some(program),
        paragraphs: vec![
            format!("Hello {},", person.name),
            format!(
                "An owner of {program} has removed you from the team. What you did there stays in its records."
            ),
        ],
        link: None,
    }
}
