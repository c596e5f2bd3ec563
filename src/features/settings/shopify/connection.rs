use actix_web::HttpResponse;
use actix_web::web::Data;
use diesel::PgConnection;
use vouch_core::platform::Platform;
use vouch_platforms::shopify::parse_address;

use super::HERE;
use super::credentials::{ConnectForm, Given};
use super::page::Shop;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::access::checked;
use crate::features::settings::connected::for_the_person;
use crate::features::stores::{self, ConnectError, NewStore, Store, StoreCall, StoreCalls};
use crate::kit::audit::Actor;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// `GET /settings/shopify`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, encryptor };
    ok(&shop.page(page, ConnectForm::default(), FormErrors::new()).await?)
}

/// `POST /settings/shopify`: connects a store.
pub async fn connect(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<ConnectForm>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, encryptor };
    let mut errors = FormErrors::new();
    let address = parse_address(&form.address, shop.config.local_stores)
        .map_err(|refusal| errors.add("address", refusal.to_string()));
    let given = form.given(&mut errors);
    let (Ok(address), Some(given)) = (address, given) else {
        return rejected(&shop.page(page, form, errors).await?);
    };
    let call = calls.begin(page.merchant_id())?;
    let (actor, encryptor) = (page.actor(), shop.encryptor.clone());
    let connected = shop
        .db
        .merchant(page.merchant_id(), move |conn| {
            for_the_person(connect_with(conn, &actor, &encryptor, &address, &given))
        })
        .await?;
    match connected {
        Ok(store) => connected_in_words(call, &shop, page, store).await,
        Err(refusal) => {
            let errors = FormErrors::one("address", refusal.to_string());
            rejected(&shop.page(page, form, errors).await?)
        }
    }
}

fn connect_with(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    address: &str,
    given: &Given,
) -> Result<Store, ConnectError> {
    let webhook_secret = Some(&given.secret);
    let new = NewStore { platform: Platform::Shopify, address, webhook_secret };
    let store = stores::connect(conn, actor, encryptor, &new)?;
    if let Some(credentials) = &given.credentials {
        stores::set_credentials(conn, actor, encryptor, &store, &credentials.to_json())?;
    }
    Ok(Store::find(conn, actor.merchant_id, store.id)?)
}

/// Says what is to do next, and, where Vouch can call the store, what it answers.
async fn connected_in_words(
    call: StoreCall,
    shop: &Shop,
    page: MerchantPage,
    store: Store,
) -> AppResult<HttpResponse> {
    let name = store.name.clone();
    if store.has_credentials() {
        let (kind, words) = checked(call, &shop.db, &shop.config, store).await?;
        page.leave(kind, format!("{name} is connected. {words}"))?;
    } else {
        page.done(format!(
            "{name} is connected. Now make the webhooks in Shopify, as described below."
        ))?;
    }
    Ok(see_other(HERE))
}
