use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};
use secrecy::ExposeSecret;
use vouch_core::calendar::Calendar;
use vouch_core::platform::Platform;
use vouch_platforms::form::{FormPart, Typed};
use vouch_platforms::settings::{Features, PlatformText};
use vouch_platforms::{Provider, Reason};

use super::discounts_form::DiscountsView;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{
    ReturnRules, Store, Traffic, jobs, return_rules_history, rules_in_words,
};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::jobs::last_problem;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::FormErrors;

/// A connected store, for templates.
struct StoreView {
    store: Store,
    traffic: Traffic,
    webhook_url: String,
    /// For example `Set on 3 Mar 2026, ends in 9f2c`. `None` if there's no secret.
    secret: Option<String>,
    /// For example `Client ID and secret, set on 3 Mar 2026, ends in 9f2c`.
    credentials: Option<String>,
    /// Why the last attempt to check its webhooks or import its orders failed.
    problem: Option<String>,
    /// The customer's discount, if Vouch creates codes in the store.
    gets: Option<String>,
    /// The effect of cancellations and refunds on commission, if the platform has a choice.
    returns: Option<&'static str>,
    /// The form of the discount rules, if it's on this page.
    discounts: Option<DiscountsView>,
}

impl StoreView {
    fn url(&self, what: &str) -> String {
        urls::of_store(self.store.platform, self.store.id, what)
    }

    /// Whether Vouch reached the store with its credentials.
    fn is_reached(&self) -> bool {
        self.store.access_checked_at.is_some() && self.problem.is_none()
    }

    /// Whether a member has to create the webhooks manually.
    fn needs_webhooks(&self) -> bool {
        !self.store.has_credentials() || self.store.webhooks_problem().is_some()
    }
}

#[derive(Template)]
#[template(path = "settings/stores/index.html")]
pub(super) struct StoresPage {
    page: MerchantPage,
    platform: Platform,
    words: &'static PlatformText,
    features: &'static Features,
    views: Vec<StoreView>,
    /// The platform's other stores, if the page shows one store at a time.
    others: Vec<Store>,
    /// The fields to connect a store.
    parts: Vec<FormPart>,
    typed: Typed,
    errors: FormErrors,
}

impl StoresPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn connect_url(&self) -> String {
        urls::store_settings(self.platform)
    }

    fn new_credentials_url(&self) -> String {
        urls::new_store_credentials(self.platform)
    }
}

/// A store with its traffic, its rules for returns, and why the last call to it failed.
type StoreColumns = (Store, Traffic, ReturnRules, Option<String>);

/// The shared state of this page's handlers.
#[derive(Clone)]
pub(super) struct StorePageState {
    pub(crate) db: Data<Db>,
    pub(crate) config: Data<Config>,
    pub(crate) encryptor: Data<Encryptor>,
}

impl StorePageState {
    /// The page with the current data, and the typed fields to connect a store. `shown` is the ID of the
    /// store to show, if the page shows one at a time.
    pub(super) async fn page(
        &self,
        page: MerchantPage,
        provider: &'static dyn Provider,
        shown: Option<i64>,
        (typed, errors): (Typed, FormErrors),
    ) -> AppResult<StoresPage> {
        let (merchant_id, platform) = (page.merchant_id(), provider.platform());
        let settings = provider.settings();
        let shows_one = settings.features().shows_one_store;
        let (read, others) = self
            .db
            .merchant(merchant_id, move |conn| -> QueryResult<_> {
                let mut stores = Store::connected(conn, merchant_id, platform)?;
                let mut others = Vec::new();
                if shows_one && !stores.is_empty() {
                    let at = stores.iter().position(|store| Some(store.id) == shown);
                    let store = stores.remove(at.unwrap_or(0));
                    others = std::mem::replace(&mut stores, vec![store]);
                }
                let stores = stores.into_iter().map(|store| read(conn, store));
                Ok((stores.collect::<QueryResult<Vec<StoreColumns>>>()?, others))
            })
            .await?;
        let views = read.into_iter().map(|read| self.view(&page, provider, read)).collect();
        Ok(StoresPage {
            platform,
            words: settings.words(),
            features: settings.features(),
            views,
            others,
            parts: settings.connect_form(),
            typed,
            errors,
            page,
        })
    }

    fn view(
        &self,
        page: &MerchantPage,
        provider: &'static dyn Provider,
        (store, traffic, returns, problem): StoreColumns,
    ) -> StoreView {
        let (calendar, features) = (page.merchant().calendar(), provider.settings().features());
        StoreView {
            returns: features.has_return_rules.then(|| text::returns(returns)),
            webhook_url: store.webhook_url(&self.config.public_url),
            secret: self.secret_in_words(&store, calendar),
            credentials: self.credentials_in_words(provider, &store, calendar),
            problem,
            gets: rules_in_words(&store),
            discounts: features
                .shows_discounts
                .then(|| DiscountsView::stored(page, provider, &store)),
            traffic,
            store,
        }
    }

    fn secret_in_words(&self, store: &Store, calendar: Calendar) -> Option<String> {
        let set_on = DisplayTime::day(store.webhook_secret_set_at?, calendar).text;
        let ending = store.secret_ending(&self.encryptor);
        Some(text::secret(&set_on, ending.as_deref()))
    }

    /// A description of the store's credentials, without secret parts.
    fn credentials_in_words(
        &self,
        provider: &dyn Provider,
        store: &Store,
        calendar: Calendar,
    ) -> Option<String> {
        let set_on = DisplayTime::day(store.credentials_set_at?, calendar).text;
        let opened = store.credentials(&self.encryptor).ok().flatten();
        let known =
            opened.and_then(|json| provider.settings().describe_credentials(json.expose_secret()));
        Some(text::credentials(
            &set_on,
            known.as_ref().map(|(kind, ending)| (*kind, ending.as_str())),
        ))
    }
}

fn read(conn: &mut PgConnection, store: Store) -> QueryResult<StoreColumns> {
    let traffic = Traffic::of(conn, &store)?;
    let rules = return_rules_history(conn, &store, 1)?.first().map(|(_, rules)| *rules);
    let mut problem = None;
    for kind in [jobs::CHECK_WEBHOOKS, jobs::IMPORT_ORDERS] {
        if problem.is_none() && store.has_credentials() {
            problem = last_problem::<Reason>(conn, &store.queue(kind))?;
        }
    }
    Ok((store, traffic, rules.unwrap_or_default(), problem))
}
