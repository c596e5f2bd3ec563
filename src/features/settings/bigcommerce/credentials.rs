use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::{PgConnection, QueryResult};
use serde::Deserialize;
use vouch_core::platform::Platform;
use vouch_platforms::bigcommerce::{Credentials, parse_address};

use super::of_store;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::access::checked;
use crate::features::settings::connected::{self, for_the_person};
use crate::features::stores::{
    self, ConnectError, NewStore, Store, StoreCall, StoreCalls, WebhookSecret,
};
use crate::kit::audit::Actor;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// What BigCommerce shows when an API account is made. Only path and client id are echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CredentialsForm {
    api_path: String,
    client_id: String,
    client_secret: String,
    access_token: String,
}

impl CredentialsForm {
    fn parse(&self, errors: &mut FormErrors) -> Option<(Credentials, WebhookSecret)> {
        let client_id = self.client_id.trim();
        if !looks_like_one(client_id) {
            errors.add(
                "client_id",
                "Paste the client ID that BigCommerce shows: one word of letters and digits.",
            );
        }
        let secret = WebhookSecret::parse(&self.client_secret);
        if secret.is_err() {
            errors.add(
                "client_secret",
                "Paste the client secret whole: one word of letters and digits.",
            );
        }
        let token = self.access_token.trim();
        if !looks_like_one(token) {
            errors.add(
                "access_token",
                "Paste the access token whole: one word of letters and digits.",
            );
        }
        let secret = secret.ok().filter(|_| looks_like_one(client_id) && looks_like_one(token))?;
        let credentials = Credentials {
            client_id: client_id.to_owned(),
            client_secret: self.client_secret.trim().into(),
            access_token: token.into(),
        };
        Some((credentials, secret))
    }
}

fn looks_like_one(typed: &str) -> bool {
    (8..=200).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic())
}

#[derive(Template)]
#[template(path = "settings/bigcommerce_credentials.html")]
struct CredentialsPage {
    page: MerchantPage,
    /// The store whose credentials are replaced; `None` to connect one.
    store: Option<Store>,
    form: CredentialsForm,
    errors: FormErrors,
}

impl CredentialsPage {
    fn action(&self) -> String {
        match &self.store {
            Some(store) => format!("{}/{}/credentials", super::HERE, store.id),
            None => format!("{}/credentials", super::HERE),
        }
    }

    /// Where the control panel makes API accounts (the address is in Microsoft's guide to connecting
    /// BigCommerce with Intelligent Order Management); without a store, the general log-in.
    fn panel_url(&self) -> String {
        let hash = self.store.as_ref().and_then(|store| store.address.as_deref());
        match hash.filter(|hash| !hash.contains("://")) {
            Some(hash) => {
                format!("https://store-{hash}.mybigcommerce.com/manage/settings/auth/api-accounts")
            }
            None => "https://login.bigcommerce.com/login".to_owned(),
        }
    }
}

/// `GET /settings/bigcommerce/credentials`: the steps, and the fields that connect a store.
pub async fn new_credentials(page: MerchantPage) -> AppResult<HttpResponse> {
    let (form, errors) = (CredentialsForm::default(), FormErrors::new());
    ok(&CredentialsPage { page, store: None, form, errors })
}

/// `POST /settings/bigcommerce/credentials`: connects a store and checks what its credentials are
/// good for.
pub async fn connect(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<CredentialsForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    let address = parse_address(&form.api_path, config.local_stores)
        .map_err(|refusal| errors.add("api_path", refusal.to_string()));
    let parsed = form.parse(&mut errors);
    let (Ok(address), Some((credentials, secret))) = (address, parsed) else {
        return rejected(&CredentialsPage { page, store: None, form, errors });
    };
    let call = calls.begin(page.merchant_id())?;
    let actor = page.actor();
    let connected = db
        .merchant(page.merchant_id(), move |conn| {
            for_the_person(connect_with(conn, &actor, &encryptor, &address, &credentials, &secret))
        })
        .await?;
    match connected {
        Ok(store) => saved(call, &db, &config, page, store).await,
        Err(refusal) => {
            let errors = FormErrors::one("api_path", refusal.to_string());
            rejected(&CredentialsPage { page, store: None, form, errors })
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
    let webhook_secret = Some(secret);
    let new = NewStore { platform: Platform::Bigcommerce, address, webhook_secret };
    let store = stores::connect(conn, actor, encryptor, &new)?;
    stores::set_credentials(conn, actor, encryptor, &store, &credentials.to_json())?;
    Ok(Store::find(conn, actor.merchant_id, store.id)?)
}

/// Says what the store answers to the credentials that were just kept.
async fn saved(
    call: StoreCall,
    db: &Data<Db>,
    config: &Data<Config>,
    page: MerchantPage,
    store: Store,
) -> AppResult<HttpResponse> {
    let store_id = store.id;
    let (kind, words) = checked(call, db, config, store).await?;
    page.leave(kind, format!("The API credentials are kept. {words}"))?;
    Ok(see_other(&of_store(store_id)))
}

/// `GET /settings/bigcommerce/{store_id}/credentials`
pub async fn credentials(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Bigcommerce, *store_id).await?;
    let (form, errors) = (CredentialsForm::default(), FormErrors::new());
    ok(&CredentialsPage { page, store: Some(store), form, errors })
}

/// `POST /settings/bigcommerce/{store_id}/credentials`: replaces them. What the store signed with
/// the client secret before is still taken.
pub async fn replace_credentials(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<CredentialsForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    let parsed = form.parse(&mut errors);
    let call = calls.begin(page.merchant_id())?;
    let (actor, store_id) = (page.actor(), *store_id);
    let (store, replaced) = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store =
                Store::find_connected(conn, actor.merchant_id, Platform::Bigcommerce, store_id)?;
            let Some((credentials, secret)) = &parsed else { return Ok((store, false)) };
            stores::replace_secret(conn, &actor, &encryptor, &store, secret)?;
            stores::set_credentials(conn, &actor, &encryptor, &store, &credentials.to_json())?;
            Ok((Store::find(conn, actor.merchant_id, store_id)?, true))
        })
        .await?;
    if !replaced {
        return rejected(&CredentialsPage { page, store: Some(store), form, errors });
    }
    saved(call, &db, &config, page, store).await
}
