//! The list of orders.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use vouch_core::attribution::Attribution;
use vouch_core::email::EmailKey;
use vouch_core::money::Currency;
use vouch_core::order::snapshot::PaymentState;

use crate::features::conversions::list::{ConversionRow, of_orders};
use crate::features::rollups;
use crate::kit::db::schema::{order_codes, orders, stores};
use crate::kit::db::text_enum;
use crate::kit::lists::{Address, Count, Kind, Listing, Order, Range, begins_with};
use crate::kit::web::display_time::{after_day, before_day};

text_enum! {
    /// Which orders a list shows.
    pub enum OrderKind {
        /// What is in the figures: neither a test nor deleted in the store.
        Real = "real", "Real orders";
        /// Somebody won them.
        Credited = "credited", "Credited";
        /// Nobody did.
        Nobody = "nobody", "Credited to nobody";
        /// Made in a store's test mode.
        Test = "test", "Test orders";
    }
}

/// Which orders a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// The beginning of an order's name or number, of an e-mail address, or the store's own id.
    pub q: String,
    /// Only these.
    pub kind: Option<OrderKind>,
    /// Only this store's.
    pub store_id: Option<i64>,
    /// From this day on, in the merchant's time zone.
    pub from: Option<NaiveDate>,
    /// Up to this day, itself included.
    pub to: Option<NaiveDate>,
}

impl OrderFilter {
    pub(crate) fn read(address: &mut Address) -> Self {
        Self {
            q: address.search(),
            kind: address.choice("kind", "Show"),
            store_id: address.key("store", "Store"),
            from: address.day("from", "From"),
            to: address.day("to", "Up to"),
        }
    }
}

/// The newest first.
pub(crate) const NEWEST: Order =
    Order::descending(&[("placed_at", Kind::Time), ("id", Kind::Number)]);

/// An order, as far as lists need it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct OrderHead {
    /// Its key within the merchant.
    pub id: i64,
    /// Whose store it is from.
    pub store_id: i64,
    /// The store's own id.
    pub order_ref: String,
    /// What the merchant calls it.
    pub name: Option<String>,
    /// When the customer placed it.
    pub placed_at: Option<DateTime<Utc>>,
    /// What its amounts are in.
    pub currency: Option<Currency>,
    /// What the customer was asked to pay; minor units.
    pub total_minor: Option<i64>,
    /// Where the money is.
    pub payment: Option<PaymentState>,
    /// Made in a store's test mode.
    pub is_test: bool,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When it was deleted in the store.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Who bought.
    pub customer_name: Option<String>,
    /// Their address, as reported.
    pub customer_email: Option<String>,
}

impl OrderHead {
    /// What it is called: by the merchant's name for it, or by the store's id.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("Order {}", self.order_ref))
    }
}

/// An order as lists show it.
#[derive(Clone, Debug)]
pub struct OrderListRow {
    /// The order.
    pub order: OrderHead,
    /// The store's name.
    pub store: String,
    /// The codes on it, as typed.
    pub codes: Vec<String>,
    /// Who is credited, or would be.
    pub conversions: Vec<ConversionRow>,
    /// Why nobody is, in a few words; empty if somebody is, or would be.
    pub nobody: &'static str,
}

type Boxed = IntoBoxed<'static, orders::table, Pg>;

fn matching(merchant_id: i64, filter: &OrderFilter, stores: &[(i64, String)]) -> Boxed {
    let mut query = orders::table
        .into_boxed::<Pg>()
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::placed_at.is_not_null());
    query = match filter.kind {
        Some(OrderKind::Real) => {
            query.filter(orders::is_test.eq(false)).filter(orders::deleted_at.is_null())
        }
        Some(OrderKind::Credited) => query.filter(orders::credited_affiliate_id.is_not_null()),
        Some(OrderKind::Nobody) => query.filter(orders::credited_affiliate_id.is_null()),
        Some(OrderKind::Test) => query.filter(orders::is_test.eq(true)),
        None => query,
    };
    if let Some(store_id) = filter.store_id {
        query = query.filter(orders::store_id.eq(store_id));
    }
    // The day decides; the moments only tell the index where to look.
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

/// Some of the orders, as lists show them; `stores` are those of [`stores_of`].
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

/// How many orders match.
pub(crate) fn count(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &OrderFilter,
    stores: &[(i64, String)],
) -> QueryResult<Count> {
    let all = matching(merchant_id, filter, stores).select(orders::id);
    match filter {
        // All orders of some days: the figures know them, however many they are.
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

/// The merchant's stores, connected or not: key and name, the oldest first.
pub fn stores_of(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<(i64, String)>> {
    stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .order(stores::id)
        .select((stores::id, stores::name))
        .load(conn)
}

/// What some orders are called, by their keys.
pub fn titles_of(
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
    let reasons: HashMap<i64, &'static str> = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::id.eq_any(alone))
        .select((orders::id, orders::attribution))
        .load::<(i64, Option<serde_json::Value>)>(conn)?
        .into_iter()
        .map(|(id, attribution)| (id, nobody_because(attribution)))
        .collect();
    let row = |order: OrderHead| OrderListRow {
        store: stores.get(&order.store_id).map_or_else(String::new, |name| (*name).clone()),
        codes: codes.remove(&order.id).unwrap_or_default(),
        conversions: conversions.remove(&order.id).unwrap_or_default(),
        nobody: reasons.get(&order.id).copied().unwrap_or_default(),
        order,
    };
    Ok(found.into_iter().map(row).collect())
}

/// Why nobody is credited, in a few words.
fn nobody_because(attribution: Option<serde_json::Value>) -> &'static str {
    let attribution: Attribution =
        attribution.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
    match (attribution.outcomes.is_empty(), attribution.other_codes.len()) {
        (false, _) => "trigger not in force",
        (true, 0) => "no code",
        (true, 1) => "code is no affiliate’s",
        (true, _) => "codes are no affiliate’s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_reason_in_a_few_words() {
        assert_eq!(nobody_because(None), "no code");
        let other = Attribution { other_codes: vec!["SUMMER".into()], ..Attribution::default() };
        let other = serde_json::to_value(other).unwrap();
        assert_eq!(nobody_because(Some(other)), "code is no affiliate’s");
    }
}
