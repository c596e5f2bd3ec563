//! What the tabs of the stores share: finding the store, asking it, letting it go.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use diesel::QueryResult;
use vouch_core::platform::Platform;

use super::access::checked;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{self, ConnectError, Store, StoreCalls};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::platform_path::OfPlatform;
use crate::kit::web::see_other;
use crate::kit::web::version::Record;

/// A connected store of the merchant on `platform`.
///
/// # Errors
/// 404 when there is none of that key.
pub(super) async fn find(
    db: &Db,
    page: &MerchantPage,
    platform: Platform,
    store_id: i64,
) -> AppResult<Store> {
    let merchant_id = page.merchant_id();
    db.merchant(merchant_id, move |conn| {
        Store::find_connected(conn, merchant_id, platform, store_id)
    })
    .await
}

/// `POST /settings/{platform}/{store_id}/access`: asks the store what its credentials are good for.
pub async fn check_access(
    OfPlatform(platform): OfPlatform,
    db: Data<Db>,
    config: Data<Config>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, platform, *store_id).await?;
    let back = urls::store_settings_of(platform, *store_id);
    let call = calls.begin(page.merchant_id())?;
    let (kind, words) = checked(call, &db, &config, store).await?;
    page.leave(kind, words)?;
    Ok(see_other(&back))
}

/// `POST /settings/{platform}/{store_id}/disconnection`
pub async fn disconnect(
    OfPlatform(platform): OfPlatform,
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            let store = Store::find_connected(conn, actor.merchant_id, platform, *store_id)?;
            stores::disconnect(conn, &actor, &store)?;
            Ok(store)
        })
        .await?;
    page.done(format!("{} is disconnected. Its orders and their credits stay.", store.name))?;
    Ok(see_other(urls::store_settings(platform)))
}

/// `GET` where the discount rules of a platform were before each had them at the same path.
pub async fn moved_discounts(
    OfPlatform(platform): OfPlatform,
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, platform, *store_id).await?;
    let location = urls::discounts(platform, store.id);
    Ok(HttpResponse::MovedPermanently().insert_header((LOCATION, location)).finish())
}

/// Parts what the person can mend from what is the database's.
pub(super) fn for_the_person(
    connected: Result<Store, ConnectError>,
) -> QueryResult<Result<Store, ConnectError>> {
    match connected {
        Err(ConnectError::Database(error)) => Err(error),
        other => Ok(other),
    }
}

/// A store as what is edited. `action`: what the audit log calls the change.
pub(super) fn record(store: &Store, action: &'static str) -> Record {
    let (kind, id) = ("store", Some(store.id));
    Record { merchant_id: store.merchant_id, kind, id, action: Some(action) }
}
