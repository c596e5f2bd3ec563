//! Emails as support staff see them: recipients, subjects and states, without their text.
//! Without a mail server, the text of a pending one can be revealed, one at a time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::leased::LeasedEmail;
use super::render::Words;
use crate::kit::db::schema::emails;
use crate::kit::lists::{Kind, Listing, Order, PAGE_SIZE, Range};
use crate::kit::secrets::Encryptor;

/// The state of an email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It's pending; why the last attempt failed, if there was one.
    Waits(Option<String>),
    /// The mail server accepted it.
    Sent(DateTime<Utc>),
    /// It failed, with the reason.
    Failed(String),
}

/// An email in the list.
#[derive(Clone, Debug)]
pub struct EmailRow {
    /// Its key.
    pub id: i64,
    /// To whom.
    pub recipient: String,
    /// About what.
    pub subject: String,
    /// From which program; empty for emails of the instance.
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

type Row = (LeasedEmail, Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The newest first.
pub(crate) const NEWEST: Order = Order::descending(&[("id", Kind::Number)]);

/// Some of the emails, within `Scope::Support`.
pub(crate) fn emails(conn: &mut PgConnection, range: &Range) -> QueryResult<Listing<EmailRow>> {
    let query = emails::table
        .select((
            LeasedEmail::as_select(),
            emails::about_merchant_id,
            emails::delivered_at,
            emails::failed_at,
        ))
        .into_boxed();
    let found: Vec<Row> = range.walk(query).load(conn)?;
    Ok(range.listing(found.into_iter().map(in_list).collect(), |row: &EmailRow| (row.id,)))
}

/// The newest emails, a page of them, within `Scope::Support`.
pub fn newest_emails(conn: &mut PgConnection) -> QueryResult<Vec<EmailRow>> {
    Ok(emails(conn, &Range::first(NEWEST, PAGE_SIZE))?.rows)
}

fn in_list((message, merchant_id, delivered_at, failed_at): Row) -> EmailRow {
    let state = match (delivered_at, failed_at) {
        (Some(at), _) => State::Sent(at),
        (None, Some(_)) => State::Failed(message.last_error.clone().unwrap_or_default()),
        (None, None) => State::Waits(message.last_error.clone()),
    };
    EmailRow {
        id: message.id,
        recipient: message.recipient,
        subject: message.subject,
        program: message.program,
        created_at: message.created_at,
        state,
        merchant_id,
    }
}

/// The text of an email that waits, under this public address, within `Scope::Instance` or
/// `Scope::Support`; `None` if none of that key waits. The caller leaves an audit row.
pub fn reveal(
    conn: &mut PgConnection,
    email_id: i64,
    encryptor: &Encryptor,
    public_url: &str,
) -> QueryResult<Option<RevealedEmail>> {
    let waiting: Option<(LeasedEmail, Option<i64>)> = emails::table
        .find(email_id)
        .filter(emails::delivered_at.is_null().and(emails::failed_at.is_null()))
        .filter(emails::paragraphs.is_not_null())
        .select((LeasedEmail::as_select(), emails::about_merchant_id))
        .first(conn)
        .optional()?;
    let Some((message, merchant_id)) = waiting else { return Ok(None) };
    let paragraphs = message.paragraphs();
    let url = message.url(encryptor, public_url).unwrap_or_default();
    let words = Words {
        subject: &message.subject,
        program: &message.program,
        paragraphs: &paragraphs,
        link: url.as_deref().map(|url| (message.label(), url)),
    };
    let text = words.text();
    let LeasedEmail { id, recipient, subject, .. } = message;
    Ok(Some(RevealedEmail { id, recipient, subject, merchant_id, text }))
}

/// Has a failed email tried again, within `Scope::Instance`.
///
/// # Errors
/// `NotFound` if there is none, or its words are forgotten.
pub(crate) fn retry(conn: &mut PgConnection, email_id: i64, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(emails::table.find(email_id))
        .filter(emails::failed_at.is_not_null().and(emails::paragraphs.is_not_null()))
        .set((
            emails::failed_at.eq(None::<DateTime<Utc>>),
            emails::attempts.eq(0),
            emails::available_at.eq(now),
        ))
        .returning(emails::id)
        .get_result::<i64>(conn)
        .map(drop)
}

/// How many emails failed, and why the last of them. Within `Scope::Instance`.
pub(crate) fn failed(conn: &mut PgConnection) -> QueryResult<(i64, String)> {
    let failed = || emails::table.filter(emails::failed_at.is_not_null());
    let last = failed()
        .order(emails::failed_at.desc())
        .select(emails::last_error)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok((failed().count().get_result(conn)?, last.flatten().unwrap_or_default()))
}
