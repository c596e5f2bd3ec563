use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;
use vouch_core::money::format_money;

use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::ConversionStatus;
use crate::features::orders::list::{self, OrderFilter, OrderKind, OrderListRow, Place};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day, read_day};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Cursor, Listing};

/// What the list's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    kind: String,
    store: String,
    from: String,
    to: String,
    after: String,
    before: String,
}

impl ListQuery {
    fn filter(&self) -> OrderFilter {
        OrderFilter {
            q: self.q.trim().chars().take(254).collect(),
            kind: OrderKind::parse(&self.kind),
            store_id: self.store.parse().ok(),
            from: read_day(&self.from),
            to: read_day(&self.to),
        }
    }

    fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    fn address(&self, direction: &str, key: &str) -> String {
        let parts = [
            ("q", self.q.trim()),
            ("kind", &self.kind),
            ("store", &self.store),
            ("from", &self.from),
            ("to", &self.to),
            (direction, key),
        ];
        urls::with_query(&urls::orders(), &parts)
    }

    fn chips(&self, stores: &[(i64, String)]) -> Vec<(String, String)> {
        let filter = self.filter();
        let none = String::new;
        let mut chips = Vec::new();
        let mut chip = |label: String, without: Self| chips.push((label, without.address("", "")));
        if !filter.q.is_empty() {
            chip(format!("Search: {}", filter.q), Self { q: none(), ..self.clone() });
        }
        if let Some(kind) = filter.kind {
            chip(format!("Show: {kind}"), Self { kind: none(), ..self.clone() });
        }
        if let Some(id) = filter.store_id {
            let name = stores.iter().find(|store| store.0 == id).map_or("unknown", |s| &s.1);
            chip(format!("Store: {name}"), Self { store: none(), ..self.clone() });
        }
        if let Some(from) = filter.from {
            chip(format!("From {}", day(from)), Self { from: none(), ..self.clone() });
        }
        if let Some(to) = filter.to {
            chip(format!("Up to {}", day(to)), Self { to: none(), ..self.clone() });
        }
        chips
    }
}

/// An order as a row shows it.
struct OrderView {
    row: OrderListRow,
    placed: DisplayTime,
    total: String,
}

impl OrderView {
    fn new(row: OrderListRow, merchant: &Merchant) -> Self {
        let total = row.order.currency.zip(row.order.total_minor);
        Self {
            placed: DisplayTime::new(row.order.placed_at.unwrap_or_default(), merchant.tz()),
            total: total
                .map_or_else(String::new, |(currency, minor)| format_money(minor, currency)),
            row,
        }
    }

    fn url(&self) -> String {
        urls::order(self.row.order.id)
    }

    fn codes(&self) -> String {
        self.row.codes.join(", ")
    }
}

struct OrderList {
    query: ListQuery,
    rows: Vec<OrderView>,
    stores: Vec<(i64, String)>,
    previous: Option<String>,
    next: Option<String>,
    count: Count,
}

impl OrderList {
    fn chips(&self) -> Vec<(String, String)> {
        self.query.chips(&self.stores)
    }

    fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        OrderKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
    }

    fn store_options(&self) -> Vec<(String, String)> {
        self.stores.iter().map(|(id, name)| (id.to_string(), name.clone())).collect()
    }

    fn count(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 order".to_owned(),
            _ => format!("{} orders", self.count),
        }
    }

    fn first(&self) -> String {
        if self.previous.is_some() { self.query.address("", "") } else { String::new() }
    }

    fn previous(&self) -> String {
        self.previous.as_ref().map_or_else(String::new, |key| self.query.address("before", key))
    }

    fn next(&self) -> String {
        self.next.as_ref().map_or_else(String::new, |key| self.query.address("after", key))
    }
}

#[derive(Template)]
#[template(path = "orders/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: OrderList,
}

#[derive(Template)]
#[template(path = "orders/_list.html")]
struct ListPart {
    list: OrderList,
}

/// `GET /orders`
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, cursor) = (query.filter(), query.cursor());
    let merchant_id = page.merchant_id();
    let (listing, count, stores) = db
        .merchant(merchant_id, move |conn| {
            let (listing, count) = list::page(conn, merchant_id, &filter, &cursor)?;
            diesel::QueryResult::Ok((listing, count, list::stores_of(conn, merchant_id)?))
        })
        .await?;
    let Listing { rows, previous, next } = listing;
    let rows = rows.into_iter().map(|row| OrderView::new(row, page.merchant())).collect();
    let list = OrderList { query, rows, stores, previous, next, count };
    if page.is_fragment() {
        return ok(&ListPart { list });
    }
    ok(&IndexPage { page, list })
}
