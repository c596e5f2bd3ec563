use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;

use super::page::Shop;
use super::{HERE, of_store};
use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::secrets::Sealer;
use crate::settings::connected;
use crate::stores::{Platform, StoreCalls};
use crate::web::form::{CsrfForm, Nothing};
use crate::web::ok;
use crate::web::page::MerchantPage;

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
    sealer: Data<Sealer>,
    page: MerchantPage,
    query: Query<ShownStore>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, sealer };
    ok(&shop.page(page, query.store, None).await?)
}

/// `POST /settings/bigcommerce/{store_id}/access`: asks the store what the credentials are good for.
pub async fn check(
    db: Data<Db>,
    config: Data<Config>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Bigcommerce, *store_id).await?;
    connected::check(&calls, &db, &config, &page, store, &of_store(*store_id)).await
}

/// `POST /settings/bigcommerce/{store_id}/disconnection`
pub async fn disconnect(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    connected::disconnect(&db, &page, Platform::Bigcommerce, *store_id, HERE).await
}
