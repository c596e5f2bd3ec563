//! Letters as support staff see them: to whom, about what, and what became of them. Their words are
//! shown only where there is no mail server, and whoever runs the installation has to pass them on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::office::Leased;
use super::render::Words;
use crate::db::schema::letters;
use crate::secrets::Sealer;
use crate::web::paginate::{Cursor, Listing, PAGE_SIZE};

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
    /// What it says, link and all: for whoever has to pass it on.
    pub text: Option<String>,
}

type Row = (Leased, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The letters, the newest first, within `Scope::Support`. `reveal` is given where there is no mail
/// server: the words of those that wait are then shown, under this public address.
///
/// # Errors
/// The database's.
pub fn letters(
    conn: &mut PgConnection,
    cursor: &Cursor<i64>,
    reveal: Option<(&Sealer, &str)>,
) -> QueryResult<Listing<LetterRow>> {
    let mut query = letters::table
        .select((Leased::as_select(), letters::delivered_at, letters::parked_at))
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    query = match cursor {
        Cursor::Start => query.order(letters::id.desc()),
        Cursor::After(last) => query.filter(letters::id.lt(*last)).order(letters::id.desc()),
        Cursor::Before(first) => query.filter(letters::id.gt(*first)).order(letters::id.asc()),
    };
    let found: Vec<Row> = query.load(conn)?;
    let rows = found.into_iter().map(|row| in_list(row, reveal)).collect();
    Ok(Listing::new(rows, cursor, |row: &LetterRow| row.id))
}

fn in_list(row: Row, reveal: Option<(&Sealer, &str)>) -> LetterRow {
    let (letter, delivered_at, parked_at) = row;
    let state = match (delivered_at, parked_at) {
        (Some(at), _) => State::Sent(at),
        (None, Some(_)) => State::GivenUp(letter.last_error.clone().unwrap_or_default()),
        (None, None) => State::Waits(letter.last_error.clone()),
    };
    let is_waiting = matches!(state, State::Waits(_));
    let text = reveal.filter(|_| is_waiting).map(|(sealer, public_url)| {
        let paragraphs = letter.paragraphs();
        let url = letter.url(sealer, public_url).unwrap_or_default();
        Words {
            subject: &letter.subject,
            program: &letter.program,
            paragraphs: &paragraphs,
            link: url.as_deref().map(|url| (letter.label(), url)),
        }
        .text()
    });
    LetterRow {
        id: letter.id,
        recipient: letter.recipient,
        subject: letter.subject,
        program: letter.program,
        created_at: letter.created_at,
        state,
        text,
    }
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
