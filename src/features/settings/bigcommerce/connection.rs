use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;

use super::page::Shop;
use crate::features::auth::pages::MerchantPage;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::ok;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShownStore {
    store: Option<i64>,
}

/// `GET /settings/bigcommerce`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    query: Query<ShownStore>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, encryptor };
    ok(&shop.page(page, query.store, None).await?)
}
