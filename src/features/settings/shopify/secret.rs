use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::QueryResult;
use serde::Deserialize;
use vouch_core::platform::Platform;

use super::{HERE, parse_secret};
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::connected;
use crate::features::stores::{self, Store};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::{ok, rejected, see_other};

/// A new secret for a store. It is never echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SecretForm {
    new_secret: String,
}

#[derive(Template)]
#[template(path = "settings/shopify_secret.html")]
struct SecretPage {
    page: MerchantPage,
    store: Store,
    errors: FormErrors,
}

/// `GET /settings/shopify/{store_id}/secret`
pub async fn secret(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Shopify, *store_id).await?;
    ok(&SecretPage { page, store, errors: FormErrors::new() })
}

/// `POST /settings/shopify/{store_id}/secret`
pub async fn replace_secret(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<SecretForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    let secret = parse_secret("new_secret", &form.new_secret, &mut errors);
    let (actor, store_id) = (page.actor(), *store_id);
    let (store, replaced) = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store =
                Store::find_connected(conn, actor.merchant_id, Platform::Shopify, store_id)?;
            if let Some(secret) = &secret {
                stores::replace_secret(conn, &actor, &encryptor, &store, secret)?;
            }
            Ok((store, secret.is_some()))
        })
        .await?;
    if !replaced {
        return rejected(&SecretPage { page, store, errors });
    }
    page.done(
        "The secret is replaced. Messages signed with the one before it are still accepted.",
    )?;
    Ok(see_other(HERE))
}

/// `POST /settings/shopify/{store_id}/previous-secret/removal`
pub async fn remove_previous_secret(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    db.merchant(page.merchant_id(), move |conn| {
        let store = Store::find_connected(conn, actor.merchant_id, Platform::Shopify, store_id)?;
        stores::remove_previous_secret(conn, &actor, &store)
    })
    .await?;
    page.done("The previous secret is no longer accepted.")?;
    Ok(see_other(HERE))
}
