//! Lists of orders, for the page and CSV file.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{IntoBoxed, exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use vouch_core::conversion::ConversionStatus;
use vouch_core::email::EmailKey;
use vouch_core::money::Currency;
use vouch_core::order::snapshot::PaymentState;

use super::stored::attribution_of;
use super::text::NotCredited;
use crate::features::conversions::list::{ConversionRow, of_orders};
use crate::features::rollups;
use crate::kit::db::schema::{conversions, order_codes, orders, stores};
use crate::kit::db::text_enum;
use crate::kit::lists::{ColumnType, Count, ListUrl, Listing, Range, SortOrder, begins_with};
use crate::kit::web::display_time::{after_day, before_day};

text_enum! {
    /// Which orders a list shows.
    pub(crate) enum OrderKind {
        /// The orders in the totals, without test orders and orders deleted in the store.
        Real = "real", "Orders in totals";
        /// Orders that credit an affiliate.
        Credited = "credited", "Credited";
        /// Orders that credit no affiliate.
        Nobody = "nobody", "Not credited";
        /// Orders placed in a store's test mode.
        Test = "test", "Test orders";
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrderFilter {
    /// The beginning of an order's name, number or email, or the store's full ID of it, as typed.
    pub(crate) q: String,
    pub(crate) kind: Option<OrderKind>,
    pub(crate) store_id: Option<i64>,
    /// The first day, in the merchant's time zone.
    pub(crate) from: Option<NaiveDate>,
    /// The last day, in the merchant's time zone.
    pub(crate) to: Option<NaiveDate>,
}

impl OrderFilter {
    pub(crate) fn read(address: &mut ListUrl) -> Self {
        Self {
            q: address.search(),
            kind: address.choice("kind", "Show"),
            store_id: address.key("store", "Store"),
            from: address.day("from", "From"),
            to: address.day("to", "To"),
        }
    }
}

pub(crate) const NEWEST: SortOrder =
    SortOrder::descending(&[("placed_at", ColumnType::Time), ("id", ColumnType::Number)]);

/// The columns of an order that lists need.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub(crate) struct OrderHead {
    pub(crate) id: i64,
    pub(crate) store_id: i64,
    /// The store's own ID of the order.
    pub(crate) order_ref: String,
    /// The store's name for the order, for example #1001.
    pub(crate) name: Option<String>,
    /// When the customer placed it.
    pub(crate) placed_at: Option<DateTime<Utc>>,
    pub(crate) currency: Option<Currency>,
    /// The total that the customer had to pay, in minor units.
    pub(crate) total_minor: Option<i64>,
    pub(crate) payment: Option<PaymentState>,
    /// Whether it was placed in the store's test mode.
    pub(crate) is_test: bool,
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    /// When it was deleted in the store.
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) customer_name: Option<String>,
    /// As the store sent it.
    pub(crate) customer_email: Option<String>,
}

impl OrderHead {
    /// `Order #1001`, for titles and links that say what they lead to.
    pub(crate) fn full_title(&self) -> String {
        format!("Order {}", self.name.as_ref().unwrap_or(&self.order_ref))
    }

    /// The order's name, or the store's ID if it has no name.
    pub(crate) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.full_title())
    }
}

/// An order with its related data.
#[derive(Clone, Debug)]
pub(crate) struct OrderListRow {
    pub(crate) order: OrderHead,
    /// The store's name.
    pub(crate) store: String,
    /// The coupon codes of the order, as typed.
    pub(crate) codes: Vec<String>,
    /// Its conversions with any status, including Denied and Unqualified.
    pub(crate) conversions: Vec<ConversionRow>,
    /// Why it has no conversions; `None` if it has any.
    pub(crate) not_credited: Option<NotCredited>,
}

impl OrderListRow {
    /// How many affiliates earn from it.
    pub(crate) fn credited_count(&self) -> usize {
        self.conversions.iter().filter(|row| row.conversion.status.counts()).count()
    }
}

type Boxed = IntoBoxed<'static, orders::table, Pg>;

/// An order's conversions that earn commission.
#[diesel::dsl::auto_type]
fn credits() -> _ {
    let earning: [ConversionStatus; 2] = [ConversionStatus::Pending, ConversionStatus::Approved];
    conversions::table
        .filter(conversions::merchant_id.eq(orders::merchant_id))
        .filter(conversions::order_id.eq(orders::id.nullable()))
        .filter(conversions::status.eq_any(earning))
}

fn matching(merchant_id: i64, filter: &OrderFilter, stores: &[(i64, String)]) -> Boxed {
    let mut query = orders::table
        .into_boxed::<Pg>()
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::placed_at.is_not_null());
    query = match filter.kind {
        Some(OrderKind::Real) => {
            query.filter(orders::is_test.eq(false)).filter(orders::deleted_at.is_null())
        }
        Some(OrderKind::Credited) => query.filter(exists(credits())),
        Some(OrderKind::Nobody) => query.filter(not(exists(credits()))),
        Some(OrderKind::Test) => query.filter(orders::is_test.eq(true)),
        None => query,
    };
    if let Some(store_id) = filter.store_id {
        query = query.filter(orders::store_id.eq(store_id));
    }
    // The day decides. The times only narrow the part of the index to read.
    if let Some(from) = filter.from {
        query = query.filter(orders::day.ge(from)).filter(orders::placed_at.ge(before_day(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(orders::day.le(to)).filter(orders::placed_at.lt(after_day(to)));
    }
    let q = filter.q.as_str();
    if q.is_empty() {
        return query;
    }
    if q.contains('@') {
        let [mailbox, as_typed, without_points] =
            EmailKey::beginnings(q).map(|it| begins_with(&it));
        let key = orders::customer_email_key;
        return query.filter(key.like(mailbox).or(key.like(as_typed)).or(key.like(without_points)));
    }
    let by_name =
        orders::name.like(begins_with(q)).or(orders::name.like(begins_with(&format!("#{q}"))));
    let store_ids: Vec<i64> = stores.iter().map(|store| store.0).collect();
    let by_ref = orders::store_id.eq_any(store_ids).and(orders::order_ref.eq(q.to_owned()));
    query.filter(by_name.assume_not_null().or(by_ref))
}

/// Some of the orders. `stores` is the result of [`stores_of`].
pub(crate) fn rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &OrderFilter,
    stores: &[(i64, String)],
    range: &Range,
) -> QueryResult<Listing<OrderListRow>> {
    let query = matching(merchant_id, filter, stores).select(OrderHead::as_select());
    let found: Vec<OrderHead> = range.walk(query).load(conn)?;
    range
        .listing(found, |order| (order.placed_at.unwrap_or_default(), order.id))
        .complete(|found| complete(conn, merchant_id, found, stores))
}

pub(crate) fn count(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &OrderFilter,
    stores: &[(i64, String)],
) -> QueryResult<Count> {
    let all = matching(merchant_id, filter, stores).select(orders::id);
    match filter {
        // The rollups contain the count of all orders of a period, however many there are.
        OrderFilter {
            q,
            kind: Some(OrderKind::Real),
            store_id: None,
            from: Some(from),
            to: Some(to),
        } if q.is_empty() => {
            let sums = rollups::merchant_sums(conn, merchant_id, *from, *to)?;
            Ok(Count::all(sums.iter().map(|sum| sum.orders).sum()))
        }
        filter if *filter == OrderFilter::default() => {
            Count::of_all(conn, all, "orders", merchant_id)
        }
        _ => Count::of(conn, all),
    }
}

/// The IDs and names of the merchant's stores, connected or not, the oldest first.
pub(crate) fn stores_of(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<Vec<(i64, String)>> {
    stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .order(stores::id)
        .select((stores::id, stores::name))
        .load(conn)
}

/// The titles of some orders, by ID.
pub(crate) fn titles_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_ids: Vec<i64>,
) -> QueryResult<HashMap<i64, String>> {
    let found: Vec<OrderHead> = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::id.eq_any(order_ids))
        .select(OrderHead::as_select())
        .load(conn)?;
    Ok(found.into_iter().map(|order| (order.id, order.title())).collect())
}

fn complete(
    conn: &mut PgConnection,
    merchant_id: i64,
    found: Vec<OrderHead>,
    stores: &[(i64, String)],
) -> QueryResult<Vec<OrderListRow>> {
    let stores: HashMap<i64, &String> = stores.iter().map(|(id, name)| (*id, name)).collect();
    let ids: Vec<i64> = found.iter().map(|order| order.id).collect();
    let mut codes: HashMap<i64, Vec<String>> = HashMap::new();
    let on_orders: Vec<(i64, String)> = order_codes::table
        .filter(order_codes::merchant_id.eq(merchant_id))
        .filter(order_codes::order_id.eq_any(ids.clone()))
        .order((order_codes::order_id, order_codes::position))
        .select((order_codes::order_id, order_codes::code))
        .load(conn)?;
    for (id, code) in on_orders {
        codes.entry(id).or_default().push(code);
    }
    let mut conversions: HashMap<i64, Vec<ConversionRow>> = HashMap::new();
    for row in of_orders(conn, merchant_id, &ids)? {
        if let Some(id) = row.conversion.order_id {
            conversions.entry(id).or_default().push(row);
        }
    }
    let alone: Vec<i64> = ids.into_iter().filter(|id| !conversions.contains_key(id)).collect();
    let reasons: HashMap<i64, NotCredited> = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::id.eq_any(alone))
        .select((orders::id, orders::attribution))
        .load::<(i64, Option<serde_json::Value>)>(conn)?
        .into_iter()
        .map(|(id, attribution)| {
            (id, NotCredited::of(&attribution_of(attribution).unwrap_or_default()))
        })
        .collect();
    let row = |order: OrderHead| OrderListRow {
        store: stores.get(&order.store_id).map_or_else(String::new, |name| (*name).clone()),
        codes: codes.remove(&order.id).unwrap_or_default(),
        conversions: conversions.remove(&order.id).unwrap_or_default(),
        not_credited: reasons.get(&order.id).copied(),
        order,
    };
    Ok(found.into_iter().map(row).collect())
}

/// Whether the program has an order.
pub(crate) fn any(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let all = orders::table.filter(orders::merchant_id.eq(merchant_id));
    diesel::select(exists(all)).get_result(conn)
}
