//! Appends entries to the ledgers of conversions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use vouch_core::attribution::ChainedEntry;

use crate::kit::db::statement::{rows, statement};

/// The ledger to append to, and the reason.
pub(crate) struct Appending<'a> {
    pub(crate) merchant_id: i64,
    pub(crate) conversion_id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) delivery_id: Option<i64>,
    pub(crate) cause: &'a str,
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
    statement!(
        "INSERT INTO commission_entries (merchant_id, conversion_id, at, delivery_id, cause, \
             :new.columns) \
         SELECT :merchant_id, :conversion_id, :at, :delivery_id, :cause, :new.columns FROM :new",
        merchant_id: BigInt = to.merchant_id,
        conversion_id: BigInt = to.conversion_id,
        at: Timestamptz = to.at,
        delivery_id: Nullable<BigInt> = to.delivery_id,
        cause: Text = to.cause,
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
