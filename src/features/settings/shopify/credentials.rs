use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::QueryResult;
use serde::Deserialize;
use vouch_core::platform::Platform;
use vouch_platforms::shopify::Credentials;

use super::{HERE, parse_secret};
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

/// Either kind of credentials, as typed. Only the client ID is echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CredentialsForm {
    client_id: String,
    client_secret: String,
    token: String,
    api_secret: String,
}

/// What was typed to connect a store. What is secret is never echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ConnectForm {
    pub(super) address: String,
    pub(super) client_id: String,
    client_secret: String,
    token: String,
    api_secret: String,
    secret: String,
}

impl ConnectForm {
    fn typed(&self) -> Typed<'_> {
        Typed {
            client_id: &self.client_id,
            client_secret: &self.client_secret,
            token: &self.token,
            api_secret: &self.api_secret,
        }
    }

    /// Either kind of credentials, or the secret of webhooks that are made by hand.
    pub(super) fn given(&self, errors: &mut FormErrors) -> Option<Given> {
        if !self.typed().is_empty() {
            return self.typed().parse(errors);
        }
        let secret = parse_secret("secret", &self.secret, errors)?;
        Some(Given { credentials: None, secret })
    }
}

/// The same, wherever it was typed.
pub(super) struct Typed<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    pub(super) token: &'a str,
    pub(super) api_secret: &'a str,
}

/// What the store is called with, and what signs its webhooks.
pub(super) struct Given {
    pub(super) credentials: Option<Credentials>,
    pub(super) secret: WebhookSecret,
}

impl Typed<'_> {
    pub(super) fn is_empty(&self) -> bool {
        [self.client_id, self.client_secret, self.token, self.api_secret]
            .iter()
            .all(|typed| typed.trim().is_empty())
    }

    pub(super) fn parse(&self, errors: &mut FormErrors) -> Option<Given> {
        let filled = |typed: &str| !typed.trim().is_empty();
        let has_client = filled(self.client_id) || filled(self.client_secret);
        let has_token = filled(self.token) || filled(self.api_secret);
        match (has_client, has_token) {
            (true, false) => self.client(errors),
            (false, true) => self.token(errors),
            (true, true) => {
                errors.add("client_id", "Fill in one of the two ways, and leave the other empty.");
                None
            }
            (false, false) => {
                errors.add(
                    "client_id",
                    "Fill in the client ID and client secret, or the access token and API secret key.",
                );
                None
            }
        }
    }

    /// The app's secret signs the webhooks that Vouch makes with it.
    fn client(&self, errors: &mut FormErrors) -> Option<Given> {
        let id = self.client_id.trim();
        if !looks_like_one(id) {
            errors.add("client_id", "Paste the client ID whole: one word of letters and digits.");
        }
        let secret = WebhookSecret::parse(self.client_secret).map_err(|_| {
            errors.add(
                "client_secret",
                "Paste the client secret whole: one word of letters, digits and signs.",
            );
        });
        let secret = secret.ok().filter(|_| looks_like_one(id))?;
        let credentials =
            Credentials::Client { id: id.to_owned(), secret: self.client_secret.trim().into() };
        Some(Given { credentials: Some(credentials), secret })
    }

    fn token(&self, errors: &mut FormErrors) -> Option<Given> {
        let token = self.token.trim();
        if !looks_like_one(token) {
            errors.add(
                "token",
                "Paste the Admin API access token whole. It begins with shpat_, and Shopify shows it once.",
            );
        }
        let secret = WebhookSecret::parse(self.api_secret).map_err(|_| {
            errors.add(
                "api_secret",
                "Paste the app’s API secret key, too: Shopify signs the messages with it.",
            );
        });
        let secret = secret.ok().filter(|_| looks_like_one(token))?;
        Some(Given { credentials: Some(Credentials::Token(token.into())), secret })
    }
}

fn looks_like_one(typed: &str) -> bool {
    (16..=200).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic())
}

#[derive(Template)]
#[template(path = "settings/shopify_credentials.html")]
struct CredentialsPage {
    page: MerchantPage,
    store: Store,
    form: CredentialsForm,
    errors: FormErrors,
}

/// `GET /settings/shopify/{store_id}/credentials`
pub async fn credentials(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let store = connected::find(&db, &page, Platform::Shopify, *store_id).await?;
    let (form, errors) = (CredentialsForm::default(), FormErrors::new());
    ok(&CredentialsPage { page, store, form, errors })
}

/// `POST /settings/shopify/{store_id}/credentials`: replaces them, and says what the store answers.
/// What was signed with the secret before is still taken.
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
    let CredentialsForm { client_id, client_secret, token, api_secret } = &form;
    let given = Typed { client_id, client_secret, token, api_secret }.parse(&mut errors);
    let call = calls.begin(page.merchant_id())?;
    let (actor, store_id) = (page.actor(), *store_id);
    let (store, replaced) = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store =
                Store::find_connected(conn, actor.merchant_id, Platform::Shopify, store_id)?;
            let Some(Given { credentials: Some(credentials), secret }) = &given else {
                return Ok((store, false));
            };
            stores::replace_secret(conn, &actor, &encryptor, &store, secret)?;
            stores::set_credentials(conn, &actor, &encryptor, &store, &credentials.to_json())?;
            Ok((Store::find(conn, actor.merchant_id, store_id)?, true))
        })
        .await?;
    if !replaced {
        return rejected(&CredentialsPage { page, store, form, errors });
    }
    let (kind, words) = checked(call, &db, &config, store).await?;
    page.leave(kind, format!("The API credentials are kept. {words}"))?;
    Ok(see_other(HERE))
}
