//! Lists of affiliates, for pages, CSV files and choosing one affiliate.

mod fetch;
mod filter;

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::dsl::{count_star, exists};
use diesel::pg::Pg;
use diesel::prelude::*;

use self::fetch::{AffiliateListQuery, SortedAffiliate};
pub(crate) use self::filter::{AffiliateFilter, AffiliateSort};
use super::model::Affiliate;
use super::search::AffiliateSearch;
use super::status::AffiliateStatus;
use crate::features::applications::CodeRequest;
use crate::features::auth::Merchant;
use crate::features::rollups::{self, Rollups};
use crate::features::triggers::TriggerKind;
use crate::kit::db::schema::{affiliates, offers, triggers};
use crate::kit::lists::{Count, Listing, Range, Sort};

/// The number of days in the totals next to affiliates, including today.
pub(crate) const ROLLUP_DAYS: u64 = 30;

/// The first day of the totals next to affiliates, in the merchant's time zone.
pub(crate) fn since(now: DateTime<Utc>, merchant: &Merchant) -> NaiveDate {
    now.with_timezone(&merchant.tz()).date_naive() - Days::new(ROLLUP_DAYS - 1)
}

/// An affiliate with its related data.
#[derive(Clone, Debug)]
pub(crate) struct AffiliateRow {
    pub(crate) affiliate: Affiliate,
    pub(crate) offer_name: String,
    /// The number of coupon codes that aren't retired.
    pub(crate) codes: i64,
    /// The codes in its pending requests. They're reserved until the request is approved or denied.
    pub(crate) reserved: Vec<String>,
    /// Its totals of the last [`ROLLUP_DAYS`] days, per currency.
    pub(crate) rollups: Vec<Rollups>,
}

/// The affiliates of a page, and the count of all that match. `since` is the first day of the totals.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    (filter, sort): (&AffiliateFilter, AffiliateSort),
    range: &Range,
    since: NaiveDate,
) -> QueryResult<(Listing<AffiliateRow>, Count)> {
    let (found, count) = AffiliateListQuery { merchant_id, filter, sort, range }.counted(conn)?;
    let listing = range.listing(found, |found| found.key(sort));
    Ok((listing.complete(|found| complete(conn, merchant_id, found, since))?, count))
}

/// Like [`page`], but without the count. CSV files use it.
pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    (filter, sort): (&AffiliateFilter, AffiliateSort),
    range: &Range,
    since: NaiveDate,
) -> QueryResult<Listing<AffiliateRow>> {
    let found = AffiliateListQuery { merchant_id, filter, sort, range }.rows(conn)?;
    let listing = range.listing(found, |found| found.key(sort));
    listing.complete(|found| complete(conn, merchant_id, found, since))
}

/// How many applicants wait for a decision.
pub(crate) fn count_pending(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    let pending = affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::status.eq(AffiliateStatus::Pending))
        .select(affiliates::id);
    Count::of(conn, pending.into_boxed::<Pg>())
}

/// Whether the program has an affiliate.
pub(crate) fn any(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let all = affiliates::table.filter(affiliates::merchant_id.eq(merchant_id));
    diesel::select(exists(all)).get_result(conn)
}

/// Up to `limit` affiliates that match `typed`, the best match first, for choosing one.
pub(crate) fn choices(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
    limit: usize,
) -> QueryResult<Vec<Affiliate>> {
    let filter =
        AffiliateFilter { search: AffiliateSearch::of(typed), ..AffiliateFilter::default() };
    let sort = AffiliateSort::usual(&filter.search);
    let range = &Range::first(sort.order(), limit);
    let found = AffiliateListQuery { merchant_id, filter: &filter, sort, range }.rows(conn)?;
    Ok(found.into_iter().take(limit).map(|found| found.affiliate).collect())
}

/// Adds offers, codes and totals. It uses simple statements by key, because the planner can get a large
/// one wrong.
fn complete(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: Vec<SortedAffiliate>,
    since: NaiveDate,
) -> QueryResult<Vec<AffiliateRow>> {
    let ids: Vec<i64> = found.iter().map(|found| found.affiliate.id).collect();
    let offer_names: HashMap<i64, String> = offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .select((offers::id, offers::name))
        .load::<(i64, String)>(conn)?
        .into_iter()
        .collect();
    let codes: HashMap<i64, i64> = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::affiliate_id.eq_any(&ids))
        .filter(triggers::kind.eq(TriggerKind::CouponCode))
        .filter(triggers::retired_at.is_null())
        .group_by(triggers::affiliate_id)
        .select((triggers::affiliate_id, count_star()))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let mut reserved: HashMap<i64, Vec<String>> = HashMap::new();
    for (affiliate_id, code) in CodeRequest::pending_of(conn, merchant_id, &ids)? {
        reserved.entry(affiliate_id).or_default().push(code);
    }
    let mut rollups = rollups::affiliates_since(conn, merchant_id, &ids, since)?;
    let row = |SortedAffiliate { affiliate, .. }: SortedAffiliate| AffiliateRow {
        offer_name: offer_names.get(&affiliate.offer_id).cloned().unwrap_or_default(),
        codes: codes.get(&affiliate.id).copied().unwrap_or(0),
        reserved: reserved.remove(&affiliate.id).unwrap_or_default(),
        rollups: rollups.remove(&affiliate.id).unwrap_or_default(),
        affiliate,
    };
    Ok(found.into_iter().map(row).collect())
}
