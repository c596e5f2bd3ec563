use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::QueryResult;
use serde::Deserialize;
use vouch_core::platform::Platform;
use vouch_platforms::woocommerce::Credentials;

use super::HERE;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::access::checked;
use crate::features::settings::connected;
use crate::features::stores::{self, Store, StoreCalls, WebhookSecret};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// What was typed to connect a store, or to replace its key. Secrets are never echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    pub(super) address: String,
    consumer_key: String,
    consumer_secret: String,
    webhook_secret: String,
}

impl KeyForm {
    /// The key, and the secret of webhooks that were made by hand.
    pub(super) fn check(
        &self,
        errors: &mut FormErrors,
    ) -> Option<(Credentials, Option<WebhookSecret>)> {
        let fits = |typed: &str, prefix: &str| {
            typed.starts_with(prefix)
                && (20..=200).contains(&typed.len())
                && typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let (key, secret) = (self.consumer_key.trim(), self.consumer_secret.trim());
        if !fits(key, "ck_") {
            errors.add("consumer_key", "Paste the consumer key whole: it begins with ck_.");
        }
        if !fits(secret, "cs_") {
            errors.add("consumer_secret", "Paste the consumer secret whole: it begins with cs_.");
        }
        let webhook_secret = Some(self.webhook_secret.trim()).filter(|typed| !typed.is_empty());
        let webhook_secret = webhook_secret.map(WebhookSecret::parse).transpose();
        if webhook_secret.is_err() {
            errors.add("webhook_secret", "Use one word of at least 16 letters, digits and signs.");
        }
        let credentials = Credentials { consumer_key: key.into(), consumer_secret: secret.into() };
        webhook_secret.ok().filter(|_| errors.is_empty()).map(|secret| (credentials, secret))
    }
}

#[derive(Template)]
#[template(path = "settings/woocommerce_key.html")]
struct KeyPage {
    page: MerchantPage,
    store: Store,
    errors: FormErrors,
}

/// `GET /settings/woocommerce/{store_id}/credentials`
pub async fn credentials(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Woocommerce, *store_id).await?;
    ok(&KeyPage { page, store, errors: FormErrors::new() })
}

/// `POST /settings/woocommerce/{store_id}/credentials`
pub async fn replace_credentials(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    calls: Data<StoreCalls>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<KeyForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    let typed = form.check(&mut errors);
    let call = calls.begin(page.merchant_id())?;
    let (actor, store_id) = (page.actor(), *store_id);
    let (store, replaced) = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store =
                Store::find_connected(conn, actor.merchant_id, Platform::Woocommerce, store_id)?;
            let Some((credentials, webhook_secret)) = typed else { return Ok((store, false)) };
            if let Some(secret) = &webhook_secret {
                stores::replace_secret(conn, &actor, &encryptor, &store, secret)?;
            }
            stores::set_credentials(conn, &actor, &encryptor, &store, &credentials.to_json())?;
            Ok((
                Store::find_connected(conn, actor.merchant_id, Platform::Woocommerce, store_id)?,
                true,
            ))
        })
        .await?;
    if !replaced {
        return rejected(&KeyPage { page, store, errors });
    }
    let (kind, words) = checked(call, &db, &config, store).await?;
    page.leave(kind, format!("The key is saved. {words}"))?;
    Ok(see_other(HERE))
}
