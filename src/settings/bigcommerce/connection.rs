use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use diesel::QueryResult;
use serde::Deserialize;

use super::page::{Shop, find};
use super::{HERE, of_store};
use crate::clock;
use crate::config::Config;
use crate::db::Db;
use crate::error::{AppError, AppResult};
use crate::platforms::{Access, CallError};
use crate::secrets::Sealer;
use crate::store_jobs::{self, Tools};
use crate::stores::{self, Store};
use crate::web::form::CsrfForm;
use crate::web::page::{FlashKind, MerchantPage};
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

/// Asks the store, on a thread where calls may wait; notes what it says, and puts it into words.
pub(super) async fn checked(
    db: &Data<Db>,
    config: &Data<Config>,
    store: Store,
) -> AppResult<(FlashKind, String)> {
    let tools = Tools::new(config, Db::clone(db));
    let (asked, now) = (store.clone(), clock::now());
    let answer = actix_web::web::block(move || tools.client(&asked, now)?.access())
        .await
        .map_err(|_| AppError::Unavailable)?;
    let (kind, words) = in_words(&store, &answer);
    db.merchant(store.merchant_id, move |conn| match answer {
        Ok(_) => {
            stores::note_answered(conn, &store, now)?;
            store_jobs::wake(conn, store.merchant_id, store.id, now)
        }
        Err(CallError::Denied(problem)) => stores::note_denied(conn, &store, &problem, now),
        // It says nothing of the credentials.
        Err(_) => Ok(()),
    })
    .await?;
    Ok((kind, words))
}

fn in_words(store: &Store, answer: &Result<Access, CallError>) -> (FlashKind, String) {
    match answer {
        Ok(access) => {
            let name = if access.store_name.is_empty() { &store.name } else { &access.store_name };
            if access.missing.is_empty() {
                let words = format!("{name} answers: Vouch can read its orders and its codes.");
                return (FlashKind::Success, words);
            }
            let can = match (access.reads_orders, access.creates_codes) {
                (true, _) => "Vouch can read its orders, but not make codes.",
                (_, true) => "Vouch can make codes, but not read its orders.",
                _ => "Vouch can neither read its orders nor make codes.",
            };
            let words = format!("{name} answers. {can} {}", access.missing.join(" "));
            (FlashKind::Warning, words)
        }
        Err(CallError::Throttled { .. }) => (
            FlashKind::Warning,
            "The store asks for a pause, so that nothing could be checked. Check again in half a minute.".into(),
        ),
        Err(error) => (FlashKind::Warning, format!("{error} The credentials are kept.")),
    }
}
