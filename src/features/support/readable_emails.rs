//! Which emails support staff can read.

use std::collections::HashSet;

use diesel::prelude::*;

use crate::features::emails::{EmailRow, RevealedEmail};
use crate::kit::db::schema::{members, users};
use crate::kit::email::email_key;

/// The fields that decide who can read an email.
pub(super) struct Email<'a> {
    id: i64,
    recipient: &'a str,
    merchant_id: Option<i64>,
}

impl<'a> From<&'a EmailRow> for Email<'a> {
    fn from(row: &'a EmailRow) -> Self {
        Self { id: row.id, recipient: &row.recipient, merchant_id: row.merchant_id }
    }
}

impl<'a> From<&'a RevealedEmail> for Email<'a> {
    fn from(email: &'a RevealedEmail) -> Self {
        Self { id: email.id, recipient: &email.recipient, merchant_id: email.merchant_id }
    }
}

/// The emails that support staff can read: those of a merchant, which its audit log records. Emails
/// to other support staff or to a member of another merchant are excluded, because their links
/// could open more than that merchant. The rest, above all password links, is read with `vouch
/// email show` on the server.
pub(super) fn readable(conn: &mut PgConnection, emails: &[Email<'_>]) -> QueryResult<HashSet<i64>> {
    let keys: Vec<String> = emails.iter().map(|email| email_key(email.recipient)).collect();
    let known: Vec<(i64, String, bool)> = users::table
        .filter(users::email_key.eq_any(&keys))
        .select((users::id, users::email_key, users::is_support))
        .load(conn)?;
    let ids: Vec<i64> = known.iter().map(|(id, ..)| *id).collect();
    let memberships: Vec<(i64, i64)> = members::table
        .filter(members::user_id.eq_any(&ids))
        .select((members::user_id, members::merchant_id))
        .load(conn)?;
    let is_readable = |email: &Email<'_>, key: &String| {
        let Some(merchant_id) = email.merchant_id else { return false };
        let user = known.iter().find(|(_, of, _)| of == key);
        user.is_none_or(|(id, _, is_support)| {
            let elsewhere = |(user_id, of): &(i64, i64)| user_id == id && *of != merchant_id;
            !is_support && !memberships.iter().any(elsewhere)
        })
    };
    let allowed = emails.iter().zip(&keys).filter(|(email, key)| is_readable(email, key));
    Ok(allowed.map(|(email, _)| email.id).collect())
}
