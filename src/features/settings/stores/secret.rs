use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;
use vouch_platforms::WebhookSecret;

use super::find;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{self, Store};
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::platform_path::OfStore;
use crate::kit::web::{ok, rejected, see_other};

/// A new secret for a store. It's never shown again.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SecretForm {
    new_secret: String,
}

#[derive(Template)]
#[template(path = "settings/stores/secret.html")]
struct SecretPage {
    page: MerchantPage,
    store: Store,
    errors: FormErrors,
}

impl SecretPage {
    fn action(&self) -> String {
        urls::of_store(self.store.platform, self.store.id, "secret")
    }

    fn back(&self) -> String {
        self.store.settings_url()
    }
}

/// A store whose secret can be replaced separately. Fails with `NotFound` if the platform doesn't allow
/// that.
async fn find_replaceable(db: &Db, page: &MerchantPage, of: OfStore) -> AppResult<Store> {
    if !of.provider.settings().features().replaces_secret() {
        return Err(AppError::NotFound);
    }
    find(db, page, of).await
}

/// `GET /settings/{platform}/{store_id}/secret`
pub(crate) async fn secret(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let store = find_replaceable(&db, &page, of).await?;
    ok(&SecretPage { page, store, errors: FormErrors::new() })
}

/// `POST /settings/{platform}/{store_id}/secret`
pub(crate) async fn replace_secret(
    of: OfStore,
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<SecretForm>,
) -> AppResult<HttpResponse> {
    let store = find_replaceable(&db, &page, of).await?;
    let secret = match WebhookSecret::parse(&form.new_secret) {
        Ok(secret) => secret,
        Err(refusal) => {
            let errors = FormErrors::one("new_secret", refusal.to_string());
            return rejected(&SecretPage { page, store, errors });
        }
    };
    let (actor, back) = (page.actor(), store.settings_url());
    db.merchant(page.merchant_id(), move |conn| {
        stores::replace_secret(conn, &actor, &encryptor, &store, &secret)
    })
    .await?;
    page.done(text::SECRET_REPLACED)?;
    Ok(see_other(&back))
}

/// `POST /settings/{platform}/{store_id}/previous-secret/removal`
pub(crate) async fn remove_previous_secret(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let store = find_replaceable(&db, &page, of).await?;
    let (actor, back) = (page.actor(), store.settings_url());
    db.merchant(page.merchant_id(), move |conn| {
        stores::remove_previous_secret(conn, &actor, &store)
    })
    .await?;
    page.done(text::PREVIOUS_SECRET_REMOVED)?;
    Ok(see_other(&back))
}
