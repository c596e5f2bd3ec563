use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::{PgConnection, QueryResult};
use serde::Deserialize;

use super::HERE;
use super::credentials::KeyForm;
use super::page::{Shop, find};
use crate::audit::Actor;
use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::platforms::woocommerce::Credentials;
use crate::secrets::Sealer;
use crate::settings::access::checked;
use crate::stores::{self, ConnectError, NewStore, Platform, Store, WebhookSecret, site_address};
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::MerchantPage;
use crate::web::{ok, rejected, see_other};

/// Nothing but the proof that the form is ours.
#[derive(Deserialize)]
pub struct NoFields {}

/// `GET /settings/woocommerce`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, sealer };
    ok(&shop.page(page, KeyForm::default(), FormErrors::new()).await?)
}

/// `POST /settings/woocommerce`: connects a store and asks it what its key is good for.
pub async fn connect(
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<KeyForm>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, sealer };
    let mut errors = FormErrors::new();
    let address = site_address(&form.address, shop.config.local_stores)
        .map_err(|refusal| errors.add("address", refusal.to_string()));
    let (Ok(address), Some((credentials, secret))) = (address, form.check(&mut errors)) else {
        return rejected(&shop.page(page, form, errors).await?);
    };
    let secret = secret.unwrap_or_else(WebhookSecret::random);
    let (actor, sealer) = (page.actor(), shop.sealer.clone());
    let connected = shop
        .db
        .merchant(page.merchant_id(), move |conn| {
            match connect_with(conn, &actor, &sealer, &address, &credentials, &secret) {
                Ok(store) => Ok(Ok(store)),
                Err(refusal @ ConnectError::Connected) => Ok(Err(refusal)),
                Err(ConnectError::Database(error)) => Err(error),
            }
        })
        .await?;
    match connected {
        Ok(store) => {
            let name = store.name.clone();
            let (kind, words) = checked(&shop.db, &shop.config, store).await?;
            page.leave(kind, format!("{name} is connected. {words}"))?;
            Ok(see_other(HERE))
        }
        Err(refusal) => {
            let errors = FormErrors::one("address", refusal.to_string());
            rejected(&shop.page(page, form, errors).await?)
        }
    }
}

fn connect_with(
    conn: &mut PgConnection,
    actor: &Actor,
    sealer: &Sealer,
    address: &str,
    credentials: &Credentials,
    secret: &WebhookSecret,
) -> Result<Store, ConnectError> {
    let (platform, webhook_secret) = (Platform::Woocommerce, Some(secret));
    let store =
        stores::connect(conn, actor, sealer, &NewStore { platform, address, webhook_secret })?;
    stores::set_credentials(conn, actor, sealer, &store, &credentials.to_json())?;
    Ok(find(conn, actor.merchant_id, store.id)?)
}

/// `POST /settings/woocommerce/{store_id}/access`: asks the store what its key is good for.
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
    Ok(see_other(HERE))
}

/// `POST /settings/woocommerce/{store_id}/disconnection`
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
