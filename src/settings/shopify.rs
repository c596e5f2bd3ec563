use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::{PgConnection, QueryResult};
use serde::Deserialize;

use crate::config::Config;
use crate::db::Db;
use crate::error::AppResult;
use crate::secrets::Sealer;
use crate::stores::{self, ConnectError, Platform, Store, Traffic, WebhookSecret, shopify_address};
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::MerchantPage;
use crate::web::paginate::count_label;
use crate::web::when::{self, When};
use crate::web::{ok, rejected, see_other};

/// The address of this page.
const HERE: &str = "/settings/shopify";

/// The webhooks a store should send: the topic, and what Shopify's own page calls
/// it, where it offers it.
const TOPICS: [(&str, Option<&str>); 8] = [
    ("orders/create", Some("Order creation")),
    ("orders/updated", Some("Order update")),
    ("orders/paid", Some("Order payment")),
    ("orders/cancelled", Some("Order cancellation")),
    ("orders/edited", Some("Order edit")),
    ("orders/delete", Some("Order deletion")),
    ("refunds/create", Some("Refund create")),
    ("app/uninstalled", None),
];

/// What was typed to connect a store. The secret is never echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ConnectForm {
    address: String,
    secret: String,
}

/// A new secret for a store. It is never echoed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SecretForm {
    new_secret: String,
}

/// Nothing but the proof that the form is ours.
#[derive(Deserialize)]
pub struct NoFields {}

/// A connected store, as the page shows it.
struct StoreView {
    store: Store,
    traffic: Traffic,
    webhook_url: String,
    /// `set on 3 Mar 2026, ends in 9f2c`
    secret: String,
}

#[derive(Template)]
#[template(path = "settings/shopify.html")]
struct ShopifyPage {
    page: MerchantPage,
    stores: Vec<StoreView>,
    form: ConnectForm,
    errors: FormErrors,
}

impl ShopifyPage {
    fn failed(view: &StoreView) -> String {
        count_label(view.traffic.failed)
    }

    fn last_delivery(&self, view: &StoreView) -> Option<When> {
        view.traffic.last.map(|at| When::new(at, self.page.merchant().tz()))
    }
}

/// What the handlers of this page share.
#[derive(Clone)]
struct Shop {
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
}

impl Shop {
    /// The page as it stands, with the form that connects a store.
    async fn page(
        &self,
        page: MerchantPage,
        form: ConnectForm,
        errors: FormErrors,
    ) -> AppResult<ShopifyPage> {
        let merchant_id = page.merchant_id();
        let stores = self
            .db
            .merchant(merchant_id, move |conn| -> QueryResult<Vec<(Store, Traffic)>> {
                let stores = Store::connected(conn, merchant_id, Platform::Shopify)?;
                let with_traffic = |store: Store| Ok((store.clone(), Traffic::of(conn, &store)?));
                stores.into_iter().map(with_traffic).collect()
            })
            .await?;
        let tz = page.merchant().tz();
        let view = |(store, traffic): (Store, Traffic)| StoreView {
            webhook_url: format!("{}/hooks/shopify/{}", self.config.public_url, store.store_key),
            secret: self.secret_in_words(&store, tz),
            traffic,
            store,
        };
        let stores = stores.into_iter().map(view).collect();
        Ok(ShopifyPage { page, stores, form, errors })
    }

    fn secret_in_words(&self, store: &Store, tz: chrono_tz::Tz) -> String {
        let set_on = store
            .webhook_secret_set_at
            .map_or_else(String::new, |at| format!("Set on {}", when::day(when::day_of(at, tz))));
        match store.secret_ending(&self.sealer) {
            Some(ending) => format!("{set_on}, ends in {ending}"),
            None => format!(
                "{set_on}, but it does not open with this installation's key: paste it again."
            ),
        }
    }
}

/// `GET /settings/shopify`
pub async fn show(
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, sealer };
    ok(&shop.page(page, ConnectForm::default(), FormErrors::new()).await?)
}

/// `POST /settings/shopify`: connects a store.
pub async fn connect(
    db: Data<Db>,
    config: Data<Config>,
    sealer: Data<Sealer>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<ConnectForm>,
) -> AppResult<HttpResponse> {
    let shop = Shop { db, config, sealer };
    let mut errors = FormErrors::new();
    let address = shopify_address(&form.address)
        .map_err(|refusal| errors.add("address", refusal.to_string()));
    let secret = parse_secret("secret", &form.secret, &mut errors);
    let (Ok(address), Some(secret)) = (address, secret) else {
        return rejected(&shop.page(page, form, errors).await?);
    };
    let (actor, sealer) = (page.actor(), shop.sealer.clone());
    let connected = shop
        .db
        .merchant(page.merchant_id(), move |conn| {
            match stores::connect_shopify(conn, &actor, &sealer, &address, &secret) {
                Ok(store) => Ok(Ok(store)),
                Err(refusal @ ConnectError::Connected) => Ok(Err(refusal)),
                Err(ConnectError::Database(error)) => Err(error),
            }
        })
        .await?;
    match connected {
        Ok(store) => {
            page.done(format!(
                "{} is connected. Now make the webhooks in Shopify, as described below.",
                store.name
            ))?;
            Ok(see_other(HERE))
        }
        Err(refusal) => {
            let errors = FormErrors::one("address", refusal.to_string());
            rejected(&shop.page(page, form, errors).await?)
        }
    }
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
    let (merchant_id, store_id) = (page.merchant_id(), *store_id);
    let store =
        db.merchant(merchant_id, move |conn| find_connected(conn, merchant_id, store_id)).await?;
    ok(&SecretPage { page, store, errors: FormErrors::new() })
}

/// `POST /settings/shopify/{store_id}/secret`
pub async fn replace_secret(
    db: Data<Db>,
    sealer: Data<Sealer>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<SecretForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    let secret = parse_secret("new_secret", &form.new_secret, &mut errors);
    let (actor, store_id) = (page.actor(), *store_id);
    let (store, replaced) = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store = find_connected(conn, actor.merchant_id, store_id)?;
            if let Some(secret) = &secret {
                stores::replace_secret(conn, &actor, &sealer, &store, secret)?;
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

fn parse_secret(field: &str, typed: &str, errors: &mut FormErrors) -> Option<WebhookSecret> {
    let parsed = WebhookSecret::parse(typed);
    parsed.map_err(|refusal| errors.add(field, refusal.to_string())).ok()
}

fn find_connected(conn: &mut PgConnection, merchant_id: i64, store_id: i64) -> QueryResult<Store> {
    let store = Store::find(conn, merchant_id, store_id)?;
    if store.is_connected() { Ok(store) } else { Err(diesel::result::Error::NotFound) }
}

/// `POST /settings/shopify/{store_id}/previous-secret/removal`
pub async fn remove_previous_secret(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<NoFields>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    db.merchant(page.merchant_id(), move |conn| {
        let store = find_connected(conn, actor.merchant_id, store_id)?;
        stores::remove_previous_secret(conn, &actor, &store)
    })
    .await?;
    page.done("The previous secret is no longer accepted.")?;
    Ok(see_other(HERE))
}

/// `POST /settings/shopify/{store_id}/disconnection`
pub async fn disconnect(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    _form: CsrfForm<NoFields>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let store = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<Store> {
            let store = find_connected(conn, actor.merchant_id, store_id)?;
            stores::disconnect(conn, &actor, &store)?;
            Ok(store)
        })
        .await?;
    page.done(format!("{} is disconnected. Its orders and their credits stay.", store.name))?;
    Ok(see_other(HERE))
}
