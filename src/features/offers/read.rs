use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use vouch_core::attribution::Commission;

use super::terms::Terms;
use crate::kit::dated::{Dated, Period};
use crate::kit::db::schema::{offer_terms, offers};
use crate::kit::db::statement::statement;
use crate::kit::lists::{COUNT_LIMIT, Count};

/// The commission terms of affiliates. The terms themselves are dated.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = offers)]
pub struct Offer {
    pub id: i64,
    pub name: String,
    /// Whether new affiliates get it unless a member chooses another.
    pub is_default: bool,
    /// When it was archived. No affiliate can be put on it since then.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Offer {
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        offers::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }
}

/// Terms of an offer, with their period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferTerms {
    pub(crate) valid_from: DateTime<Utc>,
    /// Exclusive; `None` while active.
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) commission: Commission,
    /// The keys of SKUs whose lines earn no commission.
    pub(crate) excluded_skus: Vec<String>,
    /// Whether qualified conversions start as approved instead of pending.
    pub(crate) auto_approve: bool,
}

impl From<Period<Terms>> for OfferTerms {
    fn from(period: Period<Terms>) -> Self {
        Self {
            valid_from: period.from,
            valid_until: period.until,
            commission: period.value.commission(),
            auto_approve: period.value.auto_approve,
            excluded_skus: period.value.excluded_skus.into_iter().flatten().collect(),
        }
    }
}

/// All terms of an offer, the active ones first.
pub(crate) fn history(
    conn: &mut PgConnection,
    merchant_id: i64,
    offer_id: i64,
) -> QueryResult<Vec<OfferTerms>> {
    let periods = Terms::periods(conn, (merchant_id, offer_id))?;
    Ok(periods.into_iter().rev().map(OfferTerms::from).collect())
}

/// A row of the offers list.
#[derive(Clone, Debug)]
pub(crate) struct OfferRow {
    pub(crate) offer: Offer,
    /// The active terms.
    pub(crate) terms: OfferTerms,
    /// How many affiliates are on it.
    pub(crate) affiliates: Count,
}

/// All offers of the merchant with their active terms: the default first, archived ones last.
pub(crate) fn list(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<OfferRow>> {
    let found = offers::table
        .inner_join(
            offer_terms::table.on(offer_terms::merchant_id
                .eq(offers::merchant_id)
                .and(offer_terms::offer_id.eq(offers::id))
                .and(offer_terms::valid_until.is_null())),
        )
        .filter(offers::merchant_id.eq(merchant_id))
        .order((offers::archived_at.is_not_null(), offers::is_default.desc(), offers::name))
        .select((Offer::as_select(), offer_terms::valid_from, Terms::as_select()))
        .load::<(Offer, DateTime<Utc>, Terms)>(conn)?;
    let counts = count_affiliates(conn, merchant_id)?;
    let row = |(offer, from, value): (Offer, DateTime<Utc>, Terms)| OfferRow {
        affiliates: counts
            .iter()
            .find(|count| count.offer_id == offer.id)
            .map_or(Count::all(0), |count| count.affiliates),
        terms: Period { from, until: None, value }.into(),
        offer,
    };
    Ok(found.into_iter().map(row).collect())
}

#[derive(QueryableByName)]
struct AffiliateCount {
    #[diesel(sql_type = BigInt)]
    offer_id: i64,
    #[diesel(sql_type = BigInt)]
    affiliates: Count,
}

fn count_affiliates(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<AffiliateCount>> {
    statement!(
        "SELECT o.id AS offer_id, (SELECT count(*) FROM (SELECT 1 FROM affiliates a \
             WHERE a.merchant_id = o.merchant_id AND a.offer_id = o.id LIMIT :at_most) AS counted) \
             AS affiliates \
         FROM offers o WHERE o.merchant_id = :merchant_id",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .load(conn)
}

/// The offers that an affiliate can be put on, as (ID, name): the default first, then by name.
pub(crate) fn options(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<Vec<(String, String)>> {
    let rows = offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .filter(offers::archived_at.is_null())
        .order((offers::is_default.desc(), offers::name))
        .select((offers::id, offers::name))
        .load::<(i64, String)>(conn)?;
    Ok(rows.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
}

/// All offers by name, as (ID, name). Archived ones come last and are marked.
pub(crate) fn all_options(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<Vec<(String, String)>> {
    let rows = offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .order((offers::archived_at.is_not_null(), offers::name))
        .select((offers::id, offers::name, offers::archived_at.is_not_null()))
        .load::<(i64, String, bool)>(conn)?;
    let words = |name, archived| if archived { format!("{name} (archived)") } else { name };
    let option =
        |(id, name, archived): (i64, String, bool)| (id.to_string(), words(name, archived));
    Ok(rows.into_iter().map(option).collect())
}

/// Whether an affiliate can be put on the offer. The lock keeps the answer valid until the
/// transaction ends: archiving waits for it and then finds the affiliate. Orders aren't blocked,
/// because their lock on the offer is `FOR KEY SHARE`.
pub(crate) fn is_open(
    conn: &mut PgConnection,
    merchant_id: i64,
    offer_id: i64,
) -> QueryResult<bool> {
    let archived_at: Option<Option<DateTime<Utc>>> = offers::table
        .find((merchant_id, offer_id))
        .select(offers::archived_at)
        .for_share()
        .first(conn)
        .optional()?;
    Ok(archived_at == Some(None))
}
