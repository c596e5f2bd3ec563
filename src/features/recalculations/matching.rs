//! The orders that a request concerns, in the order of their recalculation.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};

use crate::features::triggers::TriggerKind;
use crate::kit::db::statement::{Statement, statement};
use crate::kit::lists::count_of;

pub(crate) enum OrderSelection {
    Trigger { kind: TriggerKind, key: String, since: DateTime<Utc> },
    Affiliate { id: i64, since: DateTime<Utc> },
    Since(DateTime<Utc>),
    Named(Vec<i64>),
}

/// The orders with an ID above `after`, up to `up_to`.
#[derive(Clone, Copy)]
pub(crate) struct IdRange {
    pub(crate) after: i64,
    pub(crate) up_to: i64,
}

impl IdRange {
    const ALL: Self = Self { after: 0, up_to: i64::MAX };
}

/// Every order that matches a current or former trigger of the affiliate, or was manually credited
/// to it.
pub(crate) fn orders_of_affiliate(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Vec<i64>> {
    let all = OrderSelection::Affiliate { id: affiliate_id, since: DateTime::UNIX_EPOCH };
    let found = all.next(conn, merchant_id, IdRange::ALL, i64::MAX)?;
    Ok(found.into_iter().map(|order| order.id).collect())
}

#[derive(Clone, Copy, QueryableByName)]
pub(crate) struct PlacedOrder {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) placed_at: DateTime<Utc>,
}

macro_rules! of_code {
    () => {
        "SELECT DISTINCT o.id, o.placed_at FROM order_codes c \
         JOIN orders o ON o.merchant_id = c.merchant_id AND o.id = c.order_id \
         WHERE c.merchant_id = :merchant_id AND c.code_key = :key AND c.order_id > :after \
             AND o.placed_at >= :since AND c.order_id <= :up_to ORDER BY o.id LIMIT :at_most"
    };
}

macro_rules! of_email {
    () => {
        "SELECT o.id, o.placed_at FROM orders o \
         WHERE o.merchant_id = :merchant_id AND o.customer_email_key = :key AND o.id > :after \
             AND o.placed_at >= :since AND o.id <= :up_to ORDER BY o.id LIMIT :at_most"
    };
}

macro_rules! of_sku {
    () => {
        "SELECT DISTINCT o.id, o.placed_at FROM order_lines l \
         JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id \
         WHERE l.merchant_id = :merchant_id AND l.sku_key = :key AND l.order_id > :after \
             AND o.placed_at >= :since AND l.order_id <= :up_to ORDER BY o.id LIMIT :at_most"
    };
}

macro_rules! of_affiliate {
    () => {
        "WITH held AS (SELECT DISTINCT t.merchant_id, t.kind, t.key FROM trigger_owners w \
             JOIN triggers t ON t.merchant_id = w.merchant_id AND t.id = w.trigger_id \
             WHERE w.merchant_id = :merchant_id AND w.affiliate_id = :affiliate_id) \
         SELECT o.id, o.placed_at FROM orders o JOIN ( \
             SELECT c.order_id FROM held h JOIN order_codes c \
                 ON c.merchant_id = h.merchant_id AND c.code_key = h.key \
                 WHERE h.kind = 'coupon_code' \
             UNION SELECT l.order_id FROM held h JOIN order_lines l \
                 ON l.merchant_id = h.merchant_id AND l.sku_key = h.key WHERE h.kind = 'sku' \
             UNION SELECT e.id FROM held h JOIN orders e \
                 ON e.merchant_id = h.merchant_id AND e.customer_email_key = h.key \
                 WHERE h.kind = 'customer_email' \
             UNION SELECT m.id FROM orders m WHERE m.merchant_id = :merchant_id \
                 AND m.manual_affiliate_id = :affiliate_id) n ON n.order_id = o.id \
         WHERE o.merchant_id = :merchant_id AND o.id > :after AND o.placed_at >= :since \
             AND o.id <= :up_to ORDER BY o.id LIMIT :at_most"
    };
}

macro_rules! of_all {
    () => {
        "SELECT o.id, o.placed_at FROM orders o \
         WHERE o.merchant_id = :merchant_id AND (o.placed_at, o.id) > (:since, :after) \
             AND o.id <= :up_to ORDER BY o.placed_at, o.id LIMIT :at_most"
    };
}

macro_rules! of_names {
    () => {
        "SELECT o.id, coalesce(o.placed_at, o.first_seen_at) AS placed_at FROM orders o \
         WHERE o.merchant_id = :merchant_id AND o.id = ANY(:ids) AND o.id > :after \
             AND o.id <= :up_to ORDER BY o.id LIMIT :at_most"
    };
}

impl OrderSelection {
    /// How many orders match.
    pub(crate) fn count(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<i64> {
        count_of(self.orders(merchant_id, IdRange::ALL, i64::MAX)).get_result(conn)
    }

    /// The next orders of the range, at most `limit`.
    pub(crate) fn next(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
        range: IdRange,
        limit: i64,
    ) -> QueryResult<Vec<PlacedOrder>> {
        self.orders(merchant_id, range, limit).load(conn)
    }

    fn orders(&self, merchant_id: i64, range: IdRange, limit: i64) -> Statement<'_> {
        /// Adds the parameters that all these statements have.
        macro_rules! found {
            ($sql:expr, $name:ident: $type:ty = $value:expr) => {
                statement!(
                    $sql,
                    merchant_id: BigInt = merchant_id,
                    after: BigInt = range.after,
                    up_to: BigInt = range.up_to,
                    at_most: BigInt = limit,
                    $name: $type = $value,
                )
            };
            ($sql:expr, $name:ident: $type:ty = $value:expr, $since:expr) => {
                statement!(
                    $sql,
                    merchant_id: BigInt = merchant_id,
                    after: BigInt = range.after,
                    up_to: BigInt = range.up_to,
                    at_most: BigInt = limit,
                    since: Timestamptz = $since,
                    $name: $type = $value,
                )
            };
        }
        match self {
            Self::Trigger { kind, key, since } => {
                let key = key.as_str();
                match kind {
                    TriggerKind::CouponCode => found!(of_code!(), key: Text = key, *since),
                    TriggerKind::CustomerEmail => found!(of_email!(), key: Text = key, *since),
                    TriggerKind::Sku => found!(of_sku!(), key: Text = key, *since),
                }
            }
            Self::Affiliate { id, since } => {
                found!(of_affiliate!(), affiliate_id: BigInt = *id, *since)
            }
            Self::Since(since) => found!(of_all!(), since: Timestamptz = *since),
            Self::Named(ids) => found!(of_names!(), ids: Array<BigInt> = ids.as_slice()),
        }
    }
}
