use diesel::prelude::*;

use crate::features::ingest::in_flight;
use crate::features::ingest::intake::{Batch, Cause, OrderRow, decide_again};
use crate::features::ingest::ledger::{EntryReason, EntrySource};
use crate::features::recalculations::RecalculationReason;
use crate::kit::audit::Actor;

/// Recalculates some orders in the running transaction, for a member's decision whose result the
/// next page shows. Fails with `NotFound` if one of them isn't the merchant's.
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
    // They're always locked in the order of their IDs, so that two of these transactions can't
    // deadlock.
    let mut order_ids = order_ids.to_vec();
    order_ids.sort_unstable();
    order_ids.dedup();
    let mut rows = Vec::with_capacity(order_ids.len());
    for order_id in order_ids {
        rows.push(OrderRow::by_id(conn, actor.merchant_id, order_id)?);
    }
    let reason = EntryReason::Recalculation { cause: cause.clone() };
    let source = EntrySource::Reason(reason);
    let cause = Cause { source, delivery_id: None, now: actor.now };
    for row in rows {
        decide_again(conn, row, &cause, &mut batch)?;
    }
    batch.finish(conn)
}
