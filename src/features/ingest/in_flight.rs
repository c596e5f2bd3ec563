//! Which transactions are deciding on orders of a merchant at this moment.
//!
//! Each of them holds a shared advisory lock from before it reads the first fact until its end. Nobody
//! takes that lock exclusively, so nobody ever waits for it: it's only looked at, in `pg_locks`.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use crate::kit::db::statement::statement;

/// [`enter`] as a piece of SQL, to be sent with the statement that begins the transaction. A
/// statement of its own: the next one must not read with a snapshot that is older than the lock.
pub(super) fn enter_sql(merchant_id: i64) -> String {
    format!("SELECT pg_advisory_xact_lock_shared(7022117, hashint8({merchant_id}))")
}

/// Says that the running transaction decides on orders of the merchant. Comes before it reads any
/// fact that they depend on.
pub(super) fn enter(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "SELECT pg_advisory_xact_lock_shared(7022117, hashint8(:merchant_id))",
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}

/// The other transactions that are deciding on orders of the merchant.
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

/// Whether one of `transactions` has not ended.
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
