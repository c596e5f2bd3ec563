use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};

use crate::features::auth::pages::MerchantPage;
use crate::features::imports::{self, Import};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers;
use crate::kit::web::ok;

#[derive(Template)]
#[template(path = "imports/index.html")]
struct ImportsPage {
    page: MerchantPage,
    list: ListPage<Import>,
}

impl ImportsPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }
}

/// `GET /triggers/imports`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(urls::imports());
    let (merchant_id, range) = (page.merchant_id(), address.page(imports::NEWEST));
    let listing =
        db.merchant(merchant_id, move |conn| imports::page(conn, merchant_id, &range)).await?;
    ok(&ImportsPage { page, list: ListPage::new(address, listing, None) })
}
