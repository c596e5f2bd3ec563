//! Emails as support staff see them: to whom, about what, and what became of them, without their text.
//! The text of one that waits is revealed one at a time, where there is no mail server to send it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::leased::Leased;
use super::render::Words;
use crate::kit::db::schema::letters;
use crate::kit::secrets::Sealer;
use crate::kit::web::paginate::{Cursor, Listing, PAGE_SIZE};

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is still to be sent; why it was not yet, if it was tried.
    Waits(Option<String>),
    /// The mail server took it.
    Sent(DateTime<Utc>),
    /// It was given up, and why.
    GivenUp(String),
}

/// A letter in the list.
#[derive(Clone, Debug)]
pub struct LetterRow {
    /// Its key.
    pub id: i64,
    /// To whom.
    pub recipient: String,
    /// About what.
    pub subject: String,
    /// From which program; empty for letters of the installation.
    pub program: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// What became of it.
    pub state: State,
    /// The merchant whose transaction wrote it; none for emails of the instance.
    pub merchant_id: Option<i64>,
}

/// An email with its text, link and all.
#[derive(Clone, Debug)]
pub struct RevealedEmail {
    /// Its key.
    pub id: i64,
    /// To whom.
    pub recipient: String,
    /// About what.
    pub subject: String,
    /// The merchant whose transaction wrote it; none for emails of the instance.
    pub merchant_id: Option<i64>,
    /// As it would be sent.
    pub text: String,
}

type Row = (Leased, Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The letters, the newest first, within `Scope::Support`.
///
/// # Errors
/// The database's.
pub fn letters(conn: &mut PgConnection, cursor: &Cursor<i64>) -> QueryResult<Listing<LetterRow>> {
    let mut query = letters::table
        .select((
            Leased::as_select(),
            letters::about_merchant_id,
            letters::delivered_at,
            letters::parked_at,
        ))
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    query = match cursor {
        Cursor::Start => query.order(letters::id.desc()),
        Cursor::After(last) => query.filter(letters::id.lt(*last)).order(letters::id.desc()),
        Cursor::Before(first) => query.filter(letters::id.gt(*first)).order(letters::id.asc()),
    };
    let found: Vec<Row> = query.load(conn)?;
    let rows = found.into_iter().map(in_list).collect();
    Ok(Listing::new(rows, cursor, |row: &LetterRow| row.id))
}

fn in_list((letter, merchant_id, delivered_at, parked_at): Row) -> LetterRow {
    let state = match (delivered_at, parked_at) {
        (Some(at), _) => State::Sent(at),
        (None, Some(_)) => State::GivenUp(letter.last_error.clone().unwrap_or_default()),
        (None, None) => State::Waits(letter.last_error.clone()),
    };
    LetterRow {
        id: letter.id,
        recipient: letter.recipient,
        subject: letter.subject,
        program: letter.program,
        created_at: letter.created_at,
        state,
        merchant_id,
    }
}

/// The text of an email that waits, under this public address, within `Scope::Installation` or
/// `Scope::Support`; `None` if none of that key waits. The caller leaves an audit row.
///
/// # Errors
/// The database's.
pub fn reveal(
    conn: &mut PgConnection,
    letter_id: i64,
    sealer: &Sealer,
    public_url: &str,
) -> QueryResult<Option<RevealedEmail>> {
    let waiting: Option<(Leased, Option<i64>)> = letters::table
        .find(letter_id)
        .filter(letters::delivered_at.is_null().and(letters::parked_at.is_null()))
        .filter(letters::paragraphs.is_not_null())
        .select((Leased::as_select(), letters::about_merchant_id))
        .first(conn)
        .optional()?;
    let Some((letter, merchant_id)) = waiting else { return Ok(None) };
    let paragraphs = letter.paragraphs();
    let url = letter.url(sealer, public_url).unwrap_or_default();
    let words = Words {
        subject: &letter.subject,
        program: &letter.program,
        paragraphs: &paragraphs,
        link: url.as_deref().map(|url| (letter.label(), url)),
    };
    let text = words.text();
    let Leased { id, recipient, subject, .. } = letter;
    Ok(Some(RevealedEmail { id, recipient, subject, merchant_id, text }))
}

/// Has a letter that was given up tried again, within `Scope::Installation`.
///
/// # Errors
/// `NotFound` if there is none, or its words are forgotten.
pub fn retry(conn: &mut PgConnection, letter_id: i64, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(letters::table.find(letter_id))
        .filter(letters::parked_at.is_not_null().and(letters::paragraphs.is_not_null()))
        .set((
            letters::parked_at.eq(None::<DateTime<Utc>>),
            letters::attempts.eq(0),
            letters::available_at.eq(now),
        ))
        .returning(letters::id)
        .get_result::<i64>(conn)
        .map(drop)
}

/// How many letters were given up, and why the last of them. Within `Scope::Installation`.
///
/// # Errors
/// The database's.
pub fn given_up(conn: &mut PgConnection) -> QueryResult<(i64, String)> {
    let parked = || letters::table.filter(letters::parked_at.is_not_null());
    let last = parked()
        .order(letters::parked_at.desc())
        .select(letters::last_error)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok((parked().count().get_result(conn)?, last.flatten().unwrap_or_default()))
}
