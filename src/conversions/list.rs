//! Lists of conversions: of the program, of one affiliate, for pages and for downloads.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::status::reason_label;
use super::{ConversionStatus, Via};
use crate::db::listing::{beyond, contains, list_count};
use crate::db::schema::{affiliates, conversions, orders, triggers};
use crate::db::text_enum;
use crate::figures;
use crate::triggers::code::key_of_reported_code;
use crate::web::paginate::{COUNT_LIMIT, Count, Cursor, Listing, PAGE_SIZE};
use crate::web::when::{after_day, before_day};

/// A search looks at this many affiliates, triggers and orders that fit, each.
pub const MOST_FOUND: i64 = 200;

text_enum! {
    /// Which statuses a list shows.
    pub enum StatusFilter {
        /// What is in the figures: Pending and Approved.
        Credited = "credited", "Pending or Approved";
        /// Only this one.
        Pending = "pending", "Pending";
        /// Only this one.
        Approved = "approved", "Approved";
        /// Only this one.
        Denied = "denied", "Denied";
        /// Only this one.
        Unqualified = "unqualified", "Unqualified";
    }
}

impl StatusFilter {
    fn statuses(self) -> &'static [ConversionStatus] {
        match self {
            Self::Credited => &[ConversionStatus::Pending, ConversionStatus::Approved],
            Self::Pending => &[ConversionStatus::Pending],
            Self::Approved => &[ConversionStatus::Approved],
            Self::Denied => &[ConversionStatus::Denied],
            Self::Unqualified => &[ConversionStatus::Unqualified],
        }
    }
}

/// Which conversions a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionFilter {
    /// An affiliate, a code, e-mail address or SKU, or an order's name, as typed.
    pub q: String,
    /// Only these.
    pub status: Option<StatusFilter>,
    /// Only this affiliate's.
    pub affiliate_id: Option<i64>,
    /// Only what this trigger made.
    pub trigger_id: Option<i64>,
    /// From this day on, in the merchant's time zone.
    pub from: Option<NaiveDate>,
    /// Up to this day, itself included.
    pub to: Option<NaiveDate>,
}

/// Where a row stands: newest first.
pub type Place = (DateTime<Utc>, i64);

/// A conversion.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = conversions)]
pub struct Conversion {
    /// Its key within the merchant.
    pub id: i64,
    /// For which order; `None` for an amount given by hand.
    pub order_id: Option<i64>,
    /// Whose.
    pub affiliate_id: i64,
    /// Through which trigger, if any.
    pub trigger_id: Option<i64>,
    /// What credited the affiliate.
    pub via: Via,
    /// Where it stands.
    pub status: ConversionStatus,
    /// The name of the rule that makes it Unqualified.
    pub reason: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// Minor units.
    pub revenue_minor: i64,
    /// Minor units.
    pub commission_minor: i64,
    /// When the order was placed, or the amount given.
    pub occurred_at: DateTime<Utc>,
    /// What was noted with an amount given by hand.
    pub note: String,
}

impl Conversion {
    /// Why it is Unqualified, in a few words; empty if it is not.
    pub fn reason_label(&self) -> &'static str {
        self.reason.as_deref().map_or("", reason_label)
    }

    /// Whether a member may credit it all the same.
    pub fn can_be_overruled(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        self.status == ConversionStatus::Unqualified
            && self.order_id.is_some()
            && matches!(
                reason,
                "test_order" | "inactive_affiliate" | "own_purchase" | "excluded_code"
            )
    }
}

/// A conversion as lists show it.
#[derive(Clone, Debug)]
pub struct ConversionRow {
    /// The conversion.
    pub conversion: Conversion,
    /// The affiliate's name.
    pub affiliate: String,
    /// The affiliate ID that people see.
    pub public_id: String,
    /// The order's name.
    pub order: Option<String>,
    /// The trigger's value.
    pub trigger: Option<String>,
}

/// How much matches.
#[derive(Clone, Debug)]
pub struct Totals {
    /// How many.
    pub count: Count,
    /// Per currency, the busiest first; what is Pending or Approved.
    pub credited: Vec<Credited>,
    /// Whether the words of the search fit more than [`MOST_FOUND`] affiliates, triggers or orders,
    /// so that conversions of the others are missing.
    pub is_cut: bool,
}

/// The Pending and Approved conversions of a list in one currency.
#[derive(Clone, Debug)]
pub struct Credited {
    /// ISO 4217.
    pub currency: String,
    /// Minor units.
    pub revenue_minor: i64,
    /// Minor units.
    pub commission_minor: i64,
    /// Minor units.
    pub refunded_minor: i64,
}

type Boxed = IntoBoxed<'static, conversions::table, Pg>;

/// What the words of a search stand for.
struct Found {
    affiliate_ids: Vec<i64>,
    trigger_ids: Vec<i64>,
    order_ids: Vec<i64>,
}

impl Found {
    fn look_up(conn: &mut PgConnection, merchant_id: i64, q: &str) -> QueryResult<Self> {
        let lower = q.to_lowercase();
        Ok(Self {
            affiliate_ids: affiliates::table
                .filter(affiliates::merchant_id.eq(merchant_id))
                .filter(affiliates::search.like(contains(&lower)))
                .order(affiliates::id)
                .limit(MOST_FOUND)
                .select(affiliates::id)
                .load(conn)?,
            trigger_ids: triggers::table
                .filter(triggers::merchant_id.eq(merchant_id))
                .filter(triggers::key.eq_any([key_of_reported_code(q), lower]))
                .limit(MOST_FOUND)
                .select(triggers::id)
                .load(conn)?,
            order_ids: orders::table
                .filter(orders::merchant_id.eq(merchant_id))
                .filter(orders::name.eq_any([q.to_owned(), format!("#{q}")]))
                .order(orders::id.desc())
                .limit(MOST_FOUND)
                .select(orders::id)
                .load(conn)?,
        })
    }
}

impl Found {
    fn is_cut(&self) -> bool {
        [&self.affiliate_ids, &self.trigger_ids, &self.order_ids]
            .iter()
            .any(|ids| ids.len() as i64 >= MOST_FOUND)
    }
}

fn matching(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
) -> QueryResult<Matching> {
    let q = filter.q.trim();
    let found = if q.is_empty() { None } else { Some(Found::look_up(conn, merchant_id, q)?) };
    Ok(Matching { merchant_id, filter: filter.clone(), found })
}

/// A filter, with its search looked up.
struct Matching {
    merchant_id: i64,
    filter: ConversionFilter,
    found: Option<Found>,
}

impl Matching {
    fn query(&self) -> Boxed {
        let filter = &self.filter;
        let mut query = conversions::table
            .into_boxed::<Pg>()
            .filter(conversions::merchant_id.eq(self.merchant_id));
        if let Some(affiliate_id) = filter.affiliate_id {
            query = query.filter(conversions::affiliate_id.eq(affiliate_id));
        }
        if let Some(trigger_id) = filter.trigger_id {
            query = query.filter(conversions::trigger_id.eq(trigger_id));
        }
        query = match filter.status.map(StatusFilter::statuses) {
            Some([only]) => query.filter(conversions::status.eq(*only)),
            Some(several) => query.filter(conversions::status.eq_any(several)),
            None => query,
        };
        // The day decides; the moments only tell the index where to look.
        if let Some(from) = filter.from {
            query = query
                .filter(conversions::day.ge(from))
                .filter(conversions::occurred_at.ge(before_day(from)));
        }
        if let Some(to) = filter.to {
            query = query
                .filter(conversions::day.le(to))
                .filter(conversions::occurred_at.lt(after_day(to)));
        }
        if let Some(found) = &self.found {
            query = query.filter(
                conversions::affiliate_id
                    .eq_any(found.affiliate_ids.clone())
                    .or(conversions::trigger_id.eq_any(found.trigger_ids.clone()).assume_not_null())
                    .or(conversions::order_id.eq_any(found.order_ids.clone()).assume_not_null()),
            );
        }
        query
    }
}

fn fetch(
    conn: &mut PgConnection,
    matching: &Matching,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<Vec<Conversion>> {
    let columns = "conversions.occurred_at, conversions.id";
    let backward = cursor.is_backward();
    let mut query = matching.query();
    if let Cursor::After((at, id)) | Cursor::Before((at, id)) = cursor {
        query = query.filter(beyond::<Timestamptz, _>(columns, !backward, *at, *id));
    }
    let query = if backward {
        query.order((conversions::occurred_at, conversions::id))
    } else {
        query.order((conversions::occurred_at.desc(), conversions::id.desc()))
    };
    query.select(Conversion::as_select()).limit(limit as i64).load(conn)
}

/// One page of conversions, and how much matches in all.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    cursor: &Cursor<Place>,
) -> QueryResult<(Listing<ConversionRow>, Totals)> {
    let matching = matching(conn, merchant_id, filter)?;
    let totals = match kept_totals(conn, merchant_id, filter)? {
        Some(totals) => totals,
        None => totals(conn, &matching)?,
    };
    let found = fetch(conn, &matching, cursor, PAGE_SIZE + 1)?;
    let rows = complete(conn, merchant_id, found)?;
    Ok((Listing::new(rows, cursor, place), totals))
}

/// Up to `limit` conversions along the cursor, and where to go on: for downloads.
///
/// # Errors
/// The database's.
pub fn piece(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    cursor: &Cursor<Place>,
    limit: usize,
) -> QueryResult<(Vec<ConversionRow>, Option<Cursor<Place>>)> {
    let matching = matching(conn, merchant_id, filter)?;
    let found = fetch(conn, &matching, cursor, limit)?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| Cursor::After((last.occurred_at, last.id)));
    Ok((complete(conn, merchant_id, found)?, next))
}

fn place(row: &ConversionRow) -> Place {
    (row.conversion.occurred_at, row.conversion.id)
}

/// The conversions of one order, the first credited first.
///
/// # Errors
/// The database's.
pub fn of_order(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<Vec<ConversionRow>> {
    of_orders(conn, merchant_id, &[order_id])
}

/// The conversions of some orders, the first credited first.
///
/// # Errors
/// The database's.
pub fn of_orders(
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

/// Some conversions by their keys, those that are the merchant's.
///
/// # Errors
/// The database's.
pub fn by_ids(
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
    let mut orders: HashMap<i64, Option<String>> = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::id.eq_any(order_ids))
        .select((orders::id, orders::name))
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
        let order = conversion.order_id.and_then(|id| orders.get_mut(&id)?.clone());
        let trigger = conversion.trigger_id.and_then(|id| values.get(&id).cloned());
        Some(ConversionRow { conversion, affiliate, public_id, order, trigger })
    };
    Ok(found.into_iter().filter_map(row).collect())
}

/// Of all credited conversions of some days, which the figures know, however many they are.
fn kept_totals(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
) -> QueryResult<Option<Totals>> {
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
    if !q.trim().is_empty() {
        return Ok(None);
    }
    let sums = figures::merchant_sums(conn, merchant_id, *from, *to)?;
    let count = sums.iter().map(|sum| sum.figures.conversions).sum();
    let credited = sums.into_iter().filter(|sum| sum.figures.conversions > 0).map(|sum| Credited {
        currency: sum.figures.currency,
        revenue_minor: sum.figures.revenue_minor,
        commission_minor: sum.figures.commission_minor,
        refunded_minor: sum.figures.refunded_minor,
    });
    let (count, credited) = (Count::all(count), credited.collect());
    Ok(Some(Totals { count, credited, is_cut: false }))
}

fn totals(conn: &mut PgConnection, matching: &Matching) -> QueryResult<Totals> {
    let some = matching.query().select(conversions::id).limit(COUNT_LIMIT + 1);
    let all_of = (matching.filter == ConversionFilter::default()).then_some("conversions");
    let count = list_count(conn, some, COUNT_LIMIT, all_of, matching.merchant_id)?;
    let count = Count::new(count, COUNT_LIMIT);
    let is_cut = matching.found.as_ref().is_some_and(Found::is_cut);
    if !count.is_exact() {
        // A part would be added up, and a part is no total.
        return Ok(Totals { count, credited: Vec::new(), is_cut });
    }
    let some = matching
        .query()
        .select((
            conversions::currency,
            conversions::status,
            conversions::revenue_minor,
            conversions::commission_minor,
            conversions::refunded_minor,
        ))
        .limit(COUNT_LIMIT + 1);
    let rows: Vec<(String, i64, i64, i64, i64)> = TotalsOf(some).load(conn)?;
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
    Ok(Totals { count, credited, is_cut })
}

/// How many rows are credited, and with how much: per currency.
struct TotalsOf<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for TotalsOf<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT currency::text, count(*) FILTER (WHERE credited), \
             coalesce(sum(revenue_minor) FILTER (WHERE credited), 0)::bigint, \
             coalesce(sum(commission_minor) FILTER (WHERE credited), 0)::bigint, \
             coalesce(sum(refunded_minor) FILTER (WHERE credited), 0)::bigint \
             FROM (SELECT *, status IN ('pending', 'approved') AS credited FROM (",
        );
        self.0.walk_ast(out.reborrow())?;
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
