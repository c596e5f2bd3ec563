//! Counts the orders that wait to be recalculated, for pages.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::text;
use crate::kit::db::schema::recalculations;
use crate::kit::db::statement::statement;
use crate::kit::lists::Count;

/// Several requests about the same trigger or affiliate concern the same orders. Requests that name
/// their orders contain those that an earlier request skipped.
macro_rules! left_over {
    ($about:literal) => {
        concat!(
            "SELECT coalesce(sum(n.left_over), 0)::bigint FROM (SELECT CASE WHEN order_ids IS NULL \
                 THEN max(greatest(orders_total - orders_done, 0)) ELSE sum(orders_total) END \
             FROM recalculations WHERE merchant_id = :merchant_id AND failed_at IS NULL AND ",
            $about,
            " GROUP BY trigger_id, affiliate_id, order_ids IS NULL) AS n (left_over)"
        )
    };
}

/// The waiting orders of that trigger.
pub(crate) fn pending_of_trigger(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_id: i64,
) -> QueryResult<Pending> {
    statement!(left_over!("trigger_id = :trigger_id"), merchant_id: BigInt, trigger_id: BigInt)
        .scalar::<BigInt>()
        .get_result(conn)
        .map(Pending)
}

/// The orders that wait because of a change to the affiliate, or to one of its current or former
/// triggers.
pub fn pending_of_affiliate(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Pending> {
    statement!(
        left_over!(
            "(affiliate_id = :affiliate_id OR trigger_id IN (SELECT trigger_id \
                 FROM trigger_owners \
                 WHERE merchant_id = :merchant_id AND affiliate_id = :affiliate_id))"
        ),
        merchant_id: BigInt,
        affiliate_id: BigInt,
    )
    .scalar::<BigInt>()
    .get_result(conn)
    .map(Pending)
}

pub(crate) fn count_failed(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    let failed = recalculations::table
        .filter(recalculations::merchant_id.eq(merchant_id))
        .filter(recalculations::failed_at.is_not_null())
        .select(recalculations::id);
    Count::of(conn, failed.into_boxed::<Pg>())
}

/// The number of orders that wait to be recalculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending(i64);

impl Pending {
    pub(crate) fn is_any(self) -> bool {
        self.0 > 0
    }

    pub fn orders(self) -> i64 {
        self.0
    }

    /// A sentence for users.
    pub(crate) fn text(self) -> String {
        text::recalculating(self.0)
    }

    /// Adds the sentence to another one if any order waits.
    pub(crate) fn behind(self, sentence: String) -> String {
        if self.is_any() { format!("{sentence} {}", self.text()) } else { sentence }
    }
}
