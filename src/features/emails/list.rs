//! Emails as support staff see them: recipients, subjects and states, without their text.
//! Without a mail server, the text of a pending one can be revealed, one at a time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::job::queue;
use super::render::RenderedEmail;
use super::stored::StoredEmail;
use crate::kit::db::schema::emails;
use crate::kit::jobs::{self, Priority};
use crate::kit::lists::{ColumnType, Listing, PAGE_SIZE, Range, SortOrder};
use crate::kit::secrets::Encryptor;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailState {
    /// It's pending, with the reason if the last attempt failed.
    Waits(Option<String>),
    /// The mail server accepted it.
    Sent(DateTime<Utc>),
    /// It failed, with the reason.
    Failed(String),
}

impl EmailState {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Waits(_) => "waiting",
            Self::Sent(_) => "sent",
            Self::Failed(_) => "failed",
        }
    }
}

#[derive(Clone, Debug)]
pub struct EmailRow {
    pub id: i64,
    pub recipient: String,
    pub subject: String,
    /// The name of its program. Empty for emails of the instance.
    pub program: String,
    pub created_at: DateTime<Utc>,
    pub state: EmailState,
    /// The merchant whose transaction created it. `None` for emails of the instance.
    pub merchant_id: Option<i64>,
}

/// An email with its text, which contains the link.
#[derive(Clone, Debug)]
pub struct RevealedEmail {
    pub id: i64,
    pub recipient: String,
    pub subject: String,
    /// The merchant whose transaction created it. `None` for emails of the instance.
    pub merchant_id: Option<i64>,
    /// The text as it would be sent.
    pub text: String,
}

type Row = (StoredEmail, Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

pub(crate) const NEWEST: SortOrder = SortOrder::descending(&[("id", ColumnType::Number)]);

/// Some of the emails. The caller holds `Scope::Support`.
pub(crate) fn emails(conn: &mut PgConnection, range: &Range) -> QueryResult<Listing<EmailRow>> {
    let query = emails::table
        .select((
            StoredEmail::as_select(),
            emails::about_merchant_id,
            emails::delivered_at,
            emails::failed_at,
        ))
        .into_boxed();
    let found: Vec<Row> = range.walk(query).load(conn)?;
    Ok(range.listing(found.into_iter().map(in_list).collect(), |row: &EmailRow| (row.id,)))
}

/// The first page of the newest emails. The caller holds `Scope::Support`.
pub fn newest_emails(conn: &mut PgConnection) -> QueryResult<Vec<EmailRow>> {
    Ok(emails(conn, &Range::first(NEWEST, PAGE_SIZE))?.rows)
}

fn in_list((message, merchant_id, delivered_at, failed_at): Row) -> EmailRow {
    let state = match (delivered_at, failed_at) {
        (Some(at), _) => EmailState::Sent(at),
        (None, Some(_)) => EmailState::Failed(message.problem().unwrap_or_default()),
        (None, None) => EmailState::Waits(message.problem()),
    };
    EmailRow {
        id: message.id,
        subject: message.subject(),
        recipient: message.recipient,
        program: message.program,
        created_at: message.created_at,
        state,
        merchant_id,
    }
}

/// The text of a pending email, with links that begin with `public_url`. `None` if no pending email
/// has that ID. The caller holds `Scope::Instance` or `Scope::Support`, and writes an audit row.
pub fn reveal(
    conn: &mut PgConnection,
    email_id: i64,
    encryptor: &Encryptor,
    public_url: &str,
) -> QueryResult<Option<RevealedEmail>> {
    let waiting: Option<(StoredEmail, Option<i64>)> = emails::table
        .find(email_id)
        .filter(emails::delivered_at.is_null().and(emails::failed_at.is_null()))
        .select((StoredEmail::as_select(), emails::about_merchant_id))
        .first(conn)
        .optional()?;
    let Some((message, merchant_id)) = waiting else { return Ok(None) };
    let Some(text) = message.text() else { return Ok(None) };
    let url = message.url(encryptor, public_url).unwrap_or_default();
    let rendered = RenderedEmail::new(&message.program, &text, url.as_deref()).plain();
    let (id, subject, recipient) = (message.id, message.subject(), message.recipient);
    Ok(Some(RevealedEmail { id, recipient, subject, merchant_id, text: rendered }))
}

/// These emails for the export of a person's data, oldest first. The text is null once it's
/// deleted.
pub(crate) fn export(conn: &mut PgConnection, ids: &[i64]) -> QueryResult<Vec<Value>> {
    let found: Vec<(StoredEmail, Option<DateTime<Utc>>)> = emails::table
        .filter(emails::id.eq_any(ids))
        .order(emails::id)
        .select((StoredEmail::as_select(), emails::delivered_at))
        .load(conn)?;
    let exported = found.iter().map(|(email, delivered_at)| {
        json!({
            "recipient": email.recipient,
            "subject": email.subject(),
            "paragraphs": email.text().map(|text| text.paragraphs),
            "created_at": email.created_at,
            "delivered_at": delivered_at,
        })
    });
    Ok(exported.collect())
}

/// Retries a failed email; returns the merchant that it's about. Fails with `NotFound` if there's none,
/// or its text was deleted. The caller holds `Scope::Instance`.
pub(crate) fn retry(
    conn: &mut PgConnection,
    email_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let (merchant_id, message_id): (Option<i64>, String) =
        diesel::update(emails::table.find(email_id))
            .filter(emails::failed_at.is_not_null().and(emails::text_deleted_at.is_null()))
            .set(emails::failed_at.eq(None::<DateTime<Utc>>))
            .returning((emails::about_merchant_id, emails::message_id))
            .get_result(conn)?;
    let queue = queue(merchant_id.unwrap_or(0));
    jobs::enqueue_with(conn, &queue, Priority::High, &[message_id], now)?;
    Ok(merchant_id)
}

/// The ID of the email with this Message-ID.
pub(crate) fn find_id(conn: &mut PgConnection, message_id: &str) -> QueryResult<Option<i64>> {
    let of_message = emails::table.filter(emails::message_id.eq(message_id));
    of_message.select(emails::id).first(conn).optional()
}

/// How many emails failed, and the reason of the last one. The caller holds `Scope::Instance`.
pub(crate) fn failed(conn: &mut PgConnection) -> QueryResult<(i64, String)> {
    let failed = || emails::table.filter(emails::failed_at.is_not_null());
    let last: Option<StoredEmail> = failed()
        .order(emails::failed_at.desc())
        .select(StoredEmail::as_select())
        .first(conn)
        .optional()?;
    let reason = last.and_then(|email| email.problem()).unwrap_or_default();
    Ok((failed().count().get_result(conn)?, reason))
}
