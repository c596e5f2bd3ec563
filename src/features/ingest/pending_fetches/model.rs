use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::delivery::DeliveryOutcome;

use crate::features::ingest::failures;
use crate::features::ingest::text::DeliveryReason;
use crate::features::stores::Store;
use crate::features::stores::jobs::FETCH_ORDER;
use crate::kit::db::schema::deliveries;
use crate::kit::jobs::{self, Queue};
use crate::kit::stored_text::StoredText;

/// Marks a stored delivery as waiting for a fetch of this order.
pub(crate) fn wait_for(
    conn: &mut PgConnection,
    merchant_id: i64,
    delivery_id: i64,
    order_ref: &str,
) -> QueryResult<()> {
    diesel::update(deliveries::table.find((merchant_id, delivery_id)))
        .set((
            deliveries::outcome.eq(DeliveryOutcome::Waiting),
            deliveries::detail.eq(None::<&str>),
            deliveries::reason.eq(None::<StoredText<DeliveryReason>>),
            deliveries::awaited_ref.eq(order_ref),
        ))
        .execute(conn)
        .map(drop)
}

/// Marks a stored delivery as waiting again, and enqueues another fetch of its order.
pub(crate) fn wait_again(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    delivery_id: i64,
    order_ref: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    wait_for(conn, merchant_id, delivery_id, order_ref)?;
    let queue = Queue::of_store(merchant_id, store_id, FETCH_ORDER);
    jobs::enqueue(conn, &queue, &[order_ref], now)
}

/// Fetches an order again after its last attempt failed, for all deliveries that failed with it.
/// Call it at the end of the transaction (see [`jobs::enqueue`]).
pub(crate) fn retry(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    order_ref: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let failed = deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::store_id.eq(store_id))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Failed))
        .filter(deliveries::awaited_ref.eq(order_ref));
    let delivery_ids: Vec<i64> = failed.select(deliveries::id).load(conn)?;
    for delivery_id in &delivery_ids {
        wait_for(conn, merchant_id, *delivery_id, order_ref)?;
        failures::resolve(conn, merchant_id, *delivery_id)?;
    }
    if delivery_ids.is_empty() {
        return Ok(());
    }
    jobs::enqueue(conn, &Queue::of_store(merchant_id, store_id, FETCH_ORDER), &[order_ref], now)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn waiting<'a>(store: &Store, order_ref: &'a str) -> _ {
    let (merchant_id, store_id): (i64, i64) = (store.merchant_id, store.id);
    let outcome: DeliveryOutcome = DeliveryOutcome::Waiting;
    deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::store_id.eq(store_id))
        .filter(deliveries::outcome.eq(outcome))
        .filter(deliveries::awaited_ref.eq(order_ref))
}

/// The IDs of the deliveries that wait for an order.
pub(super) fn waiting_for(
    conn: &mut PgConnection,
    store: &Store,
    order_ref: &str,
) -> QueryResult<Vec<i64>> {
    waiting(store, order_ref).select(deliveries::id).load(conn)
}

/// Stores why the deliveries still wait.
pub(super) fn explain(
    conn: &mut PgConnection,
    store: &Store,
    order_ref: &str,
    reason: DeliveryReason,
) -> QueryResult<()> {
    let reason = Some(StoredText::from(reason));
    diesel::update(waiting(store, order_ref))
        .set((deliveries::detail.eq(None::<&str>), deliveries::reason.eq(reason)))
        .execute(conn)
        .map(drop)
}

/// Writes the result of a fetch to the deliveries that waited for it.
pub(super) fn settle(
    conn: &mut PgConnection,
    store: &Store,
    delivery_ids: &[i64],
    outcome: DeliveryOutcome,
    reason: Option<DeliveryReason>,
    order_id: Option<i64>,
) -> QueryResult<()> {
    let answered = deliveries::table
        .filter(deliveries::merchant_id.eq(store.merchant_id))
        .filter(deliveries::id.eq_any(delivery_ids))
        .filter(deliveries::outcome.eq(DeliveryOutcome::Waiting));
    diesel::update(answered)
        .set((
            deliveries::outcome.eq(outcome),
            deliveries::detail.eq(None::<&str>),
            deliveries::reason.eq(reason.map(StoredText::from)),
            deliveries::order_id.eq(order_id),
        ))
        .execute(conn)
        .map(drop)
}
