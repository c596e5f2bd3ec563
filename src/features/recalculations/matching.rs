//! Which orders a request is about, in the order in which they are recalculated.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};

use crate::features::triggers::TriggerKind;
use crate::kit::db::prepared;

/// The orders of a request.
pub(crate) enum Matching {
    Trigger { kind: TriggerKind, key: String, since: DateTime<Utc> },
    Affiliate { id: i64, since: DateTime<Utc> },
    Since(DateTime<Utc>),
    Named(Vec<i64>),
}

/// The orders after the first id, up to the second.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub after: i64,
    pub up_to: i64,
}

impl Range {
    const ALL: Self = Self { after: 0, up_to: i64::MAX };
}

/// Every order that matches a trigger the affiliate has or had, or was credited to it manually.
pub fn orders_of_affiliate(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Vec<i64>> {
    let all = Matching::Affiliate { id: affiliate_id, since: DateTime::UNIX_EPOCH };
    let found = all.next(conn, merchant_id, Range::ALL, i64::MAX)?;
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// An order's key, and when it was placed.
pub(crate) type Found = (i64, DateTime<Utc>);

macro_rules! of_code {
    () => {
        "SELECT DISTINCT o.id, o.placed_at FROM order_codes c \
         JOIN orders o ON o.merchant_id = c.merchant_id AND o.id = c.order_id \
         WHERE c.merchant_id = ? AND c.code_key = ? AND c.order_id > ? AND o.placed_at >= ? \
         AND c.order_id <= ? ORDER BY o.id LIMIT ?"
    };
}

macro_rules! of_email {
    () => {
        "SELECT o.id, o.placed_at FROM orders o \
         WHERE o.merchant_id = ? AND o.customer_email_key = ? AND o.id > ? AND o.placed_at >= ? \
         AND o.id <= ? ORDER BY o.id LIMIT ?"
    };
}

macro_rules! of_sku {
    () => {
        "SELECT DISTINCT o.id, o.placed_at FROM order_lines l \
         JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id \
         WHERE l.merchant_id = ? AND l.sku_key = ? AND l.order_id > ? AND o.placed_at >= ? \
         AND l.order_id <= ? ORDER BY o.id LIMIT ?"
    };
}

macro_rules! of_affiliate {
    () => {
        "WITH held AS (SELECT DISTINCT t.merchant_id, t.kind, t.key FROM trigger_owners w \
             JOIN triggers t ON t.merchant_id = w.merchant_id AND t.id = w.trigger_id \
             WHERE w.merchant_id = ? AND w.affiliate_id = ?) \
         SELECT o.id, o.placed_at FROM orders o JOIN ( \
             SELECT c.order_id FROM held h JOIN order_codes c \
                 ON c.merchant_id = h.merchant_id AND c.code_key = h.key \
                 WHERE h.kind = 'coupon_code' \
             UNION SELECT l.order_id FROM held h JOIN order_lines l \
                 ON l.merchant_id = h.merchant_id AND l.sku_key = h.key WHERE h.kind = 'sku' \
             UNION SELECT e.id FROM held h JOIN orders e \
                 ON e.merchant_id = h.merchant_id AND e.customer_email_key = h.key \
                 WHERE h.kind = 'customer_email' \
             UNION SELECT m.id FROM orders m \
                 WHERE m.merchant_id = ? AND m.manual_affiliate_id = ?) n ON n.order_id = o.id \
         WHERE o.merchant_id = ? AND o.id > ? AND o.placed_at >= ? AND o.id <= ? \
         ORDER BY o.id LIMIT ?"
    };
}

macro_rules! of_all {
    () => {
        "SELECT o.id, o.placed_at FROM orders o \
         WHERE o.merchant_id = ? AND (o.placed_at, o.id) > (?, ?) AND o.id <= ? \
         ORDER BY o.placed_at, o.id LIMIT ?"
    };
}

macro_rules! of_names {
    () => {
        "SELECT o.id, coalesce(o.placed_at, o.first_seen_at) FROM orders o \
         WHERE o.merchant_id = ? AND o.id = ANY(?) AND o.id > ? AND o.id <= ? ORDER BY o.id LIMIT ?"
    };
}

macro_rules! number {
    ($sql:expr) => {
        concat!("SELECT count(*) FROM (", $sql, ") found")
    };
}

/// What binds the values of [`Matching`] to a statement that answers rows of the SQL type `ST`.
macro_rules! bound {
    ($self:expr, $wrap:ident, $st:ty, $merchant_id:expr, $range:expr, $limit:expr) => {
        match $self {
            Matching::Trigger { kind, key, since } => prepared::<$st>(match kind {
                TriggerKind::CouponCode => $wrap!(of_code!()),
                TriggerKind::CustomerEmail => $wrap!(of_email!()),
                TriggerKind::Sku => $wrap!(of_sku!()),
            })
            .bind::<BigInt, _>($merchant_id)
            .bind::<Text, _>(key.as_str())
            .bind::<BigInt, _>($range.after)
            .bind::<Timestamptz, _>(*since)
            .bind::<BigInt, _>($range.up_to)
            .bind::<BigInt, _>($limit),
            Matching::Affiliate { id, since } => prepared::<$st>($wrap!(of_affiliate!()))
                .bind::<BigInt, _>($merchant_id)
                .bind::<BigInt, _>(*id)
                .bind::<BigInt, _>($merchant_id)
                .bind::<BigInt, _>(*id)
                .bind::<BigInt, _>($merchant_id)
                .bind::<BigInt, _>($range.after)
                .bind::<Timestamptz, _>(*since)
                .bind::<BigInt, _>($range.up_to)
                .bind::<BigInt, _>($limit),
            Matching::Since(since) => prepared::<$st>($wrap!(of_all!()))
                .bind::<BigInt, _>($merchant_id)
                .bind::<Timestamptz, _>(*since)
                .bind::<BigInt, _>($range.after)
                .bind::<BigInt, _>($range.up_to)
                .bind::<BigInt, _>($limit),
            Matching::Named(ids) => prepared::<$st>($wrap!(of_names!()))
                .bind::<BigInt, _>($merchant_id)
                .bind::<Array<BigInt>, _>(ids.as_slice())
                .bind::<BigInt, _>($range.after)
                .bind::<BigInt, _>($range.up_to)
                .bind::<BigInt, _>($limit),
        }
    };
}

macro_rules! rows {
    ($sql:expr) => {
        $sql
    };
}

impl Matching {
    /// How many orders there are.
    pub(crate) fn count(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<i64> {
        bound!(self, number, BigInt, merchant_id, Range::ALL, i64::MAX).get_result(conn)
    }

    /// The next orders of the range.
    pub(crate) fn next(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
        range: Range,
        limit: i64,
    ) -> QueryResult<Vec<Found>> {
        bound!(self, rows, (BigInt, Timestamptz), merchant_id, range, limit).load(conn)
    }
}
