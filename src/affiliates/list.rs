//! Lists of affiliates: for pages, for downloads, for choosing one.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz};
use serde::{Deserialize, Serialize};

use super::model::Affiliate;
use super::search::{Boxed, Search};
use super::status::AffiliateStatus;
use crate::auth::Merchant;
use crate::code_requests;
use crate::db::listing::{beyond, count_of, replanned, sorted_after};
use crate::db::schema::{affiliates, offers, triggers};
use crate::db::text_enum;
use crate::figures::{self, Figures};
use crate::triggers::TriggerKind;
use crate::web::paginate::{COUNT_LIMIT, Count, Cursor, Listing, PAGE_SIZE, SEARCH_LIMIT};

/// Figures beside affiliates are of so many days, today included.
pub const FIGURE_DAYS: u64 = 30;

/// The first of the days whose figures stand beside affiliates.
pub fn since(now: DateTime<Utc>, merchant: &Merchant) -> NaiveDate {
    now.with_timezone(&merchant.tz()).date_naive() - Days::new(FIGURE_DAYS - 1)
}

text_enum! {
    /// What a list of affiliates goes by.
    #[derive(Default)]
    pub enum AffiliateSort {
        /// By name.
        #[default]
        Name = "name", "Name";
        /// By name, backwards.
        NameBackwards = "name-backwards", "Name, backwards";
        /// Who joined last comes first.
        Newest = "newest", "Newest";
        /// Who joined first comes first.
        Oldest = "oldest", "Oldest";
    }
}

impl AffiliateSort {
    fn by_name(self) -> bool {
        matches!(self, Self::Name | Self::NameBackwards)
    }

    fn descending(self) -> bool {
        matches!(self, Self::NameBackwards | Self::Newest)
    }
}

/// Which affiliates a list shows.
#[derive(Clone, Debug, Default)]
pub struct AffiliateFilter {
    /// What is looked for in name, e-mail address and affiliate ID.
    pub search: Search,
    /// Only with this status.
    pub status: Option<AffiliateStatus>,
    /// Only on this offer.
    pub offer_id: Option<i64>,
}

/// An affiliate with what it is sorted by.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = affiliates)]
struct Found {
    #[diesel(embed)]
    affiliate: Affiliate,
    name_key: String,
}

/// Where a row stands in any of the orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    name: String,
    at: DateTime<Utc>,
    id: i64,
}

impl Place {
    fn of(found: &Found) -> Self {
        let Affiliate { created_at: at, id, .. } = found.affiliate;
        Self { name: found.name_key.clone(), at, id }
    }
}

/// An affiliate as lists show it.
#[derive(Clone, Debug)]
pub struct AffiliateRow {
    /// The affiliate.
    pub affiliate: Affiliate,
    /// The name of the offer it is on.
    pub offer_name: String,
    /// How many coupon codes it has that are not retired.
    pub codes: i64,
    /// Codes it asked for, which are reserved until that is decided.
    pub reserved: Vec<String>,
    /// Its figures of the last days, per currency.
    pub figures: Vec<Figures>,
}

/// One page of affiliates, and how many there are in all. `since` is the first day of the figures.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &AffiliateFilter,
    sort: AffiliateSort,
    cursor: &Cursor<Place>,
    since: NaiveDate,
) -> QueryResult<(Listing<AffiliateRow>, Count)> {
    let (found, count) = fetch(conn, merchant_id, filter, sort, cursor, PAGE_SIZE + 1)?;
    let Listing { rows, previous, next } = Listing::new(found, cursor, Place::of);
    let rows = complete(conn, merchant_id, rows, since)?;
    Ok((Listing { rows, previous, next }, count))
}

/// Up to `limit` affiliates after the cursor, and the place of the next ones: for downloads.
///
/// # Errors
/// The database's.
pub fn piece(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &AffiliateFilter,
    sort: AffiliateSort,
    cursor: &Cursor<Place>,
    limit: usize,
    since: NaiveDate,
) -> QueryResult<(Vec<AffiliateRow>, Option<Cursor<Place>>)> {
    let (found, _) = fetch(conn, merchant_id, filter, sort, cursor, limit)?;
    let next = found.last().filter(|_| found.len() == limit).map(Place::of).map(Cursor::After);
    Ok((complete(conn, merchant_id, found, since)?, next))
}

/// Up to `limit` affiliates that `typed` finds, by name: for choosing one. Where more match than
/// anybody would look through, these are the first by name of some of them.
///
/// # Errors
/// The database's.
pub fn choices(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
    limit: usize,
) -> QueryResult<Vec<Affiliate>> {
    let (search, limit) = (Search::of(typed), limit as i64);
    let all = filtered(merchant_id, &AffiliateFilter::default());
    if search.is_empty() {
        let by_name = all.order((affiliates::name_key, affiliates::id)).limit(limit);
        return by_name.select(Affiliate::as_select()).load(conn);
    }
    let some = search.matching(all).select(Found::as_select()).limit(SEARCH_LIMIT);
    let found: Vec<Found> = replanned(sorted_after(some, "name_key, id", limit)).load(conn)?;
    Ok(found.into_iter().map(|found| found.affiliate).collect())
}

fn filtered(merchant_id: i64, filter: &AffiliateFilter) -> Boxed {
    let mut query =
        affiliates::table.into_boxed::<Pg>().filter(affiliates::merchant_id.eq(merchant_id));
    if let Some(status) = filter.status {
        query = query.filter(affiliates::status.eq(status));
    }
    if let Some(offer_id) = filter.offer_id {
        query = query.filter(affiliates::offer_id.eq(offer_id));
    }
    query
}

/// Up to `limit` rows along the cursor (for [`Cursor::Before`], in reverse), and the count.
fn fetch(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &AffiliateFilter,
    sort: AffiliateSort,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<(Vec<Found>, Count)> {
    let matching = || filter.search.matching(filtered(merchant_id, filter));
    let is_search = !filter.search.is_empty();
    let counted = if is_search { SEARCH_LIMIT } else { COUNT_LIMIT };
    let some = count_of(matching().select(affiliates::id).limit(counted + 1));
    let found = if is_search { replanned(some).get_result(conn)? } else { some.get_result(conn)? };
    let count = Count::new(found, counted);
    let limit = limit as i64;
    let descending = sort.descending() != cursor.is_backward();
    let query = from_place(matching(), sort, cursor);
    if !is_search {
        let query = ordered(query, sort, descending).select(Found::as_select()).limit(limit);
        return Ok((query.load(conn)?, count));
    }
    // By name, what begins with the word stands together somewhere far down the order: walking
    // there passes everybody before it. So the hits are collected, however many.
    if count.is_exact() || sort.by_name() {
        let order = match (sort.by_name(), descending) {
            (true, false) => "name_key, id",
            (true, true) => "name_key DESC, id DESC",
            (false, false) => "created_at, id",
            (false, true) => "created_at DESC, id DESC",
        };
        let hits = query.select((affiliates::id, affiliates::name_key, affiliates::created_at));
        let hits = replanned(sorted_after(hits, order, limit))
            .load::<(i64, String, DateTime<Utc>)>(conn)?;
        let ids: Vec<i64> = hits.into_iter().map(|(id, ..)| id).collect();
        return Ok((by_ids(conn, merchant_id, &ids)?, count));
    }
    // By time the hits of a common word are spread, and walking soon meets a page of them.
    let query = ordered(query, sort, descending).select(Found::as_select()).limit(limit);
    Ok((replanned(query).load(conn)?, count))
}

fn ordered(query: Boxed, sort: AffiliateSort, descending: bool) -> Boxed {
    match (sort.by_name(), descending) {
        (true, false) => query.order((affiliates::name_key, affiliates::id)),
        (true, true) => query.order((affiliates::name_key.desc(), affiliates::id.desc())),
        (false, false) => query.order((affiliates::created_at, affiliates::id)),
        (false, true) => query.order((affiliates::created_at.desc(), affiliates::id.desc())),
    }
}

/// In the order of `ids`.
fn by_ids(conn: &mut PgConnection, merchant_id: i64, ids: &[i64]) -> QueryResult<Vec<Found>> {
    let mut found: HashMap<i64, Found> = affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::id.eq_any(ids))
        .select(Found::as_select())
        .load(conn)?
        .into_iter()
        .map(|found: Found| (found.affiliate.id, found))
        .collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn from_place(query: Boxed, sort: AffiliateSort, cursor: &Cursor<Place>) -> Boxed {
    let (Cursor::After(place) | Cursor::Before(place)) = cursor else { return query };
    let descending = sort.descending() != cursor.is_backward();
    if sort.by_name() {
        let columns = "affiliates.name_key, affiliates.id";
        query.filter(beyond::<Text, _>(columns, descending, place.name.clone(), place.id))
    } else {
        let columns = "affiliates.created_at, affiliates.id";
        query.filter(beyond::<Timestamptz, _>(columns, descending, place.at, place.id))
    }
}

/// Adds offers, codes and figures: plain statements by key rather than one that the planner can
/// get wrong.
fn complete(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: Vec<Found>,
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
    for (affiliate_id, code) in code_requests::pending_of(conn, merchant_id, &ids)? {
        reserved.entry(affiliate_id).or_default().push(code);
    }
    let mut figures = figures::affiliates_since(conn, merchant_id, &ids, since)?;
    let row = |Found { affiliate, .. }: Found| AffiliateRow {
        offer_name: offer_names.get(&affiliate.offer_id).cloned().unwrap_or_default(),
        codes: codes.get(&affiliate.id).copied().unwrap_or(0),
        reserved: reserved.remove(&affiliate.id).unwrap_or_default(),
        figures: figures.remove(&affiliate.id).unwrap_or_default(),
        affiliate,
    };
    Ok(found.into_iter().map(row).collect())
}
