//! Erases names from free text: notes, the audit log and the ledger. The last two need the rights
//! of the schema's owner.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::erasure::Erasure;
use super::outcome::Erased;
use super::patterns::NamePatterns;
use crate::kit::audit;
use crate::kit::db::statement::{Statement, statement};

/// The name that pages show for an erased person.
pub(super) const NAME: &str = "Erased person";

/// Replaces the matches of a pattern in a column of the merchant's data.
type WithoutWords = for<'a> fn(i64, &'a str) -> Statement<'a>;

/// Replaces their names and emails in a column of text, or of JSON converted to text.
macro_rules! without_words {
    ($table:literal, $column:literal, $to_text:literal, $from_text:literal) => {
        |merchant_id, pattern| {
            statement!(
                concat!(
                    "UPDATE ",
                    $table,
                    " SET ",
                    $column,
                    " = regexp_replace(",
                    $column,
                    $to_text,
                    ", :pattern, '[erased]', 'gi')",
                    $from_text,
                    " WHERE merchant_id = :merchant_id AND ",
                    $column,
                    $to_text,
                    " ~* :pattern"
                ),
                merchant_id: BigInt,
                pattern: Text,
            )
        }
    };
}

macro_rules! text {
    ($table:literal, $column:literal) => {
        without_words!($table, $column, "", "")
    };
}

macro_rules! json {
    ($table:literal, $column:literal) => {
        without_words!($table, $column, "::text", "::jsonb")
    };
}

/// Columns with free text by members and affiliates, or with sentences that name people. Orders
/// aren't included. There are many, so they're found by their keys.
const TEXTS: [WithoutWords; 9] = [
    text!("conversions", "note"),
    text!("conversions", "review_note"),
    text!("affiliates", "note"),
    text!("exclusions", "note"),
    text!("code_requests", "reason"),
    text!("api_keys", "name"),
    text!("imports", "file_name"),
    text!("deliveries", "detail"),
    text!("recalculations", "last_error"),
];

/// The same for JSON.
const JSONS: [WithoutWords; 5] = [
    json!("recalculations", "cause"),
    json!("recalculations", "failure"),
    json!("deliveries", "reason"),
    json!("applications", "answers"),
    json!("imports", "run"),
];

/// Replaces a member's name with [`NAME`].
type WithoutName = for<'a> fn(i64, &'a str) -> Statement<'a>;

/// Columns that contain only the name of the member who acted.
macro_rules! name {
    ($table:literal, $column:literal) => {
        |merchant_id, name| {
            statement!(
                concat!(
                    "UPDATE ",
                    $table,
                    " SET ",
                    $column,
                    " = :erased WHERE merchant_id = :merchant_id AND ",
                    $column,
                    " = :name"
                ),
                merchant_id: BigInt,
                name: Text,
                erased: Text = NAME,
            )
        }
    };
}

const NAMES: [WithoutName; 7] = [
    name!("conversions", "reviewed_by"),
    name!("backfills", "requested_by"),
    name!("code_syncs", "requested_by"),
    name!("code_syncs", "rerun_requested_by"),
    name!("exclusions", "added_by"),
    name!("imports", "uploaded_by"),
    name!("imports", "completed_by"),
];

impl Erasure<'_> {
    pub(super) fn erase_words(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        let (person, user_id) = (self.person, self.person.login.as_ref().map(|login| login.id));
        let (affiliates, orders) = (&person.affiliate_ids, &person.order_ids);
        let (words, now) = (NamePatterns::list(person), self.actor.now);
        let acts =
            audit::erase_acts(conn, user_id, affiliates, orders, (words.as_slice(), NAME), now)?;
        let named = audit::erase_person(conn, user_id, &words, NAME)?;
        erased.lines += usize::try_from(acts + named).unwrap_or_default();
        if let Some(words) = &self.words {
            for statement in TEXTS {
                erased.lines += statement(self.merchant_id(), &words.text).execute(conn)?;
            }
            for statement in JSONS {
                erased.lines += statement(self.merchant_id(), &words.json).execute(conn)?;
            }
            self.erase_import_rows(conn, words)?;
        }
        let Some(login) = &self.person.login else { return Ok(()) };
        for statement in NAMES {
            erased.lines += statement(self.merchant_id(), &login.name).execute(conn)?;
        }
        Ok(())
    }

    /// Rejected or waiting import rows that name the person are deleted completely.
    fn erase_import_rows(&self, conn: &mut PgConnection, words: &NamePatterns) -> QueryResult<()> {
        statement!(
            "DELETE FROM import_rows WHERE merchant_id = :merchant_id \
                 AND (affiliate ~* :words OR named_email ~* :words OR value ~* :words \
                     OR refusal ~* :words)",
            merchant_id: BigInt = self.merchant_id(),
            words: Text = words.text.as_str(),
        )
        .execute(conn)
        .map(drop)
    }
}
