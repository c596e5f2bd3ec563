use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_platforms::settings::PlatformText;

use super::record;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::stores::{self, ReturnRules, Store};
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::platform_path::OfStore;
use crate::kit::web::version::{Edits, Labeled, Version, chosen};
use crate::kit::web::{ok, rejected, see_other};

/// The maximum of earlier rules on the page.
const SHOWN: usize = 20;
const CHOICES: [(&str, &str); 2] =
    [("follow", text::REVERSE_COMMISSION), ("keep", text::KEEP_COMMISSION)];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CancellationsForm {
    cancelled: String,
    refunded: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    version: Version,
}

impl CancellationsForm {
    fn of(history: &[(DateTime<Utc>, ReturnRules)]) -> Self {
        let rules = history.first().map(|(_, rules)| *rules).unwrap_or_default();
        let form = Self {
            cancelled: word(rules.keeps_cancelled),
            refunded: word(rules.keeps_refunded),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }
}

impl Edits for CancellationsForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![
            (
                "When an order is canceled or its payment is voided",
                chosen(CHOICES, &self.cancelled),
            ),
            ("When an order is fully or partly refunded", chosen(CHOICES, &self.refunded)),
        ])
    }
}

#[derive(Template)]
#[template(path = "settings/stores/cancellations.html")]
struct CancellationsPage {
    page: MerchantPage,
    words: &'static PlatformText,
    store: Store,
    history: Vec<(DateTime<Utc>, ReturnRules)>,
    form: CancellationsForm,
    errors: FormErrors,
}

impl CancellationsPage {
    fn since(&self, from: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*from, self.page.merchant().calendar())
    }

    fn action(&self) -> String {
        urls::of_store(self.store.platform, self.store.id, "cancellations")
    }

    fn back(&self) -> String {
        self.store.settings_url()
    }
}

fn word(keeps: bool) -> String {
    if keeps { "keep" } else { "follow" }.to_owned()
}

/// `GET /settings/{platform}/{store_id}/cancellations`
pub(crate) async fn cancellations(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let (store, history) = read(&db, &page, of).await?;
    let words = of.provider.settings().words();
    let form = CancellationsForm::of(&history);
    ok(&CancellationsPage { page, words, store, history, form, errors: FormErrors::new() })
}

/// `POST /settings/{platform}/{store_id}/cancellations`
pub(crate) async fn set_cancellations(
    of: OfStore,
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<CancellationsForm>,
) -> AppResult<HttpResponse> {
    let (store, history) = read(&db, &page, of).await?;
    let words = of.provider.settings().words();
    let mut errors = FormErrors::new();
    for (field, typed) in [("cancelled", &form.cancelled), ("refunded", &form.refunded)] {
        if CHOICES.iter().all(|(word, _)| word != typed) {
            errors.add(field, text::CHOOSE_COMMISSION);
        }
    }
    if !errors.is_empty() {
        return rejected(&CancellationsPage { page, words, store, history, form, errors });
    }
    let rules = ReturnRules {
        keeps_cancelled: form.cancelled == "keep",
        keeps_refunded: form.refunded == "keep",
    };
    let (actor, back) = (page.actor(), store.settings_url());
    db.merchant(page.merchant_id(), move |conn| {
        let record = record(&store, "store.return_rules_changed");
        form.check_version(conn, record, |conn| {
            Ok(CancellationsForm::of(&stores::return_rules_history(conn, &store, 1)?))
        })?;
        AppResult::Ok(stores::change_return_rules(conn, &actor, &store, rules)?)
    })
    .await?;
    page.done(text::CANCELLATIONS_SAVED)?;
    Ok(see_other(&back))
}

/// The store and its rules, newest first. Fails with `NotFound` if the platform has no such rules.
async fn read(
    db: &Db,
    page: &MerchantPage,
    of: OfStore,
) -> AppResult<(Store, Vec<(DateTime<Utc>, ReturnRules)>)> {
    if !of.provider.settings().features().has_return_rules {
        return Err(AppError::NotFound);
    }
    let (merchant_id, platform) = (page.merchant_id(), of.provider.platform());
    db.merchant(merchant_id, move |conn| -> QueryResult<_> {
        let store = Store::find_connected(conn, merchant_id, platform, of.store_id)?;
        let history = stores::return_rules_history(conn, &store, SHOWN)?;
        Ok((store, history))
    })
    .await
}
