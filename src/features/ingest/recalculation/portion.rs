//! Recalculates one portion of a request: a few orders in one transaction.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::{max, now};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer};

use crate::features::ingest::in_flight;
use crate::features::ingest::intake::{Batch, Cause, OrderRow, decide_again};
use crate::features::ingest::ledger::{EntryReason, EntrySource};
use crate::features::ingest::text::RecalculationFailure;
use crate::features::recalculations::{IdRange, OrderSelection, PlacedOrder};
use crate::kit::clock;
use crate::kit::db::schema::{orders, recalculations, triggers};
use crate::kit::db::statement::statement;
use crate::kit::jobs::backoff;
use crate::kit::stored_text::StoredText;

/// How many orders are recalculated in one transaction. Their deliveries wait meanwhile.
pub(super) const PORTION: usize = 25;
/// The wait before an order is tried again that another transaction holds, in milliseconds. It also
/// applies to transactions that have to end first.
const AGAIN: i32 = 50;

/// The wait after the first failed attempt. Each further one doubles it.
const FIRST_WAIT: Duration = Duration::seconds(2);
const MAX_WAIT: Duration = Duration::hours(1);

/// A request, locked for this transaction.
#[derive(Queryable, Selectable)]
#[diesel(table_name = recalculations)]
pub(super) struct LockedRequest {
    merchant_id: i64,
    pub(crate) id: i64,
    trigger_id: Option<i64>,
    affiliate_id: Option<i64>,
    order_ids: Option<Vec<Option<i64>>>,
    since: Option<DateTime<Utc>>,
    cause: serde_json::Value,
    in_flight: Option<Vec<Option<String>>>,
    after_order_id: i64,
    pub(crate) attempts: i32,
    up_to_order_id: Option<i64>,
}

/// The result of a portion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    /// No request of the merchant is due, or another worker has it.
    Nothing,
    /// Transactions that may have read the old facts have to end first.
    Waits,
    /// How many orders were recalculated. It's zero if none are left.
    Done(usize),
}

impl LockedRequest {
    /// The merchant's first due request. Those that another worker has are skipped.
    pub(super) fn take(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Option<Self>> {
        recalculations::table
            .filter(recalculations::merchant_id.eq(merchant_id))
            .filter(recalculations::failed_at.is_null())
            .filter(recalculations::due_at.le(now))
            .order((recalculations::due_at, recalculations::id))
            .select(Self::as_select())
            .for_update()
            .skip_locked()
            .first(conn)
            .optional()
    }

    /// The next orders, at most a portion.
    pub(super) fn next(&self, conn: &mut PgConnection) -> QueryResult<Vec<PlacedOrder>> {
        let limit = i64::try_from(PORTION).unwrap_or(i64::MAX);
        let up_to = self.up_to_order_id.unwrap_or(i64::MAX);
        let range = IdRange { after: self.after_order_id, up_to };
        self.matching(conn)?.next(conn, self.merchant_id, range, limit)
    }

    fn matching(&self, conn: &mut PgConnection) -> QueryResult<OrderSelection> {
        let Some(since) = self.since else {
            let ids = self.order_ids.iter().flatten().copied().flatten().collect();
            return Ok(OrderSelection::Named(ids));
        };
        Ok(match (self.trigger_id, self.affiliate_id) {
            (Some(id), _) => {
                let (kind, key) = triggers::table
                    .find((self.merchant_id, id))
                    .select((triggers::kind, triggers::key))
                    .first(conn)?;
                OrderSelection::Trigger { kind, key, since }
            }
            (None, Some(id)) => OrderSelection::Affiliate { id, since },
            (None, None) => OrderSelection::Since(since),
        })
    }

    /// Processes the next portion.
    pub(super) fn carry_out(&mut self, conn: &mut PgConnection) -> QueryResult<Portion> {
        if self.has_to_wait(conn)? {
            return Ok(Portion::Waits);
        }
        self.begin(conn)?;
        in_flight::enter(conn, self.merchant_id)?;
        let found = self.next(conn)?;
        let ids: Vec<i64> = found.iter().map(|order| order.id).collect();
        let rows = OrderRow::free(conn, self.merchant_id, &ids)?;
        let free: HashSet<i64> = rows.iter().map(|row| row.id).collect();
        let cause = serde_json::from_value(self.cause.clone())
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
        let source = EntrySource::Reason(EntryReason::Recalculation { cause });
        let cause = Cause { source, delivery_id: None, now: clock::now() };
        let mut batch = Batch::of(self.merchant_id);
        for row in rows {
            decide_again(conn, row, &cause, &mut batch)?;
        }
        let passed_over: Vec<i64> = ids.into_iter().filter(|id| !free.contains(id)).collect();
        if !passed_over.is_empty() {
            self.hand_on(conn, std::slice::from_ref(&passed_over), AGAIN)?;
        }
        self.move_on(conn, &found)?;
        batch.finish(conn)?;
        Ok(Portion::Done(free.len()))
    }

    /// Stores the last existing order. Later ones are attributed with the new facts.
    fn begin(&mut self, conn: &mut PgConnection) -> QueryResult<()> {
        if self.up_to_order_id.is_some() || self.order_ids.is_some() {
            return Ok(());
        }
        let of_merchant = orders::table.filter(orders::merchant_id.eq(self.merchant_id));
        let last: Option<i64> = of_merchant.select(max(orders::id)).first(conn)?;
        self.up_to_order_id = Some(last.unwrap_or(0));
        diesel::update(self.row())
            .set(recalculations::up_to_order_id.eq(self.up_to_order_id))
            .execute(conn)
            .map(drop)
    }

    /// Whether transactions are running that may have read the old facts.
    fn has_to_wait(&self, conn: &mut PgConnection) -> QueryResult<bool> {
        let waits = match &self.in_flight {
            None => {
                let others = in_flight::others(conn, self.merchant_id)?;
                let others: Vec<Option<String>> = others.into_iter().map(Some).collect();
                let waits = !others.is_empty();
                diesel::update(self.row())
                    .set(recalculations::in_flight.eq(others))
                    .execute(conn)?;
                waits
            }
            Some(transactions) if transactions.is_empty() => false,
            Some(transactions) => {
                let waits = in_flight::any_of(conn, transactions)?;
                if !waits {
                    diesel::update(self.row())
                        .set(recalculations::in_flight.eq(Vec::<Option<String>>::new()))
                        .execute(conn)?;
                }
                waits
            }
        };
        if waits {
            self.put_off(conn, AGAIN)?;
        }
        Ok(waits)
    }

    pub(super) fn put_off(&self, conn: &mut PgConnection, milliseconds: i32) -> QueryResult<()> {
        statement!(
            "UPDATE recalculations \
             SET due_at = clock_timestamp() + :milliseconds * interval '1 millisecond' \
             WHERE merchant_id = :merchant_id AND id = :id",
            milliseconds: Integer = milliseconds,
            merchant_id: BigInt = self.merchant_id,
            id: BigInt = self.id,
        )
        .execute(conn)
        .map(drop)
    }

    /// Continues after these orders. Deletes the request after the last portion.
    pub(super) fn move_on(
        &self,
        conn: &mut PgConnection,
        found: &[PlacedOrder],
    ) -> QueryResult<()> {
        let Some(&PlacedOrder { id, placed_at }) = found.last().filter(|_| found.len() == PORTION)
        else {
            return diesel::delete(self.row()).execute(conn).map(drop);
        };
        let is_of_all = self.trigger_id.is_none() && self.affiliate_id.is_none();
        let since = if is_of_all { self.since.and(Some(placed_at)) } else { self.since };
        let done = i64::try_from(found.len()).unwrap_or_default();
        diesel::update(self.row())
            .set((
                recalculations::after_order_id.eq(id),
                recalculations::since.eq(since),
                recalculations::orders_done.eq(recalculations::orders_done + done),
                recalculations::attempts.eq(0),
            ))
            .execute(conn)
            .map(drop)
    }

    /// Inserts a request for each of `groups`. The transactions that this request waited for have
    /// ended, so the new ones don't wait.
    pub(super) fn hand_on(
        &self,
        conn: &mut PgConnection,
        groups: &[Vec<i64>],
        milliseconds: i32,
    ) -> QueryResult<()> {
        for ids in groups {
            statement!(
                "INSERT INTO recalculations (merchant_id, trigger_id, affiliate_id, order_ids, \
                     cause, requested_at, due_at, in_flight, orders_total) \
                 SELECT merchant_id, trigger_id, affiliate_id, n.ids, cause, requested_at, \
                     clock_timestamp() + :milliseconds * interval '1 millisecond', '{}', \
                     cardinality(n.ids) \
                 FROM recalculations, (SELECT :ids::bigint[]) AS n (ids) \
                 WHERE merchant_id = :merchant_id AND id = :id",
                milliseconds: Integer = milliseconds,
                ids: Array<BigInt> = ids.as_slice(),
                merchant_id: BigInt = self.merchant_id,
                id: BigInt = self.id,
            )
            .execute(conn)?;
        }
        Ok(())
    }

    /// Schedules another attempt, each time with twice the wait. After `most` attempts the request
    /// fails, and a person must check it.
    pub(super) fn put_back(
        &self,
        conn: &mut PgConnection,
        failure: RecalculationFailure,
        most: i32,
    ) -> QueryResult<()> {
        let attempts = self.attempts + 1;
        let has_failed = attempts >= most;
        let wait = backoff(FIRST_WAIT, MAX_WAIT, attempts).num_milliseconds();
        self.put_off(conn, i32::try_from(wait).unwrap_or(i32::MAX))?;
        diesel::update(self.row())
            .set((
                recalculations::attempts.eq(attempts),
                recalculations::last_error.eq(None::<&str>),
                recalculations::failure.eq(StoredText::from(failure)),
                recalculations::failed_at.eq(has_failed.then(clock::now)),
            ))
            .execute(conn)
            .map(drop)
    }

    fn row(&self) -> diesel::dsl::Find<recalculations::table, (i64, i64)> {
        recalculations::table.find((self.merchant_id, self.id))
    }
}
