use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde::Deserialize;

use crate::credit::{Precedence, Rules};
use crate::db::Db;
use crate::error::AppResult;
use crate::merchants::{DatedRules, change_rules, rules_history};
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::MerchantPage;
use crate::web::when::When;
use crate::web::{ok, rejected, see_other};

/// How many earlier rules the page shows.
const SHOWN: i64 = 20;

/// What was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CalculationForm {
    precedence: String,
    include_tax: bool,
    include_shipping: bool,
}

#[derive(Template)]
#[template(path = "settings/calculation.html")]
struct CalculationPage {
    page: MerchantPage,
    history: Vec<DatedRules>,
    form: CalculationForm,
    errors: FormErrors,
}

impl CalculationPage {
    fn precedences() -> impl Iterator<Item = (&'static str, &'static str)> {
        Precedence::ALL.iter().map(|rule| (rule.as_str(), rule.label()))
    }

    /// `None` for the rules a program begins with.
    fn since(&self, dated: &DatedRules) -> Option<When> {
        (dated.valid_from > DateTime::<Utc>::UNIX_EPOCH)
            .then(|| When::new(dated.valid_from, self.page.merchant().tz()))
    }
}

/// `GET /settings/calculation`
pub async fn show(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    let history = history(&db, &page).await?;
    let Rules { precedence, include_tax, include_shipping, .. } =
        history.first().map(|dated| dated.rules).unwrap_or_default();
    let form =
        CalculationForm { precedence: precedence.as_str().into(), include_tax, include_shipping };
    ok(&CalculationPage { page, history, form, errors: FormErrors::new() })
}

/// `POST /settings/calculation`
pub async fn update(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<CalculationForm>,
) -> AppResult<HttpResponse> {
    let Some(precedence) = Precedence::parse(&form.precedence) else {
        let errors = FormErrors::one("precedence", "Choose which code wins.");
        let history = history(&db, &page).await?;
        return rejected(&CalculationPage { page, history, form, errors });
    };
    let rules = Rules {
        precedence,
        include_tax: form.include_tax,
        include_shipping: form.include_shipping,
        ..Rules::default()
    };
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| change_rules(conn, &actor, rules)).await?;
    page.done("Saved. The rules hold for orders placed from now on.")?;
    Ok(see_other("/settings/calculation"))
}

async fn history(db: &Db, page: &MerchantPage) -> AppResult<Vec<DatedRules>> {
    let merchant_id = page.merchant_id();
    db.merchant(merchant_id, move |conn| -> QueryResult<_> {
        rules_history(conn, merchant_id, SHOWN)
    })
    .await
}
