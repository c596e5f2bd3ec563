use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use rand::Rng;
use secrecy::ExposeSecret;

use super::content::EmailContent;
use super::job::queue;
use crate::kit::clock;
use crate::kit::db::schema::{emails, merchants};
use crate::kit::jobs::{self, Priority};
use crate::kit::pseudonyms::is_pseudonym;
use crate::kit::secrets::{Encryptor, Use};
use crate::kit::security::{self, Kind};
use crate::kit::stored_text::StoredText;

/// What an encrypted link is bound to.
// copy: stored links depend on this text.
pub(super) const LINK: Use = Use::of_instance("link in a letter");

/// An email to one person, from which both the text and the HTML are rendered.
pub struct EmailMessage<'a> {
    pub to: &'a str,
    /// The name of its program. `None` for emails of the instance.
    pub program: Option<&'a str>,
    pub content: EmailContent,
    pub link: Option<EmailLink>,
}

/// The link of an email, to a page of this instance.
pub struct EmailLink(LinkTarget);

enum LinkTarget {
    Page(String),
    Encrypted(Vec<u8>),
}

impl EmailLink {
    /// A page that isn't secret. `path` begins with a slash.
    pub(crate) fn page(path: &str) -> Self {
        Self(LinkTarget::Page(path.to_owned()))
    }

    /// A page whose URL is a secret. It's stored encrypted, and deleted after it's sent. `path`
    /// begins with a slash.
    pub fn secret(encryptor: &Encryptor, path: &str) -> Self {
        Self(LinkTarget::Encrypted(encryptor.encrypt(LINK, path.as_bytes())))
    }
}

/// Enqueues an email in the running transaction, whatever its scope is. It's sent only if the
/// transaction is committed. Erased people get no email. Like [`jobs::enqueue`], it's called last
/// in its transaction.
pub fn post(conn: &mut PgConnection, message: &EmailMessage<'_>) -> QueryResult<()> {
    if is_pseudonym(message.to) {
        return Ok(());
    }
    let mut message_id = [0; 16];
    rand::rng().fill_bytes(&mut message_id);
    let (path, encrypted) = match &message.link {
        Some(EmailLink(LinkTarget::Page(path))) => (Some(path), None),
        Some(EmailLink(LinkTarget::Encrypted(encrypted))) => (None, Some(encrypted)),
        None => (None, None),
    };
    // The row itself can't be read in this scope.
    let merchant_id: Option<i64> =
        diesel::select(sql::<Nullable<BigInt>>("current_merchant()")).get_result(conn)?;
    let reply_to = match merchant_id {
        Some(merchant_id) if message.content.invites_reply() => contact_email(conn, merchant_id)?,
        _ => None,
    };
    let message_id = hex::encode(message_id);
    diesel::insert_into(emails::table)
        .values((
            emails::message_id.eq(&message_id),
            emails::recipient.eq(message.to.trim()),
            emails::program.eq(one_line(message.program.unwrap_or_default())),
            emails::content.eq(StoredText::from(message.content.clone())),
            emails::reply_to.eq(reply_to),
            emails::link_path.eq(path),
            emails::link_encrypted.eq(encrypted),
        ))
        .execute(conn)?;
    let priority = if encrypted.is_some() { Priority::High } else { Priority::Normal };
    let queue = queue(merchant_id.unwrap_or(0));
    jobs::enqueue_with(conn, &queue, priority, &[&message_id], clock::now())?;
    if encrypted.is_some() {
        security::note(Kind::LinkSent.about("email", message_id));
    }
    Ok(())
}

/// Where replies go, if the merchant has set it.
fn contact_email(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Option<String>> {
    let contact: Option<String> = merchants::table
        .find(merchant_id)
        .select(merchants::contact_email)
        .first(conn)
        .optional()?;
    Ok(contact.filter(|email| !email.is_empty()))
}

/// Encrypts the links of pending emails with `new` instead of `old`, within `Scope::Instance`.
/// Links that neither can decrypt stay as they are.
pub fn reencrypt_links(
    conn: &mut PgConnection,
    old: &Encryptor,
    new: &Encryptor,
) -> QueryResult<()> {
    let encrypted: Vec<(i64, Option<Vec<u8>>)> = emails::table
        .filter(emails::link_encrypted.is_not_null())
        .for_update()
        .select((emails::id, emails::link_encrypted))
        .load(conn)?;
    for (id, encrypted) in encrypted {
        let Ok(path) = old.open(LINK, &encrypted.unwrap_or_default()) else { continue };
        diesel::update(emails::table.find(id))
            .set(emails::link_encrypted.eq(new.encrypt(LINK, path.expose_secret())))
            .execute(conn)?;
    }
    Ok(())
}

/// How many links are encrypted, and how many of them this key can't decrypt. Within
/// `Scope::Instance`.
pub(crate) fn check_links(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
) -> QueryResult<(usize, usize)> {
    let encrypted: Vec<Option<Vec<u8>>> = emails::table
        .filter(emails::link_encrypted.is_not_null())
        .select(emails::link_encrypted)
        .load(conn)?;
    let unreadable = encrypted
        .iter()
        .filter(|encrypted| encryptor.open(LINK, encrypted.as_deref().unwrap_or_default()).is_err())
        .count();
    Ok((encrypted.len(), unreadable))
}

/// A header is one line, but a name can contain line breaks.
pub(super) fn one_line(text: &str) -> String {
    text.split(char::is_control)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_stays_one_line() {
        assert_eq!(one_line("Tea\r\nBcc: x@y.example\u{0}!"), "Tea Bcc: x@y.example !");
    }
}
