use actix_web::web::Data;
use askama::Template;
use diesel::{PgConnection, QueryResult};
use vouch_core::platform::Platform;
use vouch_platforms::bigcommerce::Credentials;

use super::discounts_form::{DiscountsForm, rules_of};
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

/// The store that the tab shows.
pub(super) struct StoreView {
    pub store: Store,
    traffic: Traffic,
    webhook_url: String,
    /// `Set on 3 Mar 2026, ends in 9f2c`
    credentials: String,
}

#[derive(Template)]
#[template(path = "settings/bigcommerce.html")]
pub(super) struct BigcommercePage {
    page: MerchantPage,
    view: Option<StoreView>,
    others: Vec<Store>,
    form: DiscountsForm,
    errors: FormErrors,
}

impl BigcommercePage {
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

    /// Where the preview asks while one types; nowhere for who only looks.
    fn live_url(page: &MerchantPage, view: &StoreView) -> String {
        if page.may_write() {
            urls::discounts(Platform::Bigcommerce, view.store.id)
        } else {
            String::new()
        }
    }

    fn url_of(store: &Store) -> String {
        super::of_store(store.id)
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
    /// The page as it stands for the store of that key, or the first. `typed`: rules that were
    /// refused, with the reasons.
    pub async fn page(
        &self,
        page: MerchantPage,
        store_id: Option<i64>,
        typed: Option<(DiscountsForm, FormErrors)>,
    ) -> AppResult<BigcommercePage> {
        let merchant_id = page.merchant_id();
        let (found, others) =
            self.db.merchant(merchant_id, move |conn| read(conn, merchant_id, store_id)).await?;
        let tz = page.merchant().tz();
        let view = found.map(|(store, traffic)| StoreView {
            webhook_url: store.webhook_url(&self.config.public_url),
            credentials: self.credentials_in_words(&store, tz),
            traffic,
            store,
        });
        let (form, errors) = typed.unwrap_or_else(|| {
            let form = view.as_ref().map_or_else(DiscountsForm::default, |view| {
                DiscountsForm::of(view.store.creates_codes, &rules_of(&view.store))
            });
            (form, FormErrors::new())
        });
        Ok(BigcommercePage { page, view, others, form, errors })
    }

    fn credentials_in_words(&self, store: &Store, tz: chrono_tz::Tz) -> String {
        use secrecy::ExposeSecret;
        let Some(at) = store.credentials_set_at else { return "None yet.".to_owned() };
        let set_on = format!("Set on {}", display_time::day(display_time::day_of(at, tz)));
        let opened = store.credentials(&self.encryptor).ok().flatten();
        match opened.and_then(|json| Credentials::from_json(json.expose_secret())) {
            Some(known) => format!("{set_on}, the access token ends in {}", known.ending()),
            None => format!(
                "{set_on}, but they do not open with this installation’s key: enter them again."
            ),
        }
    }
}

type Found = (Option<(Store, Traffic)>, Vec<Store>);

fn read(conn: &mut PgConnection, merchant_id: i64, store_id: Option<i64>) -> QueryResult<Found> {
    let mut stores = Store::connected(conn, merchant_id, Platform::Bigcommerce)?;
    if stores.is_empty() {
        return Ok((None, stores));
    }
    let at = stores.iter().position(|store| Some(store.id) == store_id).unwrap_or(0);
    let store = stores.remove(at);
    let traffic = Traffic::of(conn, &store)?;
    Ok((Some((store, traffic)), stores))
}
