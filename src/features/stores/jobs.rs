//! What is done for stores in the background.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::model::Store;
use crate::kit::jobs::{self, JobKind, Queue};

/// Bring a queued code into the store. Its key is the push.
pub const PUSH: JobKind = JobKind {
    name: "push",
    first_wait: Duration::seconds(5),
    max_wait: Duration::hours(1),
    max_attempts: 10,
    is_of_instance: false,
};
/// Fetch an order that webhooks only name. Its key is the store's own id of the order. All attempts take
/// most of a day.
pub(crate) const FETCH_ORDER: JobKind = JobKind {
    name: "orders",
    first_wait: Duration::seconds(15),
    max_wait: Duration::hours(1),
    max_attempts: 24,
    is_of_instance: false,
};
/// Read what the refunds of an order were for. Its key is the order.
pub(crate) const READ_REFUNDS: JobKind = JobKind { name: "refunds", ..FETCH_ORDER };
/// See to the store's webhooks.
pub(crate) const CHECK_WEBHOOKS: JobKind = JobKind::periodic("webhooks");
/// Read the orders that changed, whether or not a message came.
pub(crate) const IMPORT_ORDERS: JobKind = JobKind::periodic("backfills");
/// Compare the store's codes with the triggers.
pub(crate) const CHECK_CODES: JobKind = JobKind::periodic("code_syncs");

/// The first check of codes comes so long after a store was connected. What members may wait for comes first.
const BEFORE_FIRST_CHECK: Duration = Duration::minutes(10);

/// Has the store's one job of a periodic kind run at `at` or earlier. See [`jobs::enqueue`].
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

/// Has all jobs of the store run, periodic ones too, and forgets why any of them had to wait: its access
/// was restored. As [`jobs::enqueue`], last in its transaction.
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
