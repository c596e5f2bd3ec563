//! Advisory locks until the end of the transaction.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::statement::statement;

/// What a lock protects. The number is the first of its two keys, so locks of different kinds never
/// wait for each other. 7,022,117 marks transactions that attribute orders.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(crate) enum LockKind {
    FirstRun = 7_022_115,
    /// A merchant's codes.
    Codes = 7_022_116,
    /// The links for one purpose and subject.
    Links = 7_022_118,
    /// A record that's edited with a form.
    Edits = 7_022_119,
}

impl LockKind {
    /// Locks the record with that ID.
    pub(crate) fn lock(self, conn: &mut PgConnection, id: i64) -> QueryResult<()> {
        statement!(
            "SELECT pg_advisory_xact_lock(:kind, hashint8(:id))",
            kind: Integer = self as i32,
            id: BigInt,
        )
        .execute(conn)
        .map(drop)
    }

    /// Locks the record with that ID, and lets others share the lock.
    pub(crate) fn share(self, conn: &mut PgConnection, id: i64) -> QueryResult<()> {
        statement!(
            "SELECT pg_advisory_xact_lock_shared(:kind, hashint8(:id))",
            kind: Integer = self as i32,
            id: BigInt,
        )
        .execute(conn)
        .map(drop)
    }

    /// Locks what has that name.
    pub(crate) fn lock_name(self, conn: &mut PgConnection, name: &str) -> QueryResult<()> {
        statement!(
            "SELECT pg_advisory_xact_lock(:kind, hashtext(:name))",
            kind: Integer = self as i32,
            name: Text,
        )
        .execute(conn)
        .map(drop)
    }
}
