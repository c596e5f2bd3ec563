use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use diesel::QueryResult;
use serde::Deserialize;

use super::join::ClosedPage;
use super::shown;
use crate::features::applications::Application;
use crate::features::auth::pages::PublicPage;
use crate::features::availability::{self, UnavailableValue};
use crate::features::code_requests::{self, CodeLookup, refusal_text};
use crate::features::registration::RegistrationLimits;
use crate::features::registration::application::{self, Confirmed};
use crate::features::registration::settings::PublicProgram;
use crate::features::registration::text;
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::peer::peer;
use crate::kit::web::{html, ok, rejected, see_other};

/// A code to replace one that's no longer available.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfirmForm {
    code: String,
    instead: String,
}

impl ConfirmForm {
    /// `None` to use the code of the application.
    fn other_code(&self) -> Option<String> {
        let code = availability::requested(&self.instead, &self.code);
        (!code.is_empty()).then(|| code.to_owned())
    }
}

#[derive(Template)]
#[template(path = "join/confirm.html")]
struct ConfirmPage {
    page: PublicPage,
    program: String,
    code_url: String,
    application: Application,
    /// The code isn't available, so the page asks for another.
    asks_again: bool,
    form: ConfirmForm,
    errors: FormErrors,
    checked: CodeLookup,
}

impl ConfirmPage {
    fn new(page: PublicPage, shown: PublicProgram, application: Application) -> Self {
        Self {
            page,
            code_url: urls::join_code(&shown.slug),
            program: shown.name,
            application,
            asks_again: false,
            form: ConfirmForm::default(),
            errors: FormErrors::new(),
            checked: None,
        }
    }

    fn asking_again(self, refused: UnavailableValue, form: ConfirmForm) -> Self {
        let errors = FormErrors::one("code", refusal_text(&refused));
        Self { asks_again: true, form, errors, checked: Some(Err(refused)), ..self }
    }

    /// The value of the code field.
    fn typed(&self) -> String {
        self.form.other_code().or_else(|| self.application.code.clone()).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "join/gone.html")]
struct GonePage {
    page: PublicPage,
    program: String,
    join_url: String,
    is_known: bool,
}

#[derive(Template)]
#[template(path = "join/confirmed.html")]
struct ConfirmedPage {
    page: PublicPage,
    program: String,
    thanks: String,
    approves_automatically: bool,
}

/// `GET /join/{program}/confirmations/{token}`: changes nothing, because email programs open links
/// too.
pub(crate) async fn confirmation(
    db: Data<Db>,
    page: PublicPage,
    path: Path<(String, String)>,
) -> AppResult<HttpResponse> {
    let (program, token) = path.into_inner();
    let shown = shown(&db, &program).await?;
    let (merchant_id, now) = (shown.merchant_id, clock::now());
    let found = db
        .merchant(merchant_id, move |conn| {
            let found = Application::of_link(conn, merchant_id, &token, now)?;
            let Some(application) = found else { return QueryResult::Ok(None) };
            let refused = match &application.code {
                Some(code) => {
                    code_requests::check(conn, merchant_id, code, &application.name, now)?.err()
                }
                None => None,
            };
            Ok(Some((application, refused)))
        })
        .await?;
    match found {
        None => gone(page, shown, false),
        Some(_) if !shown.registration.is_open => {
            ok(&ClosedPage { page, program: shown.name, was_submitted: true })
        }
        Some((application, None)) => ok(&ConfirmPage::new(page, shown, application)),
        Some((application, Some(refused))) => {
            let asking = ConfirmPage::new(page, shown, application);
            ok(&asking.asking_again(refused, ConfirmForm::default()))
        }
    }
}

/// `POST /join/{program}/confirmations/{token}`: confirms the application and reserves its code.
pub(crate) async fn confirm(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: PublicPage,
    path: Path<(String, String)>,
    CsrfForm(form): CsrfForm<ConfirmForm>,
) -> AppResult<HttpResponse> {
    limits.send(peer(&req))?;
    let (program, token) = path.into_inner();
    let shown = shown(&db, &program).await?;
    let (asked, other_code, now) = (shown.clone(), form.other_code(), clock::now());
    let outcome = db
        .merchant(shown.merchant_id, move |conn| {
            application::confirm(conn, &asked, &encryptor, &token, other_code.as_deref(), now)
        })
        .await?;
    match outcome {
        Confirmed::Done { code, is_active } => {
            page.leave(
                FlashKind::Success,
                text::confirmed(&shown.name, code.as_deref(), is_active),
            )?;
            Ok(see_other(&urls::join_confirmed(&shown.slug)))
        }
        Confirmed::CodeGone(application, refused) => {
            rejected(&ConfirmPage::new(page, shown, *application).asking_again(refused, form))
        }
        Confirmed::Known => gone(page, shown, true),
        Confirmed::NoSuchLink => gone(page, shown, false),
        Confirmed::Closed => {
            rejected(&ClosedPage { page, program: shown.name, was_submitted: true })
        }
    }
}

fn gone(page: PublicPage, shown: PublicProgram, is_known: bool) -> AppResult<HttpResponse> {
    let join_url = shown.path();
    html(StatusCode::GONE, &GonePage { page, program: shown.name, join_url, is_known })
}

/// `GET /join/{program}/confirmed`
pub(crate) async fn confirmed(
    db: Data<Db>,
    page: PublicPage,
    program: Path<String>,
) -> AppResult<HttpResponse> {
    let shown = shown(&db, &program).await?;
    let approves_automatically = shown.registration.approves_automatically;
    let (program, thanks) = (shown.name, shown.registration.thanks);
    ok(&ConfirmedPage { page, program, thanks, approves_automatically })
}
