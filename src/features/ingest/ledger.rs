//! Appends entries to the ledgers of conversions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use serde::{Deserialize, Serialize};
use vouch_core::attribution::ChainedEntry;

use crate::features::recalculations::RecalculationReason;
use crate::kit::db::statement::{rows, statement};
use crate::kit::stored_text::StoredText;

/// What makes an entry, unless a webhook does. `text` renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum EntryReason {
    Recalculation {
        cause: RecalculationReason,
    },
    /// A member credited an amount without an order.
    ManualCredit {
        by: String,
        note: String,
    },
}

/// The source of new entries.
#[derive(Clone, Debug)]
pub(crate) enum EntrySource<'a> {
    /// A webhook with this topic.
    Topic(&'a str),
    Reason(EntryReason),
}

/// The ledger to append to, and the source.
pub(crate) struct Appending<'a> {
    pub(crate) merchant_id: i64,
    pub(crate) conversion_id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) delivery_id: Option<i64>,
    pub(crate) source: &'a EntrySource<'a>,
}

/// Appends entries after the last one. The caller writes the conversion's row, which names the last
/// entry, before that in the same transaction. Otherwise the database rejects the entries.
pub(crate) fn append(
    conn: &mut PgConnection,
    to: &Appending<'_>,
    entries: &[ChainedEntry],
) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (topic, reason) = match to.source {
        EntrySource::Topic(topic) => (Some(*topic), None),
        EntrySource::Reason(reason) => (None, Some(reason.clone())),
    };
    statement!(
        "INSERT INTO commission_entries (merchant_id, conversion_id, at, delivery_id, cause, \
             reason, :new.columns) \
         SELECT :merchant_id, :conversion_id, :at, :delivery_id, :cause, :reason, \
             :new.columns FROM :new",
        merchant_id: BigInt = to.merchant_id,
        conversion_id: BigInt = to.conversion_id,
        at: Timestamptz = to.at,
        delivery_id: Nullable<BigInt> = to.delivery_id,
        cause: Nullable<Text> = topic,
        reason: Nullable<Jsonb> = reason.map(StoredText::from),
        ..new = rows!(for entry in entries =>
            kind: Text = entry.kind,
            currency: Text = entry.currency,
            prior_currency: Nullable<Text> = entry.prior_currency,
            seq: Integer = entry.seq,
            amount_minor: BigInt = entry.amount_minor,
            balance_minor: BigInt = entry.balance_minor,
        ),
    )
    .execute(conn)
    .map(drop)
}
