use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Text};

use crate::kit::db::prepared;

/// Figures of something in one currency, in its minor units. Conversions that are Denied or
/// Unqualified do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollups {
    /// ISO 4217.
    pub currency: String,
    /// How many conversions are Pending or Approved.
    pub conversions: i64,
    /// What customers paid for the credited lines, after refunds.
    pub revenue_minor: i64,
    /// What the codes took off.
    pub discount_minor: i64,
    /// What was refunded of the credited lines.
    pub refunded_minor: i64,
    /// Commission.
    pub commission_minor: i64,
}

impl Rollups {
    /// In the order in which the statements below name them.
    fn new(currency: String, sums: [i64; 5]) -> Self {
        let [conversions, revenue_minor, discount_minor, refunded_minor, commission_minor] = sums;
        Self {
            currency,
            conversions,
            revenue_minor,
            discount_minor,
            refunded_minor,
            commission_minor,
        }
    }
}

type SumRow = (BigInt, Text, BigInt, BigInt, BigInt, BigInt, BigInt);

fn grouped(rows: Vec<(i64, String, i64, i64, i64, i64, i64)>) -> HashMap<i64, Vec<Rollups>> {
    let mut by_id: HashMap<i64, Vec<Rollups>> = HashMap::new();
    for (id, currency, conversions, revenue, discount, refunded, commission) in rows {
        let sums = [conversions, revenue, discount, refunded, commission];
        by_id.entry(id).or_default().push(Rollups::new(currency, sums));
    }
    by_id
}

/// The figures of some affiliates from the day `since` on, per currency, the busiest first.
pub fn affiliates_since(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_ids: &[i64],
    since: NaiveDate,
) -> QueryResult<HashMap<i64, Vec<Rollups>>> {
    let rows = prepared::<SumRow>(
        "SELECT affiliate_id, currency::text, sum(conversions)::bigint, \
             sum(revenue_minor)::bigint, sum(discount_minor)::bigint, \
             sum(refunded_minor)::bigint, sum(commission_minor)::bigint \
         FROM affiliate_daily_rollups \
         WHERE merchant_id = ? AND affiliate_id = ANY(?) AND day >= ? \
         GROUP BY affiliate_id, currency ORDER BY affiliate_id, 3 DESC, 2",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<BigInt>, _>(affiliate_ids)
    .bind::<Date, _>(since)
    .load(conn)?;
    Ok(grouped(rows))
}

/// The figures of some triggers of all time, per currency, the busiest first.
pub fn triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<Rollups>>> {
    let rows = prepared::<SumRow>(
        "SELECT trigger_id, currency::text, conversions, revenue_minor, discount_minor, \
             refunded_minor, commission_minor \
         FROM trigger_rollups WHERE merchant_id = ? AND trigger_id = ANY(?) \
         ORDER BY trigger_id, 3 DESC, 2",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<BigInt>, _>(trigger_ids)
    .load(conn)?;
    Ok(grouped(rows))
}

/// What the merchant's days add up to in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumRollups {
    /// Orders placed, credited or not.
    pub orders: i64,
    /// The credited part.
    pub rollups: Rollups,
}

/// The sums of the merchant's days from `from` to `to`, both included, the busiest currency first.
pub fn merchant_sums(
    conn: &mut PgConnection,
    merchant_id: i64,
    from: NaiveDate,
    to: NaiveDate,
) -> QueryResult<Vec<SumRollups>> {
    let rows = prepared::<SumRow>(
        "SELECT sum(orders)::bigint, currency::text, sum(conversions)::bigint, \
             sum(revenue_minor)::bigint, sum(discount_minor)::bigint, \
             sum(refunded_minor)::bigint, sum(commission_minor)::bigint \
         FROM daily_rollups WHERE merchant_id = ? AND day BETWEEN ? AND ? \
         GROUP BY currency ORDER BY 3 DESC, 2",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Date, _>(from)
    .bind::<Date, _>(to)
    .load::<(i64, String, i64, i64, i64, i64, i64)>(conn)?;
    let sums = rows.into_iter().map(
        |(orders, currency, conversions, revenue, discount, refunded, commission)| SumRollups {
            orders,
            rollups: Rollups::new(currency, [conversions, revenue, discount, refunded, commission]),
        },
    );
    Ok(sums.collect())
}

/// One day of the merchant in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRollups {
    /// The day, in the merchant's time zone.
    pub day: NaiveDate,
    /// Orders placed that day, credited or not.
    pub orders: i64,
    /// The credited part.
    pub rollups: Rollups,
}

/// The merchant's days from `from` to `to`, both included; days without anything are left out.
pub fn merchant_days(
    conn: &mut PgConnection,
    merchant_id: i64,
    from: NaiveDate,
    to: NaiveDate,
) -> QueryResult<Vec<DayRollups>> {
    type Row = (Date, Text, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt);
    let rows: Vec<(NaiveDate, String, i64, i64, i64, i64, i64, i64)> = prepared::<Row>(
        "SELECT day, currency::text, sum(orders)::bigint, sum(conversions)::bigint, \
             sum(revenue_minor)::bigint, sum(discount_minor)::bigint, \
             sum(refunded_minor)::bigint, sum(commission_minor)::bigint \
         FROM daily_rollups WHERE merchant_id = ? AND day BETWEEN ? AND ? \
         GROUP BY day, currency ORDER BY day, currency",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Date, _>(from)
    .bind::<Date, _>(to)
    .load(conn)?;
    let days = rows.into_iter().map(
        |(day, currency, orders, conversions, revenue, discount, refunded, commission)| {
            DayRollups {
                day,
                orders,
                rollups: Rollups::new(
                    currency,
                    [conversions, revenue, discount, refunded, commission],
                ),
            }
        },
    );
    Ok(days.collect())
}
