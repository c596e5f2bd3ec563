//! The kinds of background jobs that call stores.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::model::Store;
use crate::kit::jobs::{self, JobKind, Queue};

/// Creates a queued code in the store. The key is the ID of the push.
pub const PUSH: JobKind = JobKind {
    name: "push",
    first_wait: Duration::seconds(5),
    max_wait: Duration::hours(1),
    max_attempts: 10,
    is_of_instance: false,
};
/// Fetches an order that a webhook only names. The key is the store's ID of the order. All attempts
/// take most of a day.
pub(crate) const FETCH_ORDER: JobKind = JobKind {
    name: "orders",
    first_wait: Duration::seconds(15),
    max_wait: Duration::hours(1),
    max_attempts: 24,
    is_of_instance: false,
};
/// Reads the lines of an order's refunds. The key is the ID of the order.
pub(crate) const READ_REFUNDS: JobKind = JobKind { name: "refunds", ..FETCH_ORDER };
/// Checks the store's webhooks.
pub(crate) const CHECK_WEBHOOKS: JobKind = JobKind::periodic("webhooks");
/// Imports the orders that changed, whether or not a webhook came.
pub(crate) const IMPORT_ORDERS: JobKind = JobKind::periodic("backfills");
/// Compares the store's codes with the triggers.
pub(crate) const CHECK_CODES: JobKind = JobKind::periodic("code_syncs");

/// How long the code check waits after a store got its credentials. Jobs that members may wait for
/// come first.
const BEFORE_FIRST_CHECK: Duration = Duration::minutes(10);

/// Makes the store's single job of a periodic kind due at `at` or earlier (see [`jobs::enqueue`]).
pub(crate) fn enqueue_periodic(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    kind: JobKind,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    jobs::enqueue(conn, &Queue::of_store(merchant_id, store_id, kind), &[""], at)
}

impl Store {
    pub(crate) fn queue(&self, kind: JobKind) -> Queue {
        Queue::of_store(self.merchant_id, self.id, kind)
    }
}

/// Makes all jobs of the store due, including periodic ones, and clears the reasons why they had to
/// wait, because its access was restored. The code check comes later. Like [`jobs::enqueue`], it's
/// called last in its transaction.
pub(crate) fn wake_jobs(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    for (kind, at) in
        [(IMPORT_ORDERS, now), (CHECK_CODES, now + BEFORE_FIRST_CHECK), (CHECK_WEBHOOKS, now)]
    {
        enqueue_periodic(conn, merchant_id, store_id, kind, at)?;
    }
    jobs::wake_store(conn, merchant_id, store_id, now)
}
