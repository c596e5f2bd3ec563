//! The kept figures against a recount of orders and conversions.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::harness::TestApp;

#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = Text)]
    words: String,
}

const SUMS: &str = "sum(conversions), sum(revenue_minor), sum(discount_minor), \
    sum(refunded_minor), sum(commission_minor)";

const COUNTED: &str = "SELECT c.*, 1 AS conversions FROM conversions c \
    WHERE status IN ('pending', 'approved')";

/// Of an order, its merchant's day has what its main conversion and a royalty share once.
const ONCE: &str = "SELECT c.day, c.currency, 1 AS conversions, c.discount_minor, \
        c.commission_minor, \
        c.revenue_minor - CASE WHEN m.beside THEN c.shared_revenue_minor ELSE 0 END AS revenue_minor, \
        c.refunded_minor - CASE WHEN m.beside THEN c.shared_refunded_minor ELSE 0 END \
            AS refunded_minor \
    FROM conversions c CROSS JOIN LATERAL (SELECT c.via = 'sku' AND EXISTS (SELECT FROM conversions m \
        WHERE m.order_id = c.order_id AND m.via <> 'sku' AND m.status IN ('pending', 'approved')) \
        AS beside) m \
    WHERE status IN ('pending', 'approved')";

fn compare(what: &str, kept: &str, counted: &str) -> String {
    format!(
        "SELECT '{what}: kept ' || k::text AS words FROM (({kept}) EXCEPT ({counted})) k \
         UNION ALL \
         SELECT '{what}: counted ' || k::text FROM (({counted}) EXCEPT ({kept})) k"
    )
}

/// Where the kept figures are not what a recount finds; nothing, if all is well.
pub(crate) fn differences(app: &TestApp, merchant_id: i64) -> Vec<String> {
    let something = "HAVING sum(conversions) <> 0 OR sum(revenue_minor) <> 0 \
        OR sum(discount_minor) <> 0 OR sum(refunded_minor) <> 0 OR sum(commission_minor) <> 0";
    let queries = [
        compare(
            "orders of a day",
            "SELECT day, currency, sum(orders) FROM daily_rollups GROUP BY 1, 2 \
                 HAVING sum(orders) <> 0",
            "SELECT day, currency, count(*)::numeric FROM orders WHERE placed_at IS NOT NULL \
                 AND NOT is_test AND deleted_at IS NULL GROUP BY 1, 2",
        ),
        compare(
            "a day",
            &format!("SELECT day, currency, {SUMS} FROM daily_rollups GROUP BY 1, 2 {something}"),
            &format!("SELECT day, currency, {SUMS} FROM ({ONCE}) c GROUP BY 1, 2"),
        ),
        compare(
            "a day of an affiliate",
            &format!(
                "SELECT affiliate_id, day, currency, {SUMS} FROM affiliate_daily_rollups \
                 GROUP BY 1, 2, 3 {something}"
            ),
            &format!(
                "SELECT affiliate_id, day, currency, {SUMS} FROM ({COUNTED}) c GROUP BY 1, 2, 3"
            ),
        ),
        compare(
            "a trigger",
            &format!(
                "SELECT trigger_id, currency, {SUMS} FROM trigger_rollups GROUP BY 1, 2 {something}"
            ),
            &format!(
                "SELECT trigger_id, currency, {SUMS} FROM ({COUNTED}) c \
                 WHERE trigger_id IS NOT NULL GROUP BY 1, 2"
            ),
        ),
        // In the conversion's currency its entries add up to it, in every other one to nothing.
        "SELECT 'conversion ' || c.id || ' says ' || c.commission_minor || ' ' || c.currency || \
             ', its entries ' || coalesce(e.minor, 0) || ' ' || coalesce(e.currency, c.currency) \
             AS words \
         FROM conversions c \
         LEFT JOIN (SELECT merchant_id, conversion_id, currency, sum(amount_minor) AS minor \
             FROM commission_entries GROUP BY 1, 2, 3) e \
             ON e.merchant_id = c.merchant_id AND e.conversion_id = c.id \
         WHERE coalesce(e.minor, 0) <> \
             CASE WHEN coalesce(e.currency = c.currency, true) THEN c.commission_minor ELSE 0 END \
         UNION ALL \
         SELECT 'conversion ' || c.id || ' has no entry in ' || c.currency FROM conversions c \
         WHERE c.commission_minor <> 0 AND NOT EXISTS (SELECT FROM commission_entries e \
             WHERE e.merchant_id = c.merchant_id AND e.conversion_id = c.id \
                 AND e.currency = c.currency)"
            .to_owned(),
    ];
    app.within_merchant(merchant_id, |conn| {
        let mut found = Vec::new();
        for query in &queries {
            let rows: Vec<Difference> = diesel::sql_query(query).load(conn)?;
            found.extend(rows.into_iter().map(|row| row.words));
        }
        Ok(found)
    })
}
