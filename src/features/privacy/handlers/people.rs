use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, block};
use askama::Template;
use diesel::Connection;
use diesel::PgConnection;
use diesel::QueryResult;
use diesel::result::Error;

use super::settings::PrivacyPage;
use crate::features::auth::pages::MerchantPage;
use crate::features::privacy::emails::sent_emails;
use crate::features::privacy::erase::{self, Erased, ErasureError, erase_person};
use crate::features::privacy::export::{self};
use crate::features::privacy::forms::PersonForm;
use crate::features::privacy::person::{DataSubject, Lookup};
use crate::features::privacy::requests::DataRequest;
use crate::features::privacy::text;
use crate::kit::audit::Actor;
use crate::kit::db::{Db, Scope, WorkKind};
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

/// The file name of an export, without an email.
const FILE: &str = "person.json";

/// One person, with a preview of their erasure.
#[derive(Template)]
#[template(path = "privacy/person.html")]
struct DataSubjectPage {
    page: MerchantPage,
    person: DataSubject,
    /// `None` if they can't be erased.
    preview: Option<Erased>,
    refused: Option<ErasureError>,
    form: PersonForm,
    errors: FormErrors,
}

impl DataSubjectPage {
    fn addresses(&self) -> String {
        self.person.spellings.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn names(&self) -> String {
        self.person.names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn affiliate_url(&self, id: &i64) -> String {
        urls::affiliate_conversions(*id)
    }
}

/// Previews an erasure by running it and rolling it back.
fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    pseudonyms: &Pseudonyms,
    lookup: &Lookup,
) -> QueryResult<(DataSubject, Result<Erased, ErasureError>)> {
    let person = DataSubject::find(conn, actor.merchant_id, lookup)?;
    let mut outcome = None;
    let undone = conn.transaction(|conn| {
        outcome = Some(erase::erase(conn, actor, pseudonyms, lookup));
        Err::<(), _>(Error::RollbackTransaction)
    });
    match (outcome, undone) {
        (Some(Ok((_, erased))), _) => Ok((person, Ok(erased))),
        (Some(Err(ErasureError::Database(error))), _) => Err(error),
        (Some(Err(refused)), _) => Ok((person, Err(refused))),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::NotFound),
    }
}

/// The data request in the form; `None` if it contains an email.
async fn request_of(
    db: &Db,
    page: &MerchantPage,
    form: &PersonForm,
) -> AppResult<Option<DataRequest>> {
    let merchant_id = page.merchant_id();
    let Some(id) = form.request_id() else { return Ok(None) };
    db.merchant(merchant_id, move |conn| DataRequest::find(conn, merchant_id, id)).await.map(Some)
}

/// The page of the person in the form, with `errors` on the erasure form.
async fn shown(
    db: &Db,
    encryptor: &Encryptor,
    page: MerchantPage,
    form: PersonForm,
    errors: FormErrors,
) -> AppResult<HttpResponse> {
    let request = request_of(db, &page, &form).await?;
    let lookup = match form.lookup(request.as_ref()) {
        Ok(lookup) => lookup,
        Err(errors) => {
            return rejected(&PrivacyPage::load(db, page).await?.with_person(form, errors));
        }
    };
    let email = request.map_or(form.email.clone(), |request| request.email);
    let form = PersonForm { email, ..form };
    let (actor, pseudonyms) = (page.actor(), Pseudonyms::new(encryptor));
    let (person, outcome) = db
        .run_as(WorkKind::Job, Scope::Merchant(page.merchant_id()), move |conn| {
            preview(conn, &actor, &pseudonyms, &lookup)
        })
        .await?;
    if person.is_unknown() {
        return ok(&PrivacyPage::load(db, page).await?.unknown(form));
    }
    let (preview, refused) = match outcome {
        Ok(erased) => (Some(erased), None),
        Err(refused) => (None, Some(refused)),
    };
    let is_rejected = !errors.is_empty();
    let page = DataSubjectPage { page, person, preview, refused, form, errors };
    if is_rejected { rejected(&page) } else { ok(&page) }
}

/// `POST /settings/privacy/people`: a form, so that no email becomes part of a URL.
pub(crate) async fn search(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<PersonForm>,
) -> AppResult<HttpResponse> {
    shown(&db, &encryptor, page, form, FormErrors::new()).await
}

/// `POST /settings/privacy/exports`: all stored data about the person, as a file.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<PersonForm>,
) -> AppResult<HttpResponse> {
    let request = request_of(&db, &page, &form).await?;
    let lookup = match form.lookup(request.as_ref()) {
        Ok(lookup) => lookup,
        Err(errors) => {
            return rejected(&PrivacyPage::load(&db, page).await?.with_person(form, errors));
        }
    };
    let actor = page.actor();
    let (person, mut file) = db
        .run_as(WorkKind::Job, Scope::Merchant(page.merchant_id()), move |conn| {
            export::export(conn, &actor, &lookup)
        })
        .await?;
    let merchant_id = page.merchant_id();
    let emails =
        db.run(Scope::Instance, move |conn| sent_emails(conn, merchant_id, &person)).await?;
    file.insert("emails_sent".to_owned(), emails);
    security::note(Kind::ExportDownloaded.about("file", FILE));
    let text =
        serde_json::to_string_pretty(&file).map_err(|error| AppError::Internal(error.into()))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{FILE}\"")))
        .body(text))
}

/// `POST /settings/privacy/erasures`
pub(crate) async fn erase(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<PersonForm>,
) -> AppResult<HttpResponse> {
    if let Err(errors) = form.confirmed() {
        return shown(&db, &encryptor, page, form, errors).await;
    }
    let request = request_of(&db, &page, &form).await?;
    let mut lookup = Lookup::by_email(&form.email);
    lookup.orders = request.and_then(|request| request.lookup().orders);
    let (actor, pseudonyms, in_db) = (page.actor(), Pseudonyms::new(&encryptor), db.clone());
    let outcome = block(move || erase_person(&in_db, &actor, &pseudonyms, &lookup))
        .await
        .map_err(|_| AppError::Unavailable)??;
    match outcome {
        Ok(erased) if erased.is_nothing() => page.done(text::NO_DATA)?,
        Ok(_) => {
            security::note(Kind::PersonErased);
            page.done("Person erased.")?;
        }
        Err(refused) => {
            let errors = FormErrors::one("confirmation", refused.to_string());
            return shown(&db, &encryptor, page, form, errors).await;
        }
    }
    Ok(see_other(&urls::privacy()))
}
