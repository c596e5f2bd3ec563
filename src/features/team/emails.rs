//! Emails about a team.

use crate::features::auth::Person;
use crate::features::emails::{EmailContent, EmailLink, EmailMessage};
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
    EmailMessage {
        to,
        program: Some(program),
        content: EmailContent::MemberInvited { inviter: inviter.to_owned(), role },
        link: Some(EmailLink::secret(encryptor, &format!("/invitations/{token}"))),
    }
}

/// Tells a person that they're no longer a member.
pub(super) fn removed<'a>(person: &'a Person, program: &'a str) -> EmailMessage<'a> {
    EmailMessage {
        to: &person.email,
        program: Some(program),
        content: EmailContent::MemberRemoved { name: person.name.clone() },
        link: None,
    }
}
