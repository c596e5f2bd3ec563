//! Where people are named in words: the audit log and the ledger, with the right of the schema's owner;
//! notes.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::erasure::Erasure;
use super::outcome::Erased;
use super::patterns::NamePatterns;
use crate::kit::audit;
use crate::kit::db::statement::{Statement, statement};

/// The name of a person who was erased, wherever pages show one.
pub(super) const NAME: &str = "Erased person";

/// Takes what fits a pattern out of a column of the merchant.
type WithoutWords = for<'a> fn(i64, &'a str) -> Statement<'a>;

/// Takes their names and addresses out of a column: of text, or of JSON by way of text.
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

/// Where members and affiliates write freely, or sentences name people. Orders, which are many, are
/// found by their keys instead.
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

/// The same in JSON.
const JSONS: [WithoutWords; 3] =
    [json!("recalculations", "cause"), json!("applications", "answers"), json!("imports", "run")];

/// Puts [`NAME`] in the place of a member's.
type WithoutName = for<'a> fn(i64, &'a str) -> Statement<'a>;

/// Where a member's name stands alone: who did it.
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

    /// Rows of files that were refused or wait: what's of them goes as a whole.
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
