//! How triggers and code requests stay separate.
//!
//! A unique key of `triggers` protects a trigger's code, and one of `code_requests` a pending
//! request's. A lock per merchant keeps the two apart. Creating a trigger shares the lock and then
//! looks for a request. Creating a request holds the lock exclusively and then looks for a trigger.
//! So of two concurrent calls the second finds the first, and many triggers can be created
//! concurrently.

use diesel::prelude::*;

use crate::kit::db::advisory::LockKind;

/// Until the end of the transaction, no one else can create a request or trigger for the merchant.
/// Take it before all other locks, and never after [`lock_codes_shared`] in the same transaction.
pub fn lock_codes_exclusive(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    LockKind::Codes.lock(conn, merchant_id)
}

/// Until the end of the transaction, no one can create a request for the merchant.
pub(crate) fn lock_codes_shared(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    LockKind::Codes.share(conn, merchant_id)
}
