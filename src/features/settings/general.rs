use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::TextEnum;
use vouch_core::calendar::DateFormat;

use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::merchants::{self, choices};
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits, Labeled, Record, Version, chosen};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GeneralForm {
    name: String,
    time_zone: String,
    /// Unchanged if it's missing.
    date_format: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    version: Version,
}

impl GeneralForm {
    fn of(name: String, time_zone: String, date_format: DateFormat) -> Self {
        let date_format = date_format.as_str().to_owned();
        let form = Self { name, time_zone, date_format, version: Version::default() };
        Self { version: Version::of(&form), ..form }
    }
}

impl Edits for GeneralForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let zone = chosen(choices::time_zones(), &self.time_zone);
        let dates = DateFormat::parse(&self.date_format).map(DateFormat::label);
        Ok(vec![
            ("Program name", self.name.clone()),
            ("Time zone", zone),
            ("Date format", dates.unwrap_or_default().to_owned()),
        ])
    }
}

#[derive(Template)]
#[template(path = "settings/general.html")]
struct GeneralPage {
    page: MerchantPage,
    /// The code and name.
    currency: String,
    form: GeneralForm,
    errors: FormErrors,
}

impl GeneralPage {
    fn new(page: MerchantPage, form: GeneralForm, errors: FormErrors) -> Self {
        let merchant = page.merchant();
        Self { currency: choices::in_words(merchant.currency), form, errors, page }
    }
}

/// `GET /settings/general`
pub(crate) async fn show(page: MerchantPage) -> AppResult<HttpResponse> {
    let merchant = page.merchant();
    let form =
        GeneralForm::of(merchant.name.clone(), merchant.time_zone.clone(), merchant.date_format);
    ok(&GeneralPage::new(page, form, FormErrors::new()))
}

/// `POST /settings/general`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<GeneralForm>,
) -> AppResult<HttpResponse> {
    let mut errors = FormErrors::new();
    errors.check_changed_name("name", &form.name, &page.merchant().name, text::ENTER_PROGRAM_NAME);
    let time_zone = choices::time_zone(&mut errors, "time_zone", &form.time_zone);
    let dates = date_format(&mut errors, &form.date_format, page.merchant().date_format);
    let Some(time_zone) = time_zone.filter(|_| errors.is_empty()) else {
        return rejected(&GeneralPage::new(page, form, errors));
    };
    let (actor, merchant) = (page.actor(), page.merchant().clone());
    db.merchant(page.merchant_id(), move |conn| {
        let record = Record {
            merchant_id: merchant.id,
            kind: SubjectKind::Merchant,
            id: Some(merchant.id),
            action: Some("merchant.changed"),
        };
        form.check_version(conn, record, |conn| {
            let (name, time_zone, dates) = merchants::general(conn, merchant.id)?;
            Ok(GeneralForm::of(name, time_zone, dates))
        })?;
        AppResult::Ok(merchants::rename(conn, &actor, &merchant, &form.name, (time_zone, dates))?)
    })
    .await?;
    page.done(text::GENERAL_SAVED)?;
    Ok(see_other("/settings/general"))
}

fn date_format(errors: &mut FormErrors, typed: &str, current: DateFormat) -> DateFormat {
    if typed.is_empty() {
        return current;
    }
    DateFormat::parse(typed).unwrap_or_else(|| {
        errors.add("date_format", text::CHOOSE_DATE_FORMAT);
        current
    })
}
