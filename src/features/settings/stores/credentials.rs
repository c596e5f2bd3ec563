use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::QueryResult;
use secrecy::ExposeSecret;
use vouch_core::platform::Platform;
use vouch_platforms::Provider;
use vouch_platforms::form::{FormPart, Typed};
use vouch_platforms::settings::{NewCredentials, PlatformText};

use super::access::checked;
use super::find;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{self, Store, StoreCalls};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::platform_path::{OfPlatform, OfStore};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "settings/stores/credentials.html")]
pub(super) struct CredentialsPage {
    page: MerchantPage,
    platform: Platform,
    words: &'static PlatformText,
    /// The store whose credentials are replaced. `None` if a new store is connected.
    store: Option<Store>,
    parts: Vec<FormPart>,
    typed: Typed,
    errors: FormErrors,
}

impl CredentialsPage {
    pub(super) fn new(
        page: MerchantPage,
        provider: &dyn Provider,
        store: Option<Store>,
        (typed, errors): (Typed, FormErrors),
    ) -> Self {
        let settings = provider.settings();
        let parts = match &store {
            Some(store) => settings.credentials_form(store.address.as_deref()),
            None => settings.connect_form(),
        };
        let (platform, words) = (provider.platform(), settings.words());
        Self { page, platform, words, store, parts, typed, errors }
    }

    fn action(&self) -> String {
        match &self.store {
            Some(store) => urls::of_store(self.platform, store.id, "credentials"),
            None => urls::store_settings(self.platform),
        }
    }

    fn back(&self) -> String {
        match &self.store {
            Some(store) => store.settings_url(),
            None => urls::store_settings(self.platform),
        }
    }

    /// The text below the heading.
    fn lead(&self) -> Option<String> {
        let store = self.store.as_ref().filter(|_| !self.words.credentials_lead.is_empty())?;
        Some(self.words.credentials_lead.replace("{store}", &store.name))
    }
}

/// `GET /settings/{platform}/credentials`: the form to connect a store, on its own page.
pub(crate) async fn new_credentials(
    OfPlatform(provider): OfPlatform,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    if !provider.settings().features().connects_apart {
        return Err(AppError::NotFound);
    }
    let untyped = (Typed::default(), FormErrors::new());
    ok(&CredentialsPage::new(page, provider, None, untyped))
}

/// `GET /settings/{platform}/{store_id}/credentials`
pub(crate) async fn credentials(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, of).await?;
    let untyped = (Typed::default(), FormErrors::new());
    ok(&CredentialsPage::new(page, of.provider, Some(store), untyped))
}

/// `POST /settings/{platform}/{store_id}/credentials`: replaces them, and checks what they allow.
/// Webhooks that are signed with the previous secret are still accepted.
pub(crate) async fn replace_credentials(
    of: OfStore,
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    CsrfForm(typed): CsrfForm<Typed>,
) -> AppResult<HttpResponse> {
    let store = find(&db, &page, of).await?;
    let NewCredentials { json, webhook_secret } =
        match of.provider.settings().parse_credentials(&typed) {
            Ok(new) => new,
            Err(errors) => {
                let typed = (typed, errors.into());
                return rejected(&CredentialsPage::new(page, of.provider, Some(store), typed));
            }
        };
    let call = calls.begin(page.merchant_id())?;
    let actor = page.actor();
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            if let Some(secret) = &webhook_secret {
                stores::replace_secret(conn, &actor, &encryptor, &store, secret)?;
            }
            if let Some(json) = &json {
                stores::set_credentials(conn, &actor, &encryptor, &store, json.expose_secret())?;
            }
            Store::find(conn, actor.merchant_id, store.id)
        })
        .await?;
    let back = store.settings_url();
    let (kind, words) = checked(call, &db, &config, store).await?;
    page.leave(kind, text::credentials_saved(&words))?;
    Ok(see_other(&back))
}
