use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use vouch_core::order::state::OrderState;

use crate::features::stores::Store;
use crate::features::stores::jobs::READ_REFUNDS;
use crate::kit::db::schema::orders;
use crate::kit::db::text_enum;
use crate::kit::jobs::{self, Queue};

text_enum! {
    /// Why an order's refunds couldn't be read.
    pub(crate) enum ReadProblem {
        /// The store didn't respond, or its response can't be parsed.
        NoAnswer = "no_answer", "the store didn’t respond";
        /// The store rejected the credentials.
        AccessDenied = "access_denied", "the store rejected the API credentials";
        /// The store has no such order, or refuses to show it.
        Refused = "refused", "the store can’t find the order or denies access to it";
        /// The response doesn't contain one of the refunds.
        NotListed = "not_listed", "the store doesn’t list one of the refunds";
        /// The response contains something that isn't an amount, or Vouch failed to process it.
        Unreadable = "unreadable", "we couldn’t parse the store’s response";
    }
}

/// The progress of reading an order's refunds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefundReadStatus {
    /// Whether there are no further attempts.
    pub(crate) has_failed: bool,
    /// Why the last attempt failed.
    pub(crate) problem: Option<ReadProblem>,
}

/// The store's orders whose refund lines must be read. A key is the ID of an order.
pub(in crate::features::ingest) fn queue(merchant_id: i64, store_id: i64) -> Queue {
    Queue::of_store(merchant_id, store_id, READ_REFUNDS)
}

/// `None` if none of the order's refunds must be read.
pub(crate) fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<Option<RefundReadStatus>> {
    let queue = queue_of(conn, merchant_id, order_id)?;
    let job = jobs::find(conn, &queue, &order_id.to_string())?;
    Ok(job.map(|job| RefundReadStatus {
        has_failed: job.dead_at.is_some(),
        problem: job.reason.and_then(|reason| ReadProblem::parse(&reason)),
    }))
}

fn queue_of(conn: &mut PgConnection, merchant_id: i64, order_id: i64) -> QueryResult<Queue> {
    let of_order = orders::table.find((merchant_id, order_id));
    Ok(queue(merchant_id, of_order.select(orders::store_id).first(conn)?))
}

/// Reads the order's refunds again if that was dead-lettered. Otherwise nothing changes.
pub(crate) fn retry(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let (queue, key) = (queue_of(conn, merchant_id, order_id)?, order_id.to_string());
    let job = jobs::find(conn, &queue, &key)?;
    if job.is_some_and(|job| job.dead_at.is_some()) {
        jobs::enqueue(conn, &queue, &[&key], now)?;
    }
    Ok(())
}

/// An order whose refunds must be read.
#[derive(Debug, Queryable)]
pub(super) struct PendingRefundRead {
    order_id: i64,
    pub(crate) order_ref: String,
    /// The currency in the last report of the order.
    pub(crate) currency: Option<String>,
}

impl PendingRefundRead {
    pub(super) fn find(conn: &mut PgConnection, store: &Store, order_id: i64) -> QueryResult<Self> {
        orders::table
            .find((store.merchant_id, order_id))
            .select((orders::id, orders::order_ref, orders::currency))
            .first(conn)
    }

    /// Whether the lines of all refunds are known.
    pub(super) fn has_all_lines(
        &self,
        conn: &mut PgConnection,
        store: &Store,
    ) -> QueryResult<bool> {
        let state: Value = orders::table
            .find((store.merchant_id, self.order_id))
            .select(orders::state)
            .first(conn)?;
        let state: OrderState = serde_json::from_value(state)
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
        Ok(!state.lacks_refund_lines())
    }
}
