//! Finds and deletes emails that Vouch sent or will send. They belong to the instance, so callers
//! hold `Scope::Instance`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use serde_json::Value;
use vouch_core::email::EmailKey;

use super::erase::NamePatterns;
use super::person::DataSubject;
use crate::features::emails::export;
use crate::kit::db::schema::emails;
use crate::kit::db::statement::statement;

/// Whether an email is about the merchant `m`. Older emails only contain the program's name, and
/// count if no other program has that name.
macro_rules! is_of_merchant {
    () => {
        "(l.about_merchant_id = m.id OR (l.about_merchant_id IS NULL AND l.program = m.name \
             AND NOT EXISTS (SELECT FROM merchants o WHERE o.name = m.name AND o.id <> m.id)))"
    };
}

/// Deletes a merchant's emails that were sent to a person or name them. The instance's own emails,
/// such as password links, are deleted only with `with_account`. Returns how many.
pub(crate) fn erase_emails(
    conn: &mut PgConnection,
    merchant_id: i64,
    person: &DataSubject,
    with_account: bool,
) -> QueryResult<usize> {
    let Some(words) = NamePatterns::of(person) else { return Ok(0) };
    #[derive(QueryableByName)]
    #[diesel(table_name = emails)]
    struct Found {
        id: i64,
        recipient: String,
        #[diesel(sql_type = Bool)]
        is_named: bool,
    }
    let found: Vec<Found> = statement!(
        concat!(
            "SELECT l.id, l.recipient, \
                 concat_ws(' ', l.recipient, l.subject, l.paragraphs::text, \
                     l.content::text) ~* :words AS is_named \
             FROM emails l JOIN merchants m ON m.id = :merchant_id \
             WHERE ",
            is_of_merchant!(),
            " OR (l.about_merchant_id IS NULL AND l.program = '' AND :with_account)"
        ),
        words: Text = words.json(),
        merchant_id: BigInt,
        with_account: Bool,
    )
    .load(conn)?;
    let theirs = found.iter().filter(|email| email.is_named || is_to(person, &email.recipient));
    let ids: Vec<i64> = theirs.map(|email| email.id).collect();
    diesel::delete(emails::table.filter(emails::id.eq_any(ids))).execute(conn)
}

/// The recipient, text and times of the emails that a merchant sent to a person.
pub(crate) fn sent_emails(
    conn: &mut PgConnection,
    merchant_id: i64,
    person: &DataSubject,
) -> QueryResult<Value> {
    #[derive(QueryableByName)]
    #[diesel(table_name = emails)]
    struct Sent {
        id: i64,
        recipient: String,
    }
    let rows: Vec<Sent> = statement!(
        concat!(
            "SELECT l.id, l.recipient FROM emails l JOIN merchants m ON m.id = :merchant_id WHERE ",
            is_of_merchant!()
        ),
        merchant_id: BigInt,
    )
    .load(conn)?;
    let theirs = rows.iter().filter(|sent| is_to(person, &sent.recipient));
    let ids: Vec<i64> = theirs.map(|sent| sent.id).collect();
    Ok(Value::Array(export(conn, &ids)?))
}

fn is_to(person: &DataSubject, recipient: &str) -> bool {
    EmailKey::parse(recipient).is_ok_and(|key| person.mailboxes.contains(key.as_str()))
}
