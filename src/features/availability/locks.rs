//! How triggers and requests keep apart.
//!
//! Triggers keep their codes by a unique key of their table, pending requests theirs by one of
//! `code_requests`. What keeps the two apart is a lock per merchant: whoever makes a trigger shares
//! it and then looks for a request; whoever makes a request has it alone and then looks for a
//! trigger. So of both at once, the second finds the first, and many triggers can be made side by
//! side.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

/// Names the lock among the advisory ones, beside the merchant.
const EXCLUSIVE: &str = "select pg_advisory_xact_lock(7022116, hashint8($1))";
const SHARED: &str = "select pg_advisory_xact_lock_shared(7022116, hashint8($1))";

/// Until the end of the transaction, nobody else makes a request or a trigger of the merchant. It
/// comes first of all locks, and never after [`lock_codes_shared`] of the same transaction.
pub fn lock_codes_exclusive(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    sql_query(EXCLUSIVE).bind::<BigInt, _>(merchant_id).execute(conn)?;
    Ok(())
}

/// Until the end of the transaction, nobody makes a request of the merchant.
pub fn lock_codes_shared(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    sql_query(SHARED).bind::<BigInt, _>(merchant_id).execute(conn)?;
    Ok(())
}
