use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;

use crate::features::auth::pages::MerchantPage;
use crate::features::privacy::forms::{PersonForm, RetentionForm};
use crate::features::privacy::requests::{self, DataRequest};
use crate::features::privacy::retention;
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "privacy/index.html")]
pub(super) struct PrivacyPage {
    page: MerchantPage,
    requests: Vec<DataRequest>,
    person: PersonForm,
    person_errors: FormErrors,
    /// Whether the search found no data about the person.
    is_unknown: bool,
    form: RetentionForm,
    errors: FormErrors,
}

impl PrivacyPage {
    /// The page before any input.
    pub(super) async fn load(db: &Db, page: MerchantPage) -> AppResult<Self> {
        let merchant_id = page.merchant_id();
        let (requests, periods) = db
            .merchant(merchant_id, move |conn| {
                let requests = requests::open(conn, merchant_id)?;
                QueryResult::Ok((requests, retention::load(conn, merchant_id)?))
            })
            .await?;
        Ok(Self {
            page,
            requests,
            person: PersonForm::default(),
            person_errors: FormErrors::new(),
            is_unknown: false,
            form: RetentionForm::of(&periods),
            errors: FormErrors::new(),
        })
    }

    pub(super) fn with_person(self, person: PersonForm, person_errors: FormErrors) -> Self {
        Self { person, person_errors, ..self }
    }

    pub(super) fn unknown(self, person: PersonForm) -> Self {
        Self { person, is_unknown: true, ..self }
    }

    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn due(&self, request: &DataRequest) -> DisplayTime {
        DisplayTime::new(request.due_at(), self.page.merchant().calendar())
    }

    fn completion_url(&self, request: &DataRequest) -> String {
        urls::data_request_completion(request.id)
    }
}

/// `GET /settings/privacy`
pub(crate) async fn show(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    ok(&PrivacyPage::load(&db, page).await?)
}

/// `POST /settings/privacy/retention`
pub(crate) async fn set_retention(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<RetentionForm>,
) -> AppResult<HttpResponse> {
    let periods = match form.read() {
        Ok(periods) => periods,
        Err(errors) => {
            let shown = PrivacyPage::load(&db, page).await?;
            return rejected(&PrivacyPage { form, errors, ..shown });
        }
    };
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| {
        let (merchant_id, action) = (actor.merchant_id, Some("retention.changed"));
        let record = Record { merchant_id, kind: SubjectKind::Merchant, id: None, action };
        form.check_version(conn, record, |conn| {
            retention::load(conn, merchant_id).map(|periods| RetentionForm::of(&periods))
        })?;
        AppResult::Ok(retention::save(conn, &actor, periods)?)
    })
    .await?;
    page.done("Retention periods saved.")?;
    Ok(see_other(&urls::privacy()))
}

/// `POST /settings/privacy/data-requests/{data_request_id}/completion`
pub(crate) async fn complete(
    db: Data<Db>,
    page: MerchantPage,
    request_id: Path<i64>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    db.merchant(page.merchant_id(), move |conn| requests::complete(conn, &actor, *request_id))
        .await?;
    page.done("Data request completed.")?;
    Ok(see_other(&urls::privacy()))
}
