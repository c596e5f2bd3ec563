use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::QueryResult;
use vouch_core::TextEnum;
use vouch_core::money::format_money;

use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::ConversionStatus;
use crate::features::orders::list::{self, OrderFilter, OrderKind, OrderListRow};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;

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
            placed: DisplayTime::new(row.order.placed_at.unwrap_or_default(), merchant.calendar()),
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
    page: ListPage<OrderView>,
    stores: Vec<(i64, String)>,
}

impl OrderList {
    fn store_options(&self) -> Vec<(String, String)> {
        self.stores.iter().map(|(id, name)| (id.to_string(), name.clone())).collect()
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
    page: MerchantPage,
    list: OrderList,
}

/// `GET /orders`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(urls::orders());
    let (filter, range) = (OrderFilter::read(&mut address), address.page(list::NEWEST));
    let (merchant_id, store_id) = (page.merchant_id(), filter.store_id);
    let (listing, count, stores) = db
        .merchant(merchant_id, move |conn| {
            let stores = list::stores_of(conn, merchant_id)?;
            let listing = list::rows(conn, merchant_id, &filter, &stores, &range)?;
            let count = list::count(conn, merchant_id, &filter, &stores)?;
            QueryResult::Ok((listing, count, stores))
        })
        .await?;
    if let Some((_, name)) = stores.iter().find(|(id, _)| Some(*id) == store_id) {
        address.name("store", name);
    }
    let listing = listing.map(|row| OrderView::new(row, page.merchant()));
    let list = OrderList { page: ListPage::new(address, listing, Some(count)), stores };
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list })
}
