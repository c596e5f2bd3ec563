use actix_web::web::Data;
use askama::Template;
use diesel::QueryResult;
use secrecy::ExposeSecret;
use vouch_core::platform::Platform;
use vouch_platforms::shopify::{Credentials, Rules, TOPICS};

use super::credentials::ConnectForm;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{ReturnRules, Store, Traffic, return_rules_history};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::web::display_time::{self, DisplayTime};
use crate::kit::web::form::FormErrors;
use crate::kit::web::paginate::count_label;

/// A store with what is known of it.
type Read = (Store, Traffic, ReturnRules);

/// A connected store, as the page shows it.
pub(super) struct StoreView {
    store: Store,
    traffic: Traffic,
    webhook_url: String,
    /// `Set on 3 Mar 2026, ends in 9f2c`; `None` when there is no secret.
    secret: Option<String>,
    /// `Client ID and secret, set on 3 Mar 2026, ends in 9f2c`
    credentials: Option<String>,
    /// What a shopper gets, where codes are created.
    gets: Option<String>,
    /// What a cancellation or a refund does to commission.
    returns: &'static str,
}

#[derive(Template)]
#[template(path = "settings/shopify.html")]
pub(super) struct ShopifyPage {
    page: MerchantPage,
    stores: Vec<StoreView>,
    form: ConnectForm,
    errors: FormErrors,
}

impl ShopifyPage {
    fn failed(view: &StoreView) -> String {
        count_label(view.traffic.failed)
    }

    fn last_delivery(&self, view: &StoreView) -> Option<DisplayTime> {
        view.traffic.last.map(|at| DisplayTime::new(at, self.page.merchant().tz()))
    }

    fn webhooks_checked(&self, view: &StoreView) -> Option<DisplayTime> {
        view.store.webhooks_checked_at.map(|at| DisplayTime::new(at, self.page.merchant().tz()))
    }

    fn orders_read(&self, view: &StoreView) -> Option<DisplayTime> {
        view.store.orders_read_until.map(|at| DisplayTime::new(at, self.page.merchant().tz()))
    }
}

/// What the handlers of this page share.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) db: Data<Db>,
    pub(super) config: Data<Config>,
    pub(super) encryptor: Data<Encryptor>,
}

impl Shop {
    /// The page as it stands, with the form that connects a store.
    pub(super) async fn page(
        &self,
        page: MerchantPage,
        form: ConnectForm,
        errors: FormErrors,
    ) -> AppResult<ShopifyPage> {
        let merchant_id = page.merchant_id();
        let stores = self
            .db
            .merchant(merchant_id, move |conn| -> QueryResult<Vec<Read>> {
                let stores = Store::connected(conn, merchant_id, Platform::Shopify)?;
                let with_all = |store: Store| {
                    let traffic = Traffic::of(conn, &store)?;
                    let rules = return_rules_history(conn, &store, 1)?.first().map(|(_, r)| *r);
                    Ok((store, traffic, rules.unwrap_or_default()))
                };
                stores.into_iter().map(with_all).collect()
            })
            .await?;
        let tz = page.merchant().tz();
        let view = |(store, traffic, rules): Read| StoreView {
            returns: returns_in_words(rules),
            webhook_url: store.webhook_url(&self.config.public_url),
            secret: self.secret_in_words(&store, tz),
            credentials: credentials_in_words(&self.encryptor, &store, tz),
            gets: gets(&store),
            traffic,
            store,
        };
        let stores = stores.into_iter().map(view).collect();
        Ok(ShopifyPage { page, stores, form, errors })
    }

    fn secret_in_words(&self, store: &Store, tz: chrono_tz::Tz) -> Option<String> {
        let set_on = format!(
            "Set on {}",
            display_time::day(display_time::day_of(store.webhook_secret_set_at?, tz))
        );
        Some(match store.secret_ending(&self.encryptor) {
            Some(ending) => format!("{set_on}, ends in {ending}"),
            None => format!(
                "{set_on}, but it does not open with this installation’s key: paste it again."
            ),
        })
    }
}

fn returns_in_words(rules: ReturnRules) -> &'static str {
    match (rules.keeps_cancelled, rules.keeps_refunded) {
        (false, false) => "Commission follows when an order is cancelled or refunded.",
        (true, true) => "Commission stays when an order is cancelled or refunded.",
        (true, false) => "Commission stays when an order is cancelled, and follows refunds.",
        (false, true) => "Commission follows when an order is cancelled, and stays at refunds.",
    }
}

fn gets(store: &Store) -> Option<String> {
    let rules = store.discount_rules.as_ref().filter(|_| store.creates_codes)?;
    Some(Rules::from_json(rules)?.sentence())
}

/// Which credentials a store is called with, without what is secret in them.
pub(super) fn credentials_in_words(
    encryptor: &Encryptor,
    store: &Store,
    tz: chrono_tz::Tz,
) -> Option<String> {
    let set_on = display_time::day(display_time::day_of(store.credentials_set_at?, tz));
    let opened = store.credentials(encryptor).ok().flatten();
    let opened = opened.and_then(|json| Credentials::from_json(json.expose_secret()));
    Some(match opened {
        Some(credentials) => {
            let kind = match credentials {
                Credentials::Token(_) => "Access token",
                Credentials::Client { .. } => "Client ID and secret",
            };
            format!("{kind}, set on {set_on}, ends in {}", credentials.ending())
        }
        None => format!(
            "Set on {set_on}, but it does not open with this installation’s key: enter it again."
        ),
    })
}
