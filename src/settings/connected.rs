//! What the tabs of the stores share: finding the store, asking it, letting it go.

use actix_web::HttpResponse;
use actix_web::web::Data;
use diesel::QueryResult;

use super::access::checked;
use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::stores::{self, ConnectError, Platform, Store, StoreCalls};
use crate::web::page::MerchantPage;
use crate::web::see_other;
use crate::web::version::Record;

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

/// Asks the store what its credentials are good for, says so, and leads `back`.
pub(super) async fn check(
    calls: &StoreCalls,
    db: &Data<Db>,
    config: &Data<Config>,
    page: &MerchantPage,
    store: Store,
    back: &str,
) -> AppResult<HttpResponse> {
    let call = calls.begin(page.merchant_id())?;
    let (kind, words) = checked(call, db, config, store).await?;
    page.leave(kind, words)?;
    Ok(see_other(back))
}

/// Disconnects the store, says what stays, and leads `back`.
pub(super) async fn disconnect(
    db: &Db,
    page: &MerchantPage,
    platform: Platform,
    store_id: i64,
    back: &str,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            let store = Store::find_connected(conn, actor.merchant_id, platform, store_id)?;
            stores::disconnect(conn, &actor, &store)?;
            Ok(store)
        })
        .await?;
    page.done(format!("{} is disconnected. Its orders and their credits stay.", store.name))?;
    Ok(see_other(back))
}

/// Parts what the person can mend from what is the database's.
///
/// # Errors
/// The database's.
pub(super) fn for_the_person(
    connected: Result<Store, ConnectError>,
) -> QueryResult<Result<Store, ConnectError>> {
    match connected {
        Err(ConnectError::Database(error)) => Err(error),
        other => Ok(other),
    }
}

/// A store as what is edited.
pub(super) fn record(store: &Store) -> Record {
    Record { merchant_id: store.merchant_id, kind: "store", id: Some(store.id) }
}
