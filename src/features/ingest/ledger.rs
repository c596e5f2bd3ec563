//! Appends to the ledgers of conversions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use vouch_core::attribution::ChainedEntry;

use crate::kit::db::prepared;

/// Whose ledger grows, and why.
pub(crate) struct Appending<'a> {
    pub merchant_id: i64,
    pub conversion_id: i64,
    pub at: DateTime<Utc>,
    pub delivery_id: Option<i64>,
    pub cause: &'a str,
}

/// Appends entries that follow the last one there is. The conversion's row is written before, in the
/// same transaction, and names the last of them: otherwise the database refuses.
pub(crate) fn append(
    conn: &mut PgConnection,
    to: &Appending<'_>,
    entries: &[ChainedEntry],
) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
    let currencies: Vec<&str> = entries.iter().map(|entry| entry.currency.as_str()).collect();
    let prior: Vec<Option<&str>> =
        entries.iter().map(|entry| entry.prior_currency.as_deref()).collect();
    prepared::<()>(
        "INSERT INTO commission_entries (merchant_id, conversion_id, at, delivery_id, cause, \
             kind, currency, prior_currency, seq, amount_minor, balance_minor) \
         SELECT ?, ?, ?, ?, ?, n.* FROM unnest(?::text[], ?::text[], ?::text[], \
             ?::integer[], ?::bigint[], ?::bigint[]) AS n",
    )
    .bind::<BigInt, _>(to.merchant_id)
    .bind::<BigInt, _>(to.conversion_id)
    .bind::<Timestamptz, _>(to.at)
    .bind::<Nullable<BigInt>, _>(to.delivery_id)
    .bind::<Text, _>(to.cause)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(currencies)
    .bind::<Array<Nullable<Text>>, _>(prior)
    .bind::<Array<Integer>, _>(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(entries.iter().map(|entry| entry.amount_minor).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(entries.iter().map(|entry| entry.balance_minor).collect::<Vec<_>>())
    .execute(conn)?;
    Ok(())
}
