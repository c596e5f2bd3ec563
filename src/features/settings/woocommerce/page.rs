use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use vouch_core::platform::Platform;
use vouch_platforms::woocommerce::{Credentials, Rules, TOPICS};

use super::credentials::KeyForm;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{Store, Traffic};
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::display_time::{self, DisplayTime};
use crate::kit::web::form::FormErrors;
use crate::kit::web::paginate::count_label;

/// A connected store, as the page shows it.
pub(super) struct StoreView {
    pub store: Store,
    traffic: Traffic,
    webhook_url: String,
    /// `Set on 3 Mar 2026, ends in 9f2c`
    key: String,
    secret: String,
    rules: Option<String>,
    catch_ups_url: String,
}

#[derive(Template)]
#[template(path = "settings/woocommerce.html")]
pub(super) struct WoocommercePage {
    page: MerchantPage,
    stores: Vec<StoreView>,
    form: KeyForm,
    errors: FormErrors,
}

impl WoocommercePage {
    fn failed(view: &StoreView) -> String {
        count_label(view.traffic.failed)
    }

    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().tz())
    }
}

/// What the handlers of this page share.
#[derive(Clone)]
pub(super) struct Shop {
    pub db: Data<Db>,
    pub config: Data<Config>,
    pub encryptor: Data<Encryptor>,
}

impl Shop {
    /// The page as it stands, with the form that connects a store.
    pub async fn page(
        &self,
        page: MerchantPage,
        form: KeyForm,
        errors: FormErrors,
    ) -> AppResult<WoocommercePage> {
        let merchant_id = page.merchant_id();
        let stores = self
            .db
            .merchant(merchant_id, move |conn| -> QueryResult<Vec<(Store, Traffic)>> {
                let stores = Store::connected(conn, merchant_id, Platform::Woocommerce)?;
                let with_traffic = |store: Store| Ok((store.clone(), Traffic::of(conn, &store)?));
                stores.into_iter().map(with_traffic).collect()
            })
            .await?;
        let tz = page.merchant().tz();
        let stores = stores.into_iter().map(|(store, traffic)| self.view(store, traffic, tz));
        Ok(WoocommercePage { stores: stores.collect(), page, form, errors })
    }

    fn view(&self, store: Store, traffic: Traffic, tz: chrono_tz::Tz) -> StoreView {
        let key = store.credentials(&self.encryptor).ok().flatten().and_then(|opened| {
            use secrecy::ExposeSecret;
            Some(Credentials::from_json(opened.expose_secret())?.ending())
        });
        let rules = store.discount_rules.as_ref().and_then(Rules::from_json);
        StoreView {
            webhook_url: store.webhook_url(&self.config.public_url),
            key: set_on(store.credentials_set_at, key, tz),
            secret: set_on(store.webhook_secret_set_at, store.secret_ending(&self.encryptor), tz),
            rules: rules.map(|rules| rules.sentence()),
            catch_ups_url: urls::backfills(store.id),
            traffic,
            store,
        }
    }
}

fn set_on(at: Option<DateTime<Utc>>, ending: Option<String>, tz: chrono_tz::Tz) -> String {
    let Some(at) = at else { return "Not set".to_owned() };
    let day = display_time::day(display_time::day_of(at, tz));
    match ending {
        Some(ending) => format!("Set on {day}, ends in {ending}"),
        None => format!("Set on {day}, but it does not open with this installation’s key"),
    }
}
