use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::kit::db::prepared;

const CLEAR: [&str; 3] = [
    "DELETE FROM daily_rollups WHERE merchant_id = ?",
    "DELETE FROM affiliate_daily_rollups WHERE merchant_id = ?",
    "DELETE FROM trigger_rollups WHERE merchant_id = ?",
];

/// An order has at most one conversion beside its royalties that counts, and so `m` is one row.
const DAYS: &str = "INSERT INTO daily_rollups (merchant_id, day, currency, shard, orders, \
         conversions, revenue_minor, discount_minor, refunded_minor, commission_minor) \
     SELECT merchant_id, day, currency, 0, sum(orders), sum(conversions), sum(revenue), \
         sum(discount), sum(refunded), sum(commission) \
     FROM (SELECT merchant_id, day, currency, 1 AS orders, 0 AS conversions, 0::bigint AS revenue, \
             0::bigint AS discount, 0::bigint AS refunded, 0::bigint AS commission \
         FROM orders WHERE merchant_id = ? AND placed_at IS NOT NULL AND NOT is_test \
             AND deleted_at IS NULL \
         UNION ALL \
         SELECT c.merchant_id, c.day, c.currency, 0, 1, \
             c.revenue_minor - CASE WHEN m.id IS NULL THEN 0 ELSE c.shared_revenue_minor END, \
             c.discount_minor, \
             c.refunded_minor - CASE WHEN m.id IS NULL THEN 0 ELSE c.shared_refunded_minor END, \
             c.commission_minor \
         FROM conversions c \
         LEFT JOIN conversions m ON c.via = 'sku' AND m.merchant_id = c.merchant_id \
             AND m.order_id = c.order_id AND m.via <> 'sku' AND m.status IN ('pending', 'approved') \
         WHERE c.merchant_id = ? AND c.status IN ('pending', 'approved')) n \
     GROUP BY merchant_id, day, currency";

const AFFILIATES: &str = "INSERT INTO affiliate_daily_rollups (merchant_id, affiliate_id, day, \
         currency, conversions, revenue_minor, discount_minor, refunded_minor, commission_minor) \
     SELECT merchant_id, affiliate_id, day, currency, count(*), sum(revenue_minor), \
         sum(discount_minor), sum(refunded_minor), sum(commission_minor) \
     FROM conversions WHERE merchant_id = ? AND status IN ('pending', 'approved') \
     GROUP BY merchant_id, affiliate_id, day, currency";

const TRIGGERS: &str = "INSERT INTO trigger_rollups (merchant_id, trigger_id, currency, \
         conversions, revenue_minor, discount_minor, refunded_minor, commission_minor) \
     SELECT merchant_id, trigger_id, currency, count(*), sum(revenue_minor), sum(discount_minor), \
         sum(refunded_minor), sum(commission_minor) \
     FROM conversions \
     WHERE merchant_id = ? AND status IN ('pending', 'approved') AND trigger_id IS NOT NULL \
     GROUP BY merchant_id, trigger_id, currency";

/// Adds the figures of a merchant up from its orders and conversions, in the place of what is kept.
pub fn recount(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    for statement in CLEAR {
        prepared::<()>(statement).bind::<BigInt, _>(merchant_id).execute(conn)?;
    }
    prepared::<()>(DAYS)
        .bind::<BigInt, _>(merchant_id)
        .bind::<BigInt, _>(merchant_id)
        .execute(conn)?;
    for statement in [AFFILIATES, TRIGGERS] {
        prepared::<()>(statement).bind::<BigInt, _>(merchant_id).execute(conn)?;
    }
    Ok(())
}
