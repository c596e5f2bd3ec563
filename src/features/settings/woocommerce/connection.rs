use actix_web::HttpResponse;
use actix_web::web::Data;
use diesel::PgConnection;
use vouch_core::platform::Platform;
use vouch_platforms::woocommerce::{Credentials, parse_address};

use super::HERE;
use super::credentials::KeyForm;
use super::page::Shop;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::access::checked;
use crate::features::settings::connected::for_the_person;
use crate::features::stores::{self, ConnectError, NewStore, Store, StoreCalls, WebhookSecret};
use crate::kit::audit::Actor;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// `GET /settings/woocommerce`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, encryptor };
    ok(&shop.page(page, KeyForm::default(), FormErrors::new()).await?)
}

/// `POST /settings/woocommerce`: connects a store and asks it what its key is good for.
pub async fn connect(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<KeyForm>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, encryptor };
    let mut errors = FormErrors::new();
    let address = parse_address(&form.address, shop.config.local_stores)
        .map_err(|refusal| errors.add("address", refusal.to_string()));
    let (Ok(address), Some((credentials, secret))) = (address, form.check(&mut errors)) else {
        return rejected(&shop.page(page, form, errors).await?);
    };
    let call = calls.begin(page.merchant_id())?;
    let secret = secret.unwrap_or_else(WebhookSecret::random);
    let (actor, encryptor) = (page.actor(), shop.encryptor.clone());
    let connected = shop
        .db
        .merchant(page.merchant_id(), move |conn| {
            for_the_person(connect_with(conn, &actor, &encryptor, &address, &credentials, &secret))
        })
        .await?;
    match connected {
        Ok(store) => {
            let name = store.name.clone();
            let (kind, words) = checked(call, &shop.db, &shop.config, store).await?;
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
    encryptor: &Encryptor,
    address: &str,
    credentials: &Credentials,
    secret: &WebhookSecret,
) -> Result<Store, ConnectError> {
    let (platform, webhook_secret) = (Platform::Woocommerce, Some(secret));
    let store =
        stores::connect(conn, actor, encryptor, &NewStore { platform, address, webhook_secret })?;
    stores::set_credentials(conn, actor, encryptor, &store, &credentials.to_json())?;
    Ok(Store::find_connected(conn, actor.merchant_id, Platform::Woocommerce, store.id)?)
}
