use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::TextEnum;
use vouch_core::calendar::DateFormat;

use super::text;
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::merchants::{GeneralSettings, choices};
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
    /// Unchanged if it's missing. The version of a form without it is the one of before it existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_email: Option<String>,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    version: Version,
}

impl GeneralForm {
    fn of(stored: GeneralSettings) -> Self {
        let form = Self {
            name: stored.name,
            time_zone: stored.time_zone,
            date_format: stored.date_format.as_str().to_owned(),
            contact_email: Some(stored.contact_email).filter(|email| !email.is_empty()),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }

    /// The email in the field.
    fn contact(&self) -> &str {
        self.contact_email.as_deref().unwrap_or_default()
    }

    /// Checks what was typed.
    fn read(&self, current: &Merchant) -> Result<GeneralSettings, FormErrors> {
        let mut errors = FormErrors::new();
        errors.check_changed_name("name", &self.name, &current.name, text::ENTER_PROGRAM_NAME);
        let time_zone = choices::time_zone(&mut errors, "time_zone", &self.time_zone);
        let date_format = date_format(&mut errors, &self.date_format, current.date_format);
        let contact_email = self.contact().trim().to_owned();
        if !contact_email.is_empty() {
            errors.check_email("contact_email", &contact_email);
        }
        let time_zone = time_zone.map_or_else(String::new, |zone| zone.name().to_owned());
        let name = self.name.trim().to_owned();
        errors.into_result()?;
        Ok(GeneralSettings { name, time_zone, date_format, contact_email })
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
            ("Contact email", self.contact().to_owned()),
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
    let form = GeneralForm::of(GeneralSettings::of(merchant));
    ok(&GeneralPage::new(page, form, FormErrors::new()))
}

/// `POST /settings/general`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(mut form): CsrfForm<GeneralForm>,
) -> AppResult<HttpResponse> {
    let unchanged = || page.merchant().contact_email.clone();
    form.contact_email.get_or_insert_with(unchanged);
    let new = match form.read(page.merchant()) {
        Ok(new) => new,
        Err(errors) => return rejected(&GeneralPage::new(page, form, errors)),
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
            Ok(GeneralForm::of(GeneralSettings::find(conn, merchant.id)?))
        })?;
        AppResult::Ok(new.save(conn, &actor, &GeneralSettings::of(&merchant))?)
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
