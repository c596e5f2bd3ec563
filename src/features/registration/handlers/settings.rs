use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::QueryResult;

use super::join::Apply;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers;
use crate::features::registration::forms::{APPROVALS, DEFAULT_OFFER, SettingsForm};
use crate::features::registration::settings::{
    CodeRequirement, FieldKind, Registration, load, save,
};
use crate::features::registration::text;
use crate::kit::audit::SubjectKind;
use crate::kit::config::Config;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "registration/show.html")]
struct RegistrationPage {
    page: MerchantPage,
    /// The full public URL.
    address: String,
    /// Whether the saved settings accept applications now.
    is_open: bool,
    offers: Vec<(String, String)>,
    form: SettingsForm,
    errors: FormErrors,
    /// A preview of the application form, with the unsaved settings.
    apply: Apply,
}

impl RegistrationPage {
    fn new(
        page: MerchantPage,
        config: &Config,
        saved: &Registration,
        offers: Vec<(String, String)>,
        form: SettingsForm,
    ) -> Self {
        let merchant = page.merchant();
        let address = format!("{}{}", config.public_url, urls::join(&merchant.slug));
        let apply = Apply::blank(&merchant.name, &merchant.slug, form.lenient());
        let errors = FormErrors::new();
        Self { page, address, is_open: saved.is_open, offers, form, errors, apply }
    }

    fn code_requirements() -> impl Iterator<Item = (&'static str, &'static str)> {
        CodeRequirement::ALL.iter().map(|requirement| (requirement.as_str(), requirement.label()))
    }

    fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
        FieldKind::ALL.iter().map(|kind| (kind.as_str(), kind.label()))
    }
}

async fn read(db: &Db, merchant_id: i64) -> AppResult<(Registration, Vec<(String, String)>)> {
    db.merchant(merchant_id, move |conn| {
        let saved = load(conn, merchant_id)?.unwrap_or_default();
        QueryResult::Ok((saved, offers::options(conn, merchant_id)?))
    })
    .await
}

/// `GET /registration`
pub(crate) async fn show(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
) -> AppResult<HttpResponse> {
    let (saved, offers) = read(&db, page.merchant_id()).await?;
    let form = SettingsForm::of(&saved);
    ok(&RegistrationPage::new(page, &config, &saved, offers, form))
}

/// `POST /registration`
pub(crate) async fn update(
    db: Data<Db>,
    config: Data<Config>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<SettingsForm>,
) -> AppResult<HttpResponse> {
    let (saved, offers) = read(&db, page.merchant_id()).await?;
    let read = form.read(&offers);
    let is_preview = !form.preview.is_empty();
    let mut shown = RegistrationPage::new(page, &config, &saved, offers, form);
    if is_preview {
        return ok(&shown);
    }
    let new = match read {
        Ok(new) => new,
        Err(errors) => {
            shown.errors = errors;
            return rejected(&shown);
        }
    };
    let (page, form) = (shown.page, shown.form);
    let actor = page.actor();
    let words = match (saved.is_open, new.is_open) {
        (false, true) => text::OPENED,
        (true, false) => text::CLOSED,
        _ => text::SAVED,
    };
    db.merchant(actor.merchant_id, move |conn| {
        let (kind, action) = (SubjectKind::Registration, Some("registration.changed"));
        let record = Record { merchant_id: actor.merchant_id, kind, id: None, action };
        form.check_version(conn, record, |conn| {
            Ok(SettingsForm::of(&load(conn, actor.merchant_id)?.unwrap_or_default()))
        })?;
        AppResult::Ok(save(conn, &actor, &new)?)
    })
    .await?;
    page.done(words)?;
    Ok(see_other(&urls::registration()))
}
