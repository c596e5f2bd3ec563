use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::platform::Platform;

use super::HERE;
use crate::features::auth::pages::MerchantPage;
use crate::features::settings::connected;
use crate::features::stores::{self, ReturnRules, Store};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits, Labeled, Version, chosen};
use crate::kit::web::{ok, rejected, see_other};

/// How many earlier rules the page shows.
const SHOWN: usize = 20;
const CHOICES: [(&str, &str); 2] = [
    ("follow", "Commission follows: what the shopper gets back earns nothing"),
    ("keep", "Commission stays as it was: we decide by hand"),
];

/// What was chosen.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CancellationsForm {
    cancelled: String,
    refunded: String,
    /// What the form showed.
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
                "When an order is cancelled or its payment is voided",
                chosen(CHOICES, &self.cancelled),
            ),
            ("When an order or a part of it is refunded", chosen(CHOICES, &self.refunded)),
        ])
    }
}

#[derive(Template)]
#[template(path = "settings/shopify_cancellations.html")]
struct CancellationsPage {
    page: MerchantPage,
    store: Store,
    history: Vec<(DateTime<Utc>, ReturnRules)>,
    form: CancellationsForm,
    errors: FormErrors,
}

impl CancellationsPage {
    fn since(&self, from: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*from, self.page.merchant().tz())
    }
}

fn word(keeps: bool) -> String {
    if keeps { "keep" } else { "follow" }.to_owned()
}

/// `GET /settings/shopify/{store_id}/cancellations`
pub async fn cancellations(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (store, history) = read(&db, &page, *store_id).await?;
    let form = CancellationsForm::of(&history);
    ok(&CancellationsPage { page, store, history, form, errors: FormErrors::new() })
}

/// `POST /settings/shopify/{store_id}/cancellations`
pub async fn set_cancellations(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<CancellationsForm>,
) -> AppResult<HttpResponse> {
    let (store, history) = read(&db, &page, *store_id).await?;
    let mut errors = FormErrors::new();
    for (field, typed) in [("cancelled", &form.cancelled), ("refunded", &form.refunded)] {
        if CHOICES.iter().all(|(word, _)| word != typed) {
            errors.add(field, "Choose what happens to commission.");
        }
    }
    if !errors.is_empty() {
        return rejected(&CancellationsPage { page, store, history, form, errors });
    }
    let rules = ReturnRules {
        keeps_cancelled: form.cancelled == "keep",
        keeps_refunded: form.refunded == "keep",
    };
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| {
        let record = connected::record(&store, "store.return_rules_changed");
        form.check_version(conn, record, |conn| {
            Ok(CancellationsForm::of(&stores::return_rules_history(conn, &store, 1)?))
        })?;
        AppResult::Ok(stores::change_return_rules(conn, &actor, &store, rules)?)
    })
    .await?;
    page.done("Saved. The rules hold for orders placed from now on.")?;
    Ok(see_other(HERE))
}

async fn read(
    db: &Db,
    page: &MerchantPage,
    store_id: i64,
) -> AppResult<(Store, Vec<(DateTime<Utc>, ReturnRules)>)> {
    let merchant_id = page.merchant_id();
    db.merchant(merchant_id, move |conn| -> QueryResult<_> {
        let store = Store::find_connected(conn, merchant_id, Platform::Shopify, store_id)?;
        let history = stores::return_rules_history(conn, &store, SHOWN)?;
        Ok((store, history))
    })
    .await
}
