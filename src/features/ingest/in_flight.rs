//! Shows which transactions are currently attributing orders of a merchant.
//!
//! Each of them holds a shared advisory lock from before its first read until its end. No one takes
//! that lock exclusively, so no one waits for it. It's only looked up in `pg_locks`.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use crate::kit::db::statement::statement;

/// [`enter`] as SQL, to send with the statement that begins the transaction. It's a separate
/// statement, since the next one must not use a snapshot that's older than the lock.
pub(super) fn enter_sql(merchant_id: i64) -> String {
    format!("SELECT pg_advisory_xact_lock_shared(7022117, hashint8({merchant_id}))")
}

/// Marks the running transaction as attributing orders of the merchant. The caller must do this
/// before it reads any fact that they depend on.
pub(super) fn enter(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "SELECT pg_advisory_xact_lock_shared(7022117, hashint8(:merchant_id))",
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}

/// The other transactions that are attributing orders of the merchant.
pub(crate) fn others(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<String>> {
    statement!(
        "SELECT l.virtualtransaction FROM pg_locks l \
         WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid() \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND l.classid::bigint = 7022117 AND l.objsubid = 2 \
             AND l.objid::bigint = hashint8(:merchant_id)::bigint & 4294967295",
        merchant_id: BigInt,
    )
    .scalar::<Text>()
    .load(conn)
}

/// Whether one of `transactions` is still running.
pub(crate) fn any_of(
    conn: &mut PgConnection,
    transactions: &[Option<String>],
) -> QueryResult<bool> {
    statement!(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' \
             AND classid::bigint = 7022117 AND virtualtransaction = ANY(:transactions))",
        transactions: Array<Nullable<Text>>,
    )
    .scalar::<Bool>()
    .get_result(conn)
}
