use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::kit::db::schema::{affiliate_daily_rollups, daily_rollups, trigger_rollups};
use crate::kit::db::statement::statement;

/// Recalculates the totals of a merchant from its orders and conversions, and replaces the stored
/// ones.
pub fn recount(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    diesel::delete(daily_rollups::table.filter(daily_rollups::merchant_id.eq(merchant_id)))
        .execute(conn)?;
    diesel::delete(
        affiliate_daily_rollups::table.filter(affiliate_daily_rollups::merchant_id.eq(merchant_id)),
    )
    .execute(conn)?;
    diesel::delete(trigger_rollups::table.filter(trigger_rollups::merchant_id.eq(merchant_id)))
        .execute(conn)?;
    insert_days(conn, merchant_id)?;
    insert_affiliates(conn, merchant_id)?;
    insert_triggers(conn, merchant_id)
}

/// Besides royalties, at most one conversion of an order counts, so `m` is at most one row.
fn insert_days(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "INSERT INTO daily_rollups (merchant_id, day, currency, shard, orders, conversions, \
             revenue_minor, discount_minor, refunded_minor, commission_minor) \
         SELECT merchant_id, day, currency, 0, sum(orders), sum(conversions), sum(revenue), \
             sum(discount), sum(refunded), sum(commission) \
         FROM (SELECT merchant_id, day, currency, 1 AS orders, 0 AS conversions, \
                 0::bigint AS revenue, 0::bigint AS discount, 0::bigint AS refunded, \
                 0::bigint AS commission \
             FROM orders WHERE merchant_id = :merchant_id AND placed_at IS NOT NULL \
                 AND NOT is_test AND deleted_at IS NULL \
             UNION ALL \
             SELECT c.merchant_id, c.day, c.currency, 0, 1, \
                 c.revenue_minor - CASE WHEN m.id IS NULL THEN 0 ELSE c.shared_revenue_minor END, \
                 c.discount_minor, \
                 c.refunded_minor - CASE WHEN m.id IS NULL THEN 0 ELSE c.shared_refunded_minor END, \
                 c.commission_minor \
             FROM conversions c \
             LEFT JOIN conversions m ON c.via = 'sku' AND m.merchant_id = c.merchant_id \
                 AND m.order_id = c.order_id AND m.via <> 'sku' \
                 AND m.status IN ('pending', 'approved') \
             WHERE c.merchant_id = :merchant_id AND c.status IN ('pending', 'approved')) n \
         GROUP BY merchant_id, day, currency",
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}

fn insert_affiliates(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "INSERT INTO affiliate_daily_rollups (merchant_id, affiliate_id, day, currency, \
             conversions, revenue_minor, discount_minor, refunded_minor, commission_minor) \
         SELECT merchant_id, affiliate_id, day, currency, count(*), sum(revenue_minor), \
             sum(discount_minor), sum(refunded_minor), sum(commission_minor) \
         FROM conversions \
         WHERE merchant_id = :merchant_id AND status IN ('pending', 'approved') \
         GROUP BY merchant_id, affiliate_id, day, currency",
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}

fn insert_triggers(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    statement!(
        "INSERT INTO trigger_rollups (merchant_id, trigger_id, currency, conversions, \
             revenue_minor, discount_minor, refunded_minor, commission_minor) \
         SELECT merchant_id, trigger_id, currency, count(*), sum(revenue_minor), \
             sum(discount_minor), sum(refunded_minor), sum(commission_minor) \
         FROM conversions \
         WHERE merchant_id = :merchant_id AND status IN ('pending', 'approved') \
             AND trigger_id IS NOT NULL \
         GROUP BY merchant_id, trigger_id, currency",
        merchant_id: BigInt,
    )
    .execute(conn)
    .map(drop)
}
