//! The count and totals of the conversions that match a filter.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use vouch_core::money::Currency;

use super::filter::{ConversionFilter, StatusFilter};
use super::matching::{ResolvedFilter, SearchMatches};
use crate::features::rollups;
use crate::kit::db::schema::conversions;
use crate::kit::lists::{COUNT_LIMIT, Count};

#[derive(Clone, Debug)]
pub(crate) struct ConversionTotals {
    pub(crate) count: Count,
    /// The Pending and Approved conversions per currency, the most frequent currency first.
    pub(crate) credited: Vec<Credited>,
    /// Whether a search matches at least [`super::MAX_FOUND`] affiliates, triggers or orders. Conversions
    /// of further ones may be missing then.
    pub(crate) is_cut: bool,
}

/// The Pending and Approved conversions of a list in one currency.
#[derive(Clone, Debug)]
pub(crate) struct Credited {
    pub(crate) currency: Currency,
    /// Minor units.
    pub(crate) revenue_minor: i64,
    /// Minor units.
    pub(crate) commission_minor: i64,
    /// Minor units.
    pub(crate) refunded_minor: i64,
}

/// The totals of all credited conversions of a period. They come from the rollups, so many conversions
/// cost no more than a few. `None` for other filters.
pub(super) fn kept_totals(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
) -> QueryResult<Option<ConversionTotals>> {
    let ConversionFilter {
        q,
        status: Some(StatusFilter::Credited),
        affiliate_id: None,
        trigger_id: None,
        from: Some(from),
        to: Some(to),
    } = filter
    else {
        return Ok(None);
    };
    if !q.is_empty() {
        return Ok(None);
    }
    let sums = rollups::merchant_sums(conn, merchant_id, *from, *to)?;
    let count = sums.iter().map(|sum| sum.rollups.conversions).sum();
    let credited = sums.into_iter().filter(|sum| sum.rollups.conversions > 0).map(|sum| Credited {
        currency: sum.rollups.currency,
        revenue_minor: sum.rollups.revenue_minor,
        commission_minor: sum.rollups.commission_minor,
        refunded_minor: sum.rollups.refunded_minor,
    });
    let (count, credited) = (Count::all(count), credited.collect());
    Ok(Some(ConversionTotals { count, credited, is_cut: false }))
}

pub(super) fn count(conn: &mut PgConnection, matching: &ResolvedFilter) -> QueryResult<Count> {
    let all = matching.query().select(conversions::id);
    if matching.filter == ConversionFilter::default() {
        Count::of_all(conn, all, "conversions", matching.merchant_id)
    } else {
        Count::of(conn, all)
    }
}

pub(super) fn totals(
    conn: &mut PgConnection,
    matching: &ResolvedFilter,
) -> QueryResult<ConversionTotals> {
    let count = count(conn, matching)?;
    let is_cut = matching.found.as_ref().is_some_and(SearchMatches::is_cut);
    if !count.is_exact() {
        // Only a part of the rows would be added up, which isn't the total.
        return Ok(ConversionTotals { count, credited: Vec::new(), is_cut });
    }
    let some = matching
        .query()
        .select((
            conversions::currency,
            conversions::status,
            conversions::revenue_minor,
            conversions::commission_minor,
            conversions::refunded_minor,
            conversions::shared_revenue_minor,
            conversions::shared_refunded_minor,
            conversions::order_id,
            conversions::via,
        ))
        .limit(COUNT_LIMIT + 1);
    let rows: Vec<(Currency, i64, i64, i64, i64)> =
        TotalsOf { some, takes_orders_once: matching.filter.affiliate_id.is_none() }.load(conn)?;
    let credited = rows
        .into_iter()
        .filter(|(_, credited, ..)| *credited > 0)
        .map(|(currency, _, revenue_minor, commission_minor, refunded_minor)| Credited {
            currency,
            revenue_minor,
            commission_minor,
            refunded_minor,
        })
        .collect();
    Ok(ConversionTotals { count, credited, is_cut })
}

/// The count and amounts of credited rows, per currency. For a program, revenue that a royalty shares
/// with the main conversion counts once. For one affiliate, all of its conversions are added up.
struct TotalsOf<Q> {
    some: Q,
    takes_orders_once: bool,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for TotalsOf<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT currency::text, count(*) FILTER (WHERE credited), \
             coalesce(sum(revenue_minor - CASE WHEN is_beside THEN shared_revenue_minor ELSE 0 END) \
                 FILTER (WHERE credited), 0)::bigint, \
             coalesce(sum(commission_minor) FILTER (WHERE credited), 0)::bigint, \
             coalesce(sum(refunded_minor - CASE WHEN is_beside THEN shared_refunded_minor ELSE 0 END) \
                 FILTER (WHERE credited), 0)::bigint \
             FROM (SELECT *, status IN ('pending', 'approved') AS credited, ",
        );
        out.push_sql(if self.takes_orders_once {
            "via = 'sku' AND bool_or(via <> 'sku' AND status IN ('pending', 'approved')) \
                 OVER (PARTITION BY order_id) AS is_beside"
        } else {
            "false AS is_beside"
        });
        out.push_sql(" FROM (");
        self.some.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted) AS marked GROUP BY currency ORDER BY count(*) DESC, 1");
        Ok(())
    }
}

impl<Q> QueryId for TotalsOf<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for TotalsOf<Q> {
    type SqlType = (Text, BigInt, BigInt, BigInt, BigInt);
}

impl<Q> RunQueryDsl<PgConnection> for TotalsOf<Q> {}
