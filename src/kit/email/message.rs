use diesel::prelude::*;
use rand::Rng;
use secrecy::ExposeSecret;

use crate::kit::db::schema::emails;
use crate::kit::pseudonyms::is_pseudonym;
use crate::kit::secrets::{Encryptor, Use};
use crate::kit::security::{self, Kind};

/// What a sealed link is bound to.
pub(super) const LINK: Use = Use::of_instance("link in a letter");

/// A letter to one person: text and HTML are made from the same words.
pub struct Message<'a> {
    /// The e-mail address.
    pub to: &'a str,
    /// What it is about, in a few words.
    pub subject: String,
    /// The name of the program it comes from; none for letters of the installation.
    pub program: Option<&'a str>,
    /// What it says.
    pub paragraphs: Vec<String>,
    /// What can be done about it.
    pub link: Option<Link>,
}

/// The one thing to do about a letter: a page of this installation.
pub struct Link {
    label: String,
    target: Target,
}

enum Target {
    Page(String),
    Sealed(Vec<u8>),
}

impl Link {
    /// A page that anybody may know of. `path` begins with a slash.
    pub(crate) fn page(label: &str, path: &str) -> Self {
        Self { label: label.to_owned(), target: Target::Page(path.to_owned()) }
    }

    /// A page that lets in whoever has its address: kept sealed, and forgotten once it is sent.
    /// `path` begins with a slash.
    pub fn secret(encryptor: &Encryptor, label: &str, path: &str) -> Self {
        let target = Target::Sealed(encryptor.encrypt(LINK, path.as_bytes()));
        Self { label: label.to_owned(), target }
    }
}

/// Leaves a letter for the workers, in the running transaction, whatever its scope is: it is sent
/// exactly if the transaction is committed. To a person who was erased nothing is sent.
pub fn post(conn: &mut PgConnection, message: &Message<'_>) -> QueryResult<()> {
    if is_pseudonym(message.to) {
        return Ok(());
    }
    let mut message_id = [0; 16];
    rand::rng().fill_bytes(&mut message_id);
    let (path, encrypted) = match message.link.as_ref().map(|link| &link.target) {
        Some(Target::Page(path)) => (Some(path), None),
        Some(Target::Sealed(encrypted)) => (None, Some(encrypted)),
        None => (None, None),
    };
    let message_id = hex::encode(message_id);
    diesel::insert_into(emails::table)
        .values((
            emails::message_id.eq(&message_id),
            emails::recipient.eq(message.to.trim()),
            emails::subject.eq(one_line(&message.subject)),
            emails::program.eq(one_line(message.program.unwrap_or_default())),
            emails::paragraphs.eq(serde_json::json!(message.paragraphs)),
            emails::link_label.eq(message.link.as_ref().map(|link| &link.label)),
            emails::link_path.eq(path),
            emails::link_encrypted.eq(encrypted),
            emails::is_urgent.eq(encrypted.is_some()),
        ))
        .execute(conn)?;
    if encrypted.is_some() {
        security::note(Kind::LinkSent.about("email", message_id));
    }
    Ok(())
}

/// Seals the links of letters that wait with `new` instead of `old`, within `Scope::Instance`.
/// What opens with neither stays as it is.
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

/// How many links are sealed, and how many of them do not open with this key. Within
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

/// A name may hold anything; a header is one line.
fn one_line(text: &str) -> String {
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
