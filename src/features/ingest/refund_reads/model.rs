use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use serde_json::Value;
use vouch_core::order::state::OrderState;
use vouch_platforms::CallError;

use crate::features::stores::Store;
use crate::kit::db::schema::{orders, refund_reads};
use crate::kit::db::{prepared, text_enum};
use crate::kit::store_jobs::{JobKind, make_due};

/// As many orders are looked up at once.
const PORTION: i64 = 50;

text_enum! {
    /// Why an order's refunds couldn't be read.
    pub enum ReadProblem {
        /// Nothing came back, or nothing that can be understood.
        NoAnswer = "no_answer", "the store didn't answer";
        /// The credentials are not good for it.
        AccessDenied = "access_denied", "the store doesn't accept the API credentials";
        /// The store has no such order, or refuses to tell.
        Refused = "refused", "the store has no such order, or refuses to show it";
        /// The store answered without one of the refunds.
        NotListed = "not_listed", "the store doesn't list one of the refunds";
        /// The answer holds something that is no amount.
        Unreadable = "unreadable", "the store's answer can't be read";
    }
}

impl From<&CallError> for ReadProblem {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Denied(_) => Self::AccessDenied,
            CallError::Refused(_) | CallError::Taken => Self::Refused,
            CallError::Unanswered(_) | CallError::Throttled { .. } => Self::NoAnswer,
        }
    }
}

/// How the reading of an order's refunds stands.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = refund_reads)]
pub struct RefundRead {
    /// `None` once it has failed for good.
    pub due_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub problem: Option<ReadProblem>,
}

/// The order's row, if its refunds are still to be read.
pub(crate) fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<Option<RefundRead>> {
    refund_reads::table
        .find((merchant_id, order_id))
        .select(RefundRead::as_select())
        .first(conn)
        .optional()
}

/// Has the order's refunds read. To be called in the transaction that reports them, after the
/// order's own row; the store's job is made due at its end.
pub(in crate::features::ingest) fn request(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    order_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    prepared::<()>(
        "INSERT INTO refund_reads AS r (merchant_id, order_id, store_id, requested_at, due_at) \
         VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (merchant_id, order_id) DO UPDATE \
             SET requested_at = greatest(r.requested_at, excluded.requested_at), \
                 due_at = excluded.due_at, attempts = 0, problem = NULL",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(order_id)
    .bind::<BigInt, _>(store_id)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .map(drop)
}

/// Has the order's refunds read again where that failed for good; otherwise nothing changes.
pub(crate) fn retry(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    orders::table.find((merchant_id, order_id)).select(orders::id).first::<i64>(conn)?;
    let failed = refund_reads::table
        .find((merchant_id, order_id))
        .filter(refund_reads::due_at.is_null())
        .select(refund_reads::store_id);
    let Some(store_id) = failed.first(conn).optional()? else { return Ok(()) };
    request(conn, merchant_id, store_id, order_id, now)?;
    make_due(conn, merchant_id, store_id, JobKind::Refunds, now)
}

/// The order names no refund any more whose lines are unknown.
pub(in crate::features::ingest) fn cancel(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<()> {
    diesel::delete(refund_reads::table.find((merchant_id, order_id))).execute(conn).map(drop)
}

/// An order whose refunds are to be read.
#[derive(Debug, Clone)]
pub(super) struct Requested {
    pub order_id: i64,
    pub order_ref: String,
    /// Of the order as it was reported last.
    pub currency: Option<String>,
    pub attempts: i32,
}

/// Some of the orders that are due, the longest overdue first.
pub(super) fn due(
    conn: &mut PgConnection,
    store: &Store,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Requested>> {
    let rows: Vec<(i64, String, Option<String>, i32)> = refund_reads::table
        .inner_join(
            orders::table.on(orders::merchant_id
                .eq(refund_reads::merchant_id)
                .and(orders::id.eq(refund_reads::order_id))),
        )
        .filter(refund_reads::merchant_id.eq(store.merchant_id))
        .filter(refund_reads::store_id.eq(store.id))
        .filter(refund_reads::due_at.le(now))
        .order(refund_reads::due_at)
        .limit(PORTION)
        .select((orders::id, orders::order_ref, orders::currency, refund_reads::attempts))
        .load(conn)?;
    let requested = |(order_id, order_ref, currency, attempts)| Requested {
        order_id,
        order_ref,
        currency,
        attempts,
    };
    Ok(rows.into_iter().map(requested).collect())
}

/// When the next order is due; `None` while none is.
pub(super) fn next_due(
    conn: &mut PgConnection,
    store: &Store,
) -> QueryResult<Option<DateTime<Utc>>> {
    refund_reads::table
        .filter(refund_reads::merchant_id.eq(store.merchant_id))
        .filter(refund_reads::store_id.eq(store.id))
        .select(min(refund_reads::due_at))
        .first(conn)
}

/// Whether every refund's lines are known by now.
pub(super) fn has_all_lines(
    conn: &mut PgConnection,
    store: &Store,
    requested: &Requested,
) -> QueryResult<bool> {
    let state: Value = orders::table
        .find((store.merchant_id, requested.order_id))
        .select(orders::state)
        .first(conn)?;
    let state: OrderState = serde_json::from_value(state)
        .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    Ok(!state.lacks_refund_lines())
}

/// Ends what a read that began at `read_at` has answered.
pub(super) fn finish(
    conn: &mut PgConnection,
    store: &Store,
    requested: &Requested,
    read_at: DateTime<Utc>,
) -> QueryResult<()> {
    let row = refund_reads::table.find((store.merchant_id, requested.order_id));
    diesel::delete(row.filter(refund_reads::requested_at.le(read_at))).execute(conn).map(drop)
}

/// Notes a failed attempt that began at `read_at`; `until` is when the next one comes, if any does.
pub(super) fn put_off(
    conn: &mut PgConnection,
    store: &Store,
    requested: &Requested,
    problem: ReadProblem,
    read_at: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let row = refund_reads::table.find((store.merchant_id, requested.order_id));
    diesel::update(row.filter(refund_reads::requested_at.le(read_at)))
        .set((
            refund_reads::due_at.eq(until),
            refund_reads::attempts.eq(requested.attempts + 1),
            refund_reads::problem.eq(problem),
        ))
        .execute(conn)
        .map(drop)
}
