use diesel::prelude::*;

use crate::features::ingest::in_flight;
use crate::features::ingest::intake::{Batch, Cause, OrderRow, decide_again};
use crate::features::recalculations::RecalculationReason;
use crate::kit::audit::Actor;

/// Recalculates some orders in the running transaction: for a member's decision on a few orders,
/// whose outcome the next page shows.
///
/// # Errors
/// `NotFound` if one of them isn't the merchant's.
pub(crate) fn recalculate(
    conn: &mut PgConnection,
    actor: &Actor,
    order_ids: &[i64],
    cause: &RecalculationReason,
) -> QueryResult<()> {
    let mut batch = Batch::of(actor.merchant_id);
    if !order_ids.is_empty() {
        in_flight::enter(conn, actor.merchant_id)?;
    }
    // Locked always by their keys, so that two of these can't wait for each other in a circle.
    let mut order_ids = order_ids.to_vec();
    order_ids.sort_unstable();
    order_ids.dedup();
    let mut rows = Vec::with_capacity(order_ids.len());
    for order_id in order_ids {
        rows.push(OrderRow::by_id(conn, actor.merchant_id, order_id)?);
    }
    let words = cause.words();
    let cause = Cause { words: &words, delivery_id: None, now: actor.now };
    for row in rows {
        decide_again(conn, row, &cause, &mut batch)?;
    }
    batch.finish(conn)
}
