use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use diesel::QueryResult;
use serde::Deserialize;

use super::page::{Shop, find};
use super::{HERE, of_store};
use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::secrets::Sealer;
use crate::settings::access::checked;
use crate::stores::{self, Store};
use crate::web::form::CsrfForm;
use crate::web::page::MerchantPage;
use crate::web::{ok, see_other};

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ShownStore {
    store: Option<i64>,
}

/// Nothing but the proof that the form is ours.
#[derive(Deserialize)]
pub struct NoFields {}

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
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<NoFields>,
) -> AppResult<HttpResponse> {
    let (merchant_id, store_id) = (page.merchant_id(), *store_id);
    let store = db.merchant(merchant_id, move |conn| find(conn, merchant_id, store_id)).await?;
    let (kind, words) = checked(&db, &config, store).await?;
    page.leave(kind, words)?;
    Ok(see_other(&of_store(store_id)))
}

/// `POST /settings/bigcommerce/{store_id}/disconnection`
pub async fn disconnect(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<NoFields>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            let store = find(conn, actor.merchant_id, store_id)?;
            stores::disconnect(conn, &actor, &store)?;
            Ok(store)
        })
        .await?;
    page.done(format!("{} is disconnected. Its orders and their credits stay.", store.name))?;
    Ok(see_other(HERE))
}
