use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Timestamptz};
use vouch_core::money::Currency;

use crate::features::conversions::ConversionStatus;
use crate::features::pushes::{self, PushStatus};
use crate::features::triggers::TriggerKind;
use crate::kit::db::schema::{conversions, triggers};
use crate::kit::db::statement::statement;
use crate::kit::lists::{ColumnType, Listing, Range, SortOrder};
use crate::kit::web::display_time::before_day;

/// An affiliate's coupon code with its earnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortalCode {
    /// The ID of its trigger.
    pub(crate) id: i64,
    /// As typed.
    pub(crate) value: String,
    /// Orders placed after this time don't count.
    pub(crate) retired_at: Option<DateTime<Utc>>,
    /// Per status and currency, those with the most conversions first.
    pub(crate) sums: Vec<CodeSum>,
    /// Orders that count, by week.
    pub(crate) weeks: [i64; WEEKS],
    /// The names of the stores that have it.
    pub(crate) stores: Vec<String>,
}

type Row = (i64, String, Option<DateTime<Utc>>);

/// The newest first.
pub(super) const NEWEST: SortOrder = SortOrder::descending(&[("id", ColumnType::Number)]);

/// Some of the coupon codes an affiliate holds; their weeks end on the day `today`.
pub(super) fn codes(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    today: NaiveDate,
    range: &Range,
) -> QueryResult<Listing<PortalCode>> {
    let query = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::affiliate_id.eq(affiliate_id))
        .filter(triggers::kind.eq(TriggerKind::CouponCode))
        .select((triggers::id, triggers::value, triggers::retired_at))
        .into_boxed();
    let found = range.listing(range.walk(query).load::<Row>(conn)?, |(id, ..)| (*id,));
    let ids: Vec<i64> = found.rows.iter().map(|(id, ..)| *id).collect();
    let mut sums = sums_of(conn, merchant_id, affiliate_id, &ids)?;
    let mut weeks = weeks_of(conn, merchant_id, affiliate_id, &ids, today)?;
    let mut lines = pushes::of_triggers(conn, merchant_id, &ids)?;
    let mut stores = |id: i64| {
        let lines = lines.remove(&id).unwrap_or_default();
        let there = lines.into_iter().filter(|line| line.push.status == PushStatus::Pushed);
        there.map(|line| line.store).collect()
    };
    let code = |(id, value, retired_at)| PortalCode {
        stores: stores(id),
        id,
        value,
        retired_at,
        sums: sums.remove(&id).unwrap_or_default(),
        weeks: weeks.remove(&id).unwrap_or_default(),
    };
    Ok(found.map(code))
}

/// The totals of one code in one status and one currency.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = conversions)]
pub(crate) struct CodeSum {
    pub(crate) status: ConversionStatus,
    pub(crate) currency: Currency,
    #[diesel(sql_type = BigInt)]
    pub(crate) conversions: i64,
    /// Minor units.
    pub(crate) revenue_minor: i64,
    /// Minor units.
    pub(crate) commission_minor: i64,
}

/// Counted from the affiliate's own conversions. A trigger's stored totals include all of its
/// holders, and affiliates must not see what others earned.
fn sums_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<CodeSum>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        trigger_id: i64,
        #[diesel(embed)]
        sum: CodeSum,
    }
    let rows: Vec<Row> = statement!(
        "SELECT trigger_id, status, currency, count(*) AS conversions, \
             sum(revenue_minor)::bigint AS revenue_minor, \
             sum(commission_minor)::bigint AS commission_minor \
         FROM conversions \
         WHERE merchant_id = :merchant_id AND affiliate_id = :affiliate_id \
             AND trigger_id = ANY(:ids) AND status <> 'unqualified' \
         GROUP BY trigger_id, status, currency ORDER BY trigger_id, conversions DESC, currency",
        merchant_id: BigInt,
        affiliate_id: BigInt,
        ids: Array<BigInt>,
    )
    .load(conn)?;
    let mut by_id: HashMap<i64, Vec<CodeSum>> = HashMap::new();
    for Row { trigger_id, sum } in rows {
        by_id.entry(trigger_id).or_default().push(sum);
    }
    Ok(by_id)
}

/// How many weeks the chart beside a code has, the current one last.
pub(crate) const WEEKS: usize = 12;

/// Orders that count by week, up to `today`.
fn weeks_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    ids: &[i64],
    today: NaiveDate,
) -> QueryResult<HashMap<i64, [i64; WEEKS]>> {
    let days = 7 * WEEKS as u64 - 1;
    let first = today.checked_sub_days(Days::new(days)).unwrap_or(today);
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        trigger_id: i64,
        #[diesel(sql_type = Integer)]
        week: i32,
        #[diesel(sql_type = BigInt)]
        orders: i64,
    }
    let rows: Vec<Row> = statement!(
        "SELECT trigger_id, (day - :first) / 7 AS week, count(*) AS orders \
         FROM conversions \
         WHERE merchant_id = :merchant_id AND affiliate_id = :affiliate_id \
             AND trigger_id = ANY(:ids) AND status IN ('pending', 'approved') \
             AND occurred_at >= :since AND day BETWEEN :first AND :today \
         GROUP BY trigger_id, week",
        merchant_id: BigInt,
        affiliate_id: BigInt,
        ids: Array<BigInt>,
        first: Date,
        since: Timestamptz = before_day(first),
        today: Date,
    )
    .load(conn)?;
    let mut by_id: HashMap<i64, [i64; WEEKS]> = HashMap::new();
    for Row { trigger_id, week, orders } in rows {
        let weeks = by_id.entry(trigger_id).or_insert([0; WEEKS]);
        if let Some(place) = usize::try_from(week).ok().and_then(|at| weeks.get_mut(at)) {
            *place = orders;
        }
    }
    Ok(by_id)
}

/// The totals of an affiliate's conversions in one status and one currency.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = conversions)]
pub(crate) struct StatusSum {
    pub(crate) status: ConversionStatus,
    pub(crate) currency: Currency,
    #[diesel(sql_type = BigInt)]
    pub(crate) conversions: i64,
    /// Minor units.
    pub(crate) commission_minor: i64,
}

/// The all-time totals of an affiliate's conversions, the currency with the most conversions first.
pub(crate) fn sums_by_status(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Vec<StatusSum>> {
    statement!(
        "SELECT status, currency, count(*) AS conversions, \
             sum(commission_minor)::bigint AS commission_minor \
         FROM conversions WHERE merchant_id = :merchant_id AND affiliate_id = :affiliate_id \
         GROUP BY status, currency ORDER BY conversions DESC, currency",
        merchant_id: BigInt,
        affiliate_id: BigInt,
    )
    .load(conn)
}
