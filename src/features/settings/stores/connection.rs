use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use diesel::{PgConnection, QueryResult};
use secrecy::ExposeSecret;
use serde::Deserialize;
use vouch_core::platform::Platform;
use vouch_platforms::Provider;
use vouch_platforms::form::Typed;
use vouch_platforms::settings::{ADDRESS, NewCredentials};

use super::access::checked;
use super::credentials::CredentialsPage;
use super::page::StorePageState;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{
    self, ConnectError, NewStore, Store, StoreCall, StoreCalls, random_secret,
};
use crate::kit::audit::Actor;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::platform_path::{OfPlatform, OfStore};
use crate::kit::web::{ok, rejected, see_other};

/// The query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ShownStore {
    store: Option<i64>,
}

/// `GET /settings/{platform}`
pub(crate) async fn show(
    OfPlatform(provider): OfPlatform,
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    query: Query<ShownStore>,
) -> AppResult<HttpResponse> {
    let shop = StorePageState { db, config, encryptor };
    ok(&shop.page(page, provider, query.store, (Typed::default(), FormErrors::new())).await?)
}

/// `POST /settings/{platform}`: connects a store, and checks what its credentials allow.
pub(crate) async fn connect(
    OfPlatform(provider): OfPlatform,
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(typed): CsrfForm<Typed>,
) -> AppResult<HttpResponse> {
    let shop = StorePageState { db, config, encryptor };
    let (address, new) = match parse(provider, &typed, shop.config.local_stores) {
        Ok(parsed) => parsed,
        Err(errors) => return refused(&shop, page, provider, typed, errors).await,
    };
    let call = calls.begin(page.merchant_id())?;
    let (actor, encryptor, platform) = (page.actor(), shop.encryptor.clone(), provider.platform());
    let connected = shop
        .db
        .merchant(page.merchant_id(), move |conn| {
            match connect_with(conn, &actor, &encryptor, (platform, &address), new) {
                Err(ConnectError::Database(error)) => Err(error),
                connected => Ok(connected),
            }
        })
        .await?;
    match connected {
        Ok(store) => connected_in_words(call, &shop, page, store).await,
        Err(refusal) => {
            let errors = FormErrors::one(ADDRESS, refusal.to_string());
            refused(&shop, page, provider, typed, errors).await
        }
    }
}

/// `POST /settings/{platform}/credentials`: the former path of a form on a page of its own.
pub(crate) async fn connect_apart(
    platform: OfPlatform,
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    form: CsrfForm<Typed>,
) -> AppResult<HttpResponse> {
    if !platform.0.settings().features().connects_apart {
        return Err(AppError::NotFound);
    }
    connect(platform, db, config, encryptor, calls, page, form).await
}

fn parse(
    provider: &dyn Provider,
    typed: &Typed,
    local_stores: bool,
) -> Result<(String, NewCredentials), FormErrors> {
    let settings = provider.settings();
    let mut errors = FormErrors::new();
    let address = settings.parse_address(typed.text(ADDRESS), local_stores);
    let address = address.map_err(|words| errors.add(ADDRESS, words));
    let new = settings.parse_connection(typed).map_err(|found| errors.extend(found));
    match (address, new) {
        (Ok(address), Ok(new)) => Ok((address, new)),
        _ => Err(errors),
    }
}

/// Shows the form again as typed. It's on its own page or on the stores page, depending on the platform.
async fn refused(
    shop: &StorePageState,
    page: MerchantPage,
    provider: &'static dyn Provider,
    typed: Typed,
    errors: FormErrors,
) -> AppResult<HttpResponse> {
    if provider.settings().features().connects_apart {
        return rejected(&CredentialsPage::new(page, provider, None, (typed, errors)));
    }
    rejected(&shop.page(page, provider, None, (typed, errors)).await?)
}

fn connect_with(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    (platform, address): (Platform, &str),
    new: NewCredentials,
) -> Result<Store, ConnectError> {
    let secret = new.webhook_secret.unwrap_or_else(random_secret);
    let webhook_secret = Some(&secret);
    let store =
        stores::connect(conn, actor, encryptor, &NewStore { platform, address, webhook_secret })?;
    if let Some(json) = new.json {
        stores::set_credentials(conn, actor, encryptor, &store, json.expose_secret())?;
    }
    Ok(Store::find(conn, actor.merchant_id, store.id)?)
}

/// Redirects with a message about the next step. If Vouch can call the store, the message contains the
/// result of a check.
async fn connected_in_words(
    call: StoreCall,
    shop: &StorePageState,
    page: MerchantPage,
    store: Store,
) -> AppResult<HttpResponse> {
    let (name, back) = (store.name.clone(), store.settings_url());
    if store.has_credentials() {
        let (kind, words) = checked(call, &shop.db, &shop.config, store).await?;
        page.leave(kind, text::added_with(&name, &words))?;
    } else {
        page.done(text::added(&name))?;
    }
    Ok(see_other(&back))
}

/// `POST /settings/{platform}/{store_id}/disconnection`
pub(crate) async fn disconnect(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, platform) = (page.actor(), of.provider.platform());
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            let store = Store::find_connected(conn, actor.merchant_id, platform, of.store_id)?;
            stores::disconnect(conn, &actor, &store)?;
            Ok(store)
        })
        .await?;
    page.done(text::disconnected(&store.name))?;
    Ok(see_other(&urls::store_settings(platform)))
}
