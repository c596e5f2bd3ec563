use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date};
use vouch_core::money::Currency;

use crate::kit::db::schema::daily_rollups;
use crate::kit::db::statement::statement;

/// Totals in one currency, in its minor units. Denied and unqualified conversions don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = daily_rollups)]
pub(crate) struct Rollups {
    pub(crate) currency: Currency,
    /// Pending or approved conversions.
    pub(crate) conversions: i64,
    /// Customers' payments for the credited lines, after refunds.
    pub(crate) revenue_minor: i64,
    /// Discounts from the codes.
    pub(crate) discount_minor: i64,
    /// Refunds of the credited lines.
    pub(crate) refunded_minor: i64,
    pub(crate) commission_minor: i64,
}

impl Rollups {
    pub(crate) fn none(currency: Currency) -> Self {
        Self {
            currency,
            conversions: 0,
            revenue_minor: 0,
            discount_minor: 0,
            refunded_minor: 0,
            commission_minor: 0,
        }
    }
}

/// The columns of [`Rollups`], as sums.
macro_rules! sums {
    () => {
        // copy: SQL
        "currency, sum(conversions)::bigint AS conversions, \
         sum(revenue_minor)::bigint AS revenue_minor, \
         sum(discount_minor)::bigint AS discount_minor, \
         sum(refunded_minor)::bigint AS refunded_minor, \
         sum(commission_minor)::bigint AS commission_minor"
    };
}

/// The totals of one of several affiliates or triggers.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(embed)]
    rollups: Rollups,
}

fn grouped(rows: Vec<Row>) -> HashMap<i64, Vec<Rollups>> {
    let mut by_id: HashMap<i64, Vec<Rollups>> = HashMap::new();
    for Row { id, rollups } in rows {
        by_id.entry(id).or_default().push(rollups);
    }
    by_id
}

/// The totals of some affiliates from the day `since` on, per currency, the busiest first.
pub(crate) fn affiliates_since(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_ids: &[i64],
    since: NaiveDate,
) -> QueryResult<HashMap<i64, Vec<Rollups>>> {
    let rows = statement!(
        concat!(
            "SELECT affiliate_id AS id, ",
            sums!(),
            " FROM affiliate_daily_rollups \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:affiliate_ids) \
                 AND day >= :since \
             GROUP BY affiliate_id, currency ORDER BY affiliate_id, sum(conversions) DESC, currency"
        ),
        merchant_id: BigInt,
        affiliate_ids: Array<BigInt>,
        since: Date,
    )
    .load(conn)?;
    Ok(grouped(rows))
}

/// The all-time totals of some triggers, per currency, the busiest first.
pub(crate) fn triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<Rollups>>> {
    let rows = statement!(
        "SELECT trigger_id AS id, currency, conversions, revenue_minor, discount_minor, \
             refunded_minor, commission_minor \
         FROM trigger_rollups \
         WHERE merchant_id = :merchant_id AND trigger_id = ANY(:trigger_ids) \
         ORDER BY trigger_id, conversions DESC, currency",
        merchant_id: BigInt,
        trigger_ids: Array<BigInt>,
    )
    .load(conn)?;
    Ok(grouped(rows))
}

/// The totals of the merchant's days in one currency.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct SumRollups {
    /// Orders placed, credited or not.
    #[diesel(sql_type = BigInt)]
    pub(crate) orders: i64,
    /// The credited part.
    #[diesel(embed)]
    pub(crate) rollups: Rollups,
}

/// The sums of the merchant's days from `from` to `to`, both included, the busiest currency first.
pub(crate) fn merchant_sums(
    conn: &mut PgConnection,
    merchant_id: i64,
    from: NaiveDate,
    to: NaiveDate,
) -> QueryResult<Vec<SumRollups>> {
    statement!(
        concat!(
            "SELECT sum(orders)::bigint AS orders, ",
            sums!(),
            " FROM daily_rollups WHERE merchant_id = :merchant_id AND day BETWEEN :from AND :to \
             GROUP BY currency ORDER BY sum(conversions) DESC, currency"
        ),
        merchant_id: BigInt,
        from: Date,
        to: Date,
    )
    .load(conn)
}

#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct DayRollups {
    /// In the merchant's time zone.
    #[diesel(sql_type = Date)]
    pub(crate) day: NaiveDate,
    /// Orders placed that day, credited or not.
    #[diesel(sql_type = BigInt)]
    pub(crate) orders: i64,
    /// The credited part.
    #[diesel(embed)]
    pub(crate) rollups: Rollups,
}

/// The merchant's days from `from` to `to`, both included. Days without data are missing.
pub(crate) fn merchant_days(
    conn: &mut PgConnection,
    merchant_id: i64,
    from: NaiveDate,
    to: NaiveDate,
) -> QueryResult<Vec<DayRollups>> {
    statement!(
        concat!(
            "SELECT day, sum(orders)::bigint AS orders, ",
            sums!(),
            " FROM daily_rollups WHERE merchant_id = :merchant_id AND day BETWEEN :from AND :to \
             GROUP BY day, currency ORDER BY day, currency"
        ),
        merchant_id: BigInt,
        from: Date,
        to: Date,
    )
    .load(conn)
}
