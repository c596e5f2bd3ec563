//! Emails that Vouch sent or is to send. They belong to the instance, so everything here works within
//! `Scope::Instance`.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text};
use serde_json::Value;
use vouch_core::email::EmailKey;

use super::erase::NamePatterns;
use super::person::Person;
use crate::kit::db::prepared;

/// Whether an email is of the merchant `m`: by the merchant that it was written for. Those from before
/// emails knew that name their program only, and count where no other has that name.
macro_rules! is_of_merchant {
    () => {
        "(l.about_merchant_id = m.id OR (l.about_merchant_id IS NULL AND l.program = m.name \
             AND NOT EXISTS (SELECT FROM merchants o WHERE o.name = m.name AND o.id <> m.id)))"
    };
}

/// Deletes a merchant's emails to a person, and those that name them; of the instance's own (a link to
/// a new password) only where `with_account`. Answers how many.
pub fn erase_emails(
    conn: &mut PgConnection,
    merchant_id: i64,
    person: &Person,
    with_account: bool,
) -> QueryResult<usize> {
    let Some(words) = NamePatterns::of(person) else { return Ok(0) };
    let found: Vec<(i64, String, bool)> = prepared::<(BigInt, Text, Bool)>(concat!(
        "SELECT l.id, l.recipient, \
             concat_ws(' ', l.recipient, l.subject, l.paragraphs::text) ~* ? \
         FROM emails l JOIN merchants m ON m.id = ? \
         WHERE ",
        is_of_merchant!(),
        " OR (l.about_merchant_id IS NULL AND l.program = '' AND ?)"
    ))
    .bind::<Text, _>(words.json())
    .bind::<BigInt, _>(merchant_id)
    .bind::<Bool, _>(with_account)
    .load(conn)?;
    let theirs = found.iter().filter(|(_, to, is_named)| *is_named || is_to(person, to));
    prepared::<()>("DELETE FROM emails WHERE id = ANY(?)")
        .bind::<Array<BigInt>, _>(theirs.map(|(id, ..)| *id).collect::<Vec<i64>>())
        .execute(conn)
}

/// The emails that a merchant sent a person: to whom, about what, when.
pub fn sent_emails(
    conn: &mut PgConnection,
    merchant_id: i64,
    person: &Person,
) -> QueryResult<Value> {
    let rows: Vec<(String, Value)> = prepared::<(Text, Jsonb)>(concat!(
        "SELECT l.recipient, jsonb_build_object('recipient', l.recipient, 'subject', l.subject, \
             'paragraphs', l.paragraphs, 'created_at', l.created_at, \
             'delivered_at', l.delivered_at) \
         FROM emails l JOIN merchants m ON m.id = ? WHERE ",
        is_of_merchant!(),
        " ORDER BY l.id"
    ))
    .bind::<BigInt, _>(merchant_id)
    .load(conn)?;
    let theirs = rows.into_iter().filter(|(recipient, _)| is_to(person, recipient));
    Ok(theirs.map(|(_, email)| email).collect())
}

fn is_to(person: &Person, recipient: &str) -> bool {
    EmailKey::parse(recipient).is_ok_and(|key| person.mailboxes.contains(key.as_str()))
}
