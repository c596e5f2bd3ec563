use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;

use crate::features::auth::pages::PersonPage;
use crate::features::support::model::{BY_NAME, MerchantRow, merchants};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers;
use crate::kit::web::ok;

const HERE: &str = "/support/merchants";

#[derive(Template)]
#[template(path = "support/merchants.html")]
struct MerchantsPage {
    page: PersonPage,
    list: ListPage<MerchantRow>,
}

impl MerchantsPage {
    /// In UTC, because staff look at many programs at once.
    fn last_order(row: &MerchantRow) -> Option<DisplayTime> {
        row.last_order_at.map(|at| DisplayTime::utc(&at))
    }
}

/// `GET /support/merchants`
pub(crate) async fn index(
    db: Data<Db>,
    page: PersonPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(HERE);
    let (search, range) = (address.search(), address.page(BY_NAME));
    let rows = db.run(Scope::Support, move |conn| merchants(conn, &search, &range)).await?;
    ok(&MerchantsPage { page, list: ListPage::new(address, rows, None) })
}
