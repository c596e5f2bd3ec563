use diesel::prelude::*;
use rand::Rng;
use secrecy::ExposeSecret;

use crate::kit::db::schema::letters;
use crate::kit::pseudonyms::is_pseudonym;
use crate::kit::secrets::{Sealer, Use};
use crate::kit::security::{self, Kind};

/// What a sealed link is bound to.
pub(super) const LINK: Use = Use::of_installation("link in a letter");

/// A letter to one person: text and HTML are made from the same words.
pub struct Letter<'a> {
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
    pub fn page(label: &str, path: &str) -> Self {
        Self { label: label.to_owned(), target: Target::Page(path.to_owned()) }
    }

    /// A page that lets in whoever has its address: kept sealed, and forgotten once it is sent.
    /// `path` begins with a slash.
    pub fn secret(sealer: &Sealer, label: &str, path: &str) -> Self {
        let target = Target::Sealed(sealer.seal(LINK, path.as_bytes()));
        Self { label: label.to_owned(), target }
    }
}

/// Leaves a letter for the workers, in the running transaction, whatever its scope is: it is sent
/// exactly if the transaction is committed. To a person who was erased nothing is sent.
///
/// # Errors
/// The database's.
pub fn post(conn: &mut PgConnection, letter: &Letter<'_>) -> QueryResult<()> {
    if is_pseudonym(letter.to) {
        return Ok(());
    }
    let mut message_id = [0; 16];
    rand::rng().fill_bytes(&mut message_id);
    let (path, sealed) = match letter.link.as_ref().map(|link| &link.target) {
        Some(Target::Page(path)) => (Some(path), None),
        Some(Target::Sealed(sealed)) => (None, Some(sealed)),
        None => (None, None),
    };
    let message_id = hex::encode(message_id);
    diesel::insert_into(letters::table)
        .values((
            letters::message_id.eq(&message_id),
            letters::recipient.eq(letter.to.trim()),
            letters::subject.eq(one_line(&letter.subject)),
            letters::program.eq(one_line(letter.program.unwrap_or_default())),
            letters::paragraphs.eq(serde_json::json!(letter.paragraphs)),
            letters::link_label.eq(letter.link.as_ref().map(|link| &link.label)),
            letters::link_path.eq(path),
            letters::link_sealed.eq(sealed),
            letters::is_urgent.eq(sealed.is_some()),
        ))
        .execute(conn)?;
    if sealed.is_some() {
        security::note(Kind::LinkSent.about("email", message_id));
    }
    Ok(())
}

/// Seals the links of letters that wait with `new` instead of `old`, within `Scope::Installation`.
/// What opens with neither stays as it is.
///
/// # Errors
/// The database's.
pub fn reseal_links(conn: &mut PgConnection, old: &Sealer, new: &Sealer) -> QueryResult<()> {
    let sealed: Vec<(i64, Option<Vec<u8>>)> = letters::table
        .filter(letters::link_sealed.is_not_null())
        .for_update()
        .select((letters::id, letters::link_sealed))
        .load(conn)?;
    for (id, sealed) in sealed {
        let Ok(path) = old.open(LINK, &sealed.unwrap_or_default()) else { continue };
        diesel::update(letters::table.find(id))
            .set(letters::link_sealed.eq(new.seal(LINK, path.expose_secret())))
            .execute(conn)?;
    }
    Ok(())
}

/// How many links are sealed, and how many of them do not open with this key. Within
/// `Scope::Installation`.
///
/// # Errors
/// The database's.
pub fn check_links(conn: &mut PgConnection, sealer: &Sealer) -> QueryResult<(usize, usize)> {
    let sealed: Vec<Option<Vec<u8>>> = letters::table
        .filter(letters::link_sealed.is_not_null())
        .select(letters::link_sealed)
        .load(conn)?;
    let unreadable = sealed
        .iter()
        .filter(|sealed| sealer.open(LINK, sealed.as_deref().unwrap_or_default()).is_err())
        .count();
    Ok((sealed.len(), unreadable))
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
