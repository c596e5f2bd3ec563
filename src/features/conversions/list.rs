//! Lists of conversions, of the program or one affiliate, for pages and CSV files.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::conversion::{
    ConversionStatus, DenialReason, NOT_PAID_YET_LABEL, Review, UnqualifiedReason, Via,
    reason_label,
};
use vouch_core::money::Currency;

pub(crate) use self::filter::{ConversionFilter, StatusFilter};
pub(crate) use self::matching::MAX_FOUND;
use self::matching::{ResolvedFilter, matching};
pub(crate) use self::totals::ConversionTotals;
pub(crate) use self::totals::Credited;
use self::totals::{count, kept_totals, totals};
use crate::kit::db::schema::{affiliates, conversions, orders, triggers};
use crate::kit::lists::{ColumnType, Count, Listing, Range, SortOrder};

mod filter;
mod matching;
mod totals;

pub(crate) const NEWEST: SortOrder =
    SortOrder::descending(&[("occurred_at", ColumnType::Time), ("id", ColumnType::Number)]);

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = conversions)]
pub struct Conversion {
    pub id: i64,
    /// `None` for a manual credit.
    pub order_id: Option<i64>,
    pub affiliate_id: i64,
    pub trigger_id: Option<i64>,
    pub via: Via,
    /// The resulting status, from the review and the qualification.
    pub status: ConversionStatus,
    /// The code of the reason why it's Denied, Unqualified or still Pending.
    pub reason: Option<String>,
    /// A member's review, if there is one.
    pub review: Option<Review>,
    /// The name of the member who reviewed it.
    pub reviewed_by: Option<String>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub denial_reason: Option<DenialReason>,
    pub review_note: String,
    /// The rule that makes it Unqualified.
    pub unqualified_reason: Option<UnqualifiedReason>,
    /// Whether the order counts only once it's paid, and isn't paid yet.
    pub not_paid_yet: bool,
    /// Whether a member denied its order as fraud.
    pub is_fraud: bool,
    pub currency: Currency,
    /// Minor units.
    pub revenue_minor: i64,
    /// Minor units.
    pub commission_minor: i64,
    /// When the order was placed, or the manual credit was given.
    pub occurred_at: DateTime<Utc>,
    /// The note of a manual credit.
    pub note: String,
}

impl Conversion {
    /// A short label of the reason, or "" if there's none.
    pub(crate) fn reason_label(&self) -> &'static str {
        self.reason.as_deref().map_or("", reason_label)
    }

    /// A short label of the qualification by the rules, whatever the review.
    pub(crate) fn qualification_label(&self) -> &'static str {
        match (self.unqualified_reason, self.not_paid_yet) {
            (Some(reason), _) => reason.label(),
            (None, true) => NOT_PAID_YET_LABEL,
            (None, false) => "Qualified",
        }
    }

    /// The review of the conversion. An order denied as fraud overrides it.
    pub(crate) fn said(&self) -> Option<Review> {
        if self.is_fraud { Some(Review::Denied) } else { self.review }
    }

    /// Whether a member can credit it anyway.
    pub(crate) fn can_be_overruled(&self) -> bool {
        self.status == ConversionStatus::Unqualified
            && self.order_id.is_some()
            && self.unqualified_reason.is_some_and(UnqualifiedReason::can_be_overruled)
    }
}

/// A conversion with its related names.
#[derive(Clone, Debug)]
pub struct ConversionRow {
    pub conversion: Conversion,
    /// The affiliate's name.
    pub affiliate: String,
    /// The affiliate ID that users see.
    pub public_id: String,
    /// The order's name.
    pub order: Option<String>,
    /// The member who denied the order as fraud.
    pub fraud_by: Option<String>,
    /// The trigger's value.
    pub trigger: Option<String>,
}

impl ConversionRow {
    /// The code of the reason why it's Denied, Unqualified or still Pending, or "".
    pub(crate) fn reason(&self) -> &str {
        self.conversion.reason.as_deref().unwrap_or_default()
    }
}

fn fetch(
    conn: &mut PgConnection,
    matching: &ResolvedFilter,
    range: &Range,
) -> QueryResult<Listing<ConversionRow>> {
    let query = matching.query().select(Conversion::as_select());
    let found: Vec<Conversion> = range.walk(query).load(conn)?;
    range
        .listing(found, |one| (one.occurred_at, one.id))
        .complete(|found| complete(conn, matching.merchant_id, found))
}

pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    range: &Range,
) -> QueryResult<Listing<ConversionRow>> {
    let matching = matching(conn, merchant_id, filter)?;
    fetch(conn, &matching, range)
}

/// The conversions of a page, and the count of all that match.
pub(crate) fn counted(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    range: &Range,
) -> QueryResult<(Listing<ConversionRow>, Count)> {
    let matching = matching(conn, merchant_id, filter)?;
    let count = count(conn, &matching)?;
    Ok((fetch(conn, &matching, range)?, count))
}

/// How many conversions wait for a review.
pub(crate) fn count_pending(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    let filter =
        ConversionFilter { status: Some(StatusFilter::Pending), ..ConversionFilter::default() };
    let matching = matching(conn, merchant_id, &filter)?;
    count(conn, &matching)
}

/// The conversions of a page, and the totals of all that match.
pub(crate) fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    range: &Range,
) -> QueryResult<(Listing<ConversionRow>, ConversionTotals)> {
    let matching = matching(conn, merchant_id, filter)?;
    let totals = match kept_totals(conn, merchant_id, filter)? {
        Some(totals) => totals,
        None => totals(conn, &matching)?,
    };
    Ok((fetch(conn, &matching, range)?, totals))
}

/// The affiliates whose conversions a member denied.
pub(crate) fn denied_affiliates(rows: &[ConversionRow]) -> Vec<i64> {
    rows.iter()
        .map(|row| &row.conversion)
        .filter(|one| one.status == ConversionStatus::Denied)
        .map(|one| one.affiliate_id)
        .collect()
}

/// The conversions of one order, in the order of creation.
pub(crate) fn of_order(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<Vec<ConversionRow>> {
    of_orders(conn, merchant_id, &[order_id])
}

/// The conversions of some orders, in the order of creation.
pub(crate) fn of_orders(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_ids: &[i64],
) -> QueryResult<Vec<ConversionRow>> {
    let found = conversions::table
        .filter(conversions::merchant_id.eq(merchant_id))
        .filter(conversions::order_id.eq_any(order_ids.to_vec()))
        .order(conversions::id)
        .select(Conversion::as_select())
        .load(conn)?;
    complete(conn, merchant_id, found)
}

/// Some of the merchant's conversions. IDs of other merchants are skipped.
pub(crate) fn by_ids(
    conn: &mut PgConnection,
    merchant_id: i64,
    ids: &[i64],
) -> QueryResult<Vec<ConversionRow>> {
    let found = conversions::table
        .filter(conversions::merchant_id.eq(merchant_id))
        .filter(conversions::id.eq_any(ids.to_vec()))
        .order(conversions::id)
        .select(Conversion::as_select())
        .load(conn)?;
    complete(conn, merchant_id, found)
}

fn complete(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: Vec<Conversion>,
) -> QueryResult<Vec<ConversionRow>> {
    let affiliate_ids: Vec<i64> = found.iter().map(|one| one.affiliate_id).collect();
    let names: HashMap<i64, (String, String)> = affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::id.eq_any(affiliate_ids))
        .select((affiliates::id, (affiliates::name, affiliates::public_id)))
        .load(conn)?
        .into_iter()
        .collect();
    let order_ids: Vec<i64> = found.iter().filter_map(|one| one.order_id).collect();
    let orders: HashMap<i64, (Option<String>, Option<String>)> = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::id.eq_any(order_ids))
        .select((orders::id, (orders::name, orders::fraud_by)))
        .load(conn)?
        .into_iter()
        .collect();
    let trigger_ids: Vec<i64> = found.iter().filter_map(|one| one.trigger_id).collect();
    let values: HashMap<i64, String> = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::id.eq_any(trigger_ids))
        .select((triggers::id, triggers::value))
        .load(conn)?
        .into_iter()
        .collect();
    let row = |conversion: Conversion| {
        let (affiliate, public_id) = names.get(&conversion.affiliate_id).cloned()?;
        let (order, fraud_by) =
            conversion.order_id.and_then(|id| orders.get(&id).cloned()).unwrap_or_default();
        let trigger = conversion.trigger_id.and_then(|id| values.get(&id).cloned());
        Some(ConversionRow { conversion, affiliate, public_id, order, fraud_by, trigger })
    };
    Ok(found.into_iter().filter_map(row).collect())
}

/// The names of the affiliate and the trigger in the filter.
pub(crate) fn names(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
) -> QueryResult<(Option<String>, Option<String>)> {
    let affiliate = match filter.affiliate_id {
        Some(id) => affiliates::table
            .find((merchant_id, id))
            .select(affiliates::name)
            .first(conn)
            .optional()?,
        None => None,
    };
    let trigger = match filter.trigger_id {
        Some(id) => triggers::table
            .find((merchant_id, id))
            .select(triggers::value)
            .first(conn)
            .optional()?,
        None => None,
    };
    Ok((affiliate, trigger))
}
