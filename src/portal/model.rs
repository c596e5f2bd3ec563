use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::conversions::ConversionStatus;
use crate::db::prepared;
use crate::db::schema::{trigger_owners, triggers};
use crate::figures::{self, Figures};
use crate::pushes::{self, PushStatus};
use crate::triggers::TriggerKind;
use crate::web::paginate::{Cursor, Listing, PAGE_SIZE};

/// A coupon code of an affiliate, with what it earned them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The trigger's key.
    pub id: i64,
    /// As typed.
    pub value: String,
    /// Orders placed from then on no longer count.
    pub retired_at: Option<DateTime<Utc>>,
    /// Per currency, the busiest first.
    pub figures: Vec<Figures>,
    /// The names of the stores that have it.
    pub stores: Vec<String>,
}

type Row = (i64, String, Option<DateTime<Utc>>);

/// The coupon codes an affiliate holds, the newest first.
///
/// # Errors
/// The database's.
pub fn codes(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    cursor: &Cursor<i64>,
) -> QueryResult<Listing<Code>> {
    let mut query = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::affiliate_id.eq(affiliate_id))
        .filter(triggers::kind.eq(TriggerKind::CouponCode))
        .select((triggers::id, triggers::value, triggers::retired_at))
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    query = match cursor {
        Cursor::Start => query.order(triggers::id.desc()),
        Cursor::After(id) => query.filter(triggers::id.lt(*id)).order(triggers::id.desc()),
        Cursor::Before(id) => query.filter(triggers::id.gt(*id)).order(triggers::id.asc()),
    };
    let Listing { rows, previous, next } =
        Listing::new(query.load::<Row>(conn)?, cursor, |(id, ..)| *id);
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    let mut figures = figures_of(conn, merchant_id, affiliate_id, &ids)?;
    let mut lines = pushes::of_triggers(conn, merchant_id, &ids)?;
    let mut stores = |id: i64| {
        let lines = lines.remove(&id).unwrap_or_default();
        let there = lines.into_iter().filter(|line| line.push.status == PushStatus::Pushed);
        there.map(|line| line.store).collect()
    };
    let code = |(id, value, retired_at)| Code {
        stores: stores(id),
        id,
        value,
        retired_at,
        figures: figures.remove(&id).unwrap_or_default(),
    };
    Ok(Listing { rows: rows.into_iter().map(code).collect(), previous, next })
}

/// The kept figures of a trigger are those of all its holders. Where there was another one, the
/// affiliate's own part is counted instead: what others earned is none of their business.
fn figures_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<Figures>>> {
    let shared: Vec<i64> = trigger_owners::table
        .filter(trigger_owners::merchant_id.eq(merchant_id))
        .filter(trigger_owners::trigger_id.eq_any(ids))
        .filter(trigger_owners::affiliate_id.ne(affiliate_id))
        .select(trigger_owners::trigger_id)
        .distinct()
        .load(conn)?;
    let mut by_id = figures::triggers(conn, merchant_id, ids)?;
    if shared.is_empty() {
        return Ok(by_id);
    }
    by_id.retain(|id, _| !shared.contains(id));
    for (id, currency, conversions, revenue, discount, refunded, commission) in
        counted(conn, merchant_id, affiliate_id, &shared)?
    {
        by_id.entry(id).or_default().push(Figures {
            currency,
            conversions,
            revenue_minor: revenue,
            discount_minor: discount,
            refunded_minor: refunded,
            commission_minor: commission,
        });
    }
    Ok(by_id)
}

type SumRow = (i64, String, i64, i64, i64, i64, i64);

fn counted(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<Vec<SumRow>> {
    prepared::<(BigInt, Text, BigInt, BigInt, BigInt, BigInt, BigInt)>(
        "SELECT trigger_id, currency::text, count(*), sum(revenue_minor)::bigint, \
             sum(discount_minor)::bigint, sum(refunded_minor)::bigint, \
             sum(commission_minor)::bigint \
         FROM conversions \
         WHERE merchant_id = ? AND affiliate_id = ? AND trigger_id = ANY(?) \
             AND status IN ('pending', 'approved') \
         GROUP BY trigger_id, currency ORDER BY trigger_id, 3 DESC, 2",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(affiliate_id)
    .bind::<Array<BigInt>, _>(trigger_ids)
    .load(conn)
}

/// What an affiliate's conversions of one status add up to in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSum {
    /// Their status.
    pub status: ConversionStatus,
    /// ISO 4217.
    pub currency: String,
    /// How many.
    pub conversions: i64,
    /// Minor units.
    pub commission_minor: i64,
}

/// The sums of an affiliate's conversions, all of time, the busiest currency first.
///
/// # Errors
/// The database's.
pub fn sums_by_status(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Vec<StatusSum>> {
    let rows: Vec<(ConversionStatus, String, i64, i64)> = prepared::<(Text, Text, BigInt, BigInt)>(
        "SELECT status, currency::text, count(*), sum(commission_minor)::bigint \
         FROM conversions WHERE merchant_id = ? AND affiliate_id = ? \
         GROUP BY status, currency ORDER BY 3 DESC, 2",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(affiliate_id)
    .load(conn)?;
    let sum = |(status, currency, conversions, commission_minor)| StatusSum {
        status,
        currency,
        conversions,
        commission_minor,
    };
    Ok(rows.into_iter().map(sum).collect())
}
