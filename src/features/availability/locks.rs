//! How triggers and requests keep apart.
//!
//! Triggers keep their codes by a unique key of their table, pending requests theirs by one of
//! `code_requests`. What keeps the two apart is a lock per merchant: whoever makes a trigger shares
//! it and then looks for a request; whoever makes a request has it alone and then looks for a
//! trigger. So of both at once, the second finds the first, and many triggers can be made side by
//! side.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};

use crate::kit::db::statement::statement;

/// Names the lock among the advisory ones, beside the merchant.
const LOCK: i32 = 7_022_116;

/// Until the end of the transaction, nobody else makes a request or a trigger of the merchant. It
/// comes first of all locks, and never after [`lock_codes_shared`] of the same transaction.
pub fn lock_codes_exclusive(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "SELECT pg_advisory_xact_lock(:lock, hashint8(:merchant_id))",
        lock: Integer = LOCK,
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}

/// Until the end of the transaction, nobody makes a request of the merchant.
pub fn lock_codes_shared(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "SELECT pg_advisory_xact_lock_shared(:lock, hashint8(:merchant_id))",
        lock: Integer = LOCK,
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}
