use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::shown;
use crate::features::auth::pages::PublicPage;
use crate::features::availability::UnavailableValue;
use crate::features::code_requests::{self, CodeLookup, refusal_text};
use crate::features::registration::RegistrationLimits;
use crate::features::registration::application::{self, ApplicationOutcome};
use crate::features::registration::forms::ApplicationForm;
use crate::features::registration::settings::{
    CodeRequirement, CustomField, FieldKind, PublicProgram, Registration,
};
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::email::email_key;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::peer::peer;
use crate::kit::web::{ok, rejected, see_other};

/// The application form on a page, as `templates/join/_fields.html` shows it.
pub(crate) struct Apply {
    /// The program's name.
    pub(crate) name: String,
    /// The program's part of public URLs.
    pub(crate) slug: String,
    /// The fields that are shown.
    pub(crate) registration: Registration,
    pub(crate) form: ApplicationForm,
    pub(crate) errors: FormErrors,
    /// The check of the typed code.
    pub(crate) checked: CodeLookup,
}

impl Apply {
    pub(crate) fn blank(name: &str, slug: &str, registration: Registration) -> Self {
        Self {
            name: name.to_owned(),
            slug: slug.to_owned(),
            registration,
            form: ApplicationForm::default(),
            errors: FormErrors::new(),
            checked: None,
        }
    }

    fn of(shown: PublicProgram, form: ApplicationForm, errors: FormErrors) -> Self {
        Self { form, errors, ..Self::blank(&shown.name, &shown.slug, shown.registration) }
    }

    fn refused(shown: PublicProgram, mut form: ApplicationForm, refused: UnavailableValue) -> Self {
        form.code = form.wanted_code().to_owned();
        let errors = FormErrors::one("code", refusal_text(&refused));
        Self { checked: Some(Err(refused)), ..Self::of(shown, form, errors) }
    }

    /// Adds all errors at once, in the order of the form.
    fn wrong(
        shown: PublicProgram,
        form: ApplicationForm,
        errors: FormErrors,
        refused: Option<UnavailableValue>,
    ) -> Self {
        let Some(refused) = refused else { return Self::of(shown, form, errors) };
        let above = |field: &str| ["name", "email"].contains(&field);
        let mut all = FormErrors::new();
        errors.all().filter(|(field, _)| above(field)).for_each(|(f, why)| all.add(f, why));
        all.add("code", refusal_text(&refused));
        errors.all().filter(|(field, _)| !above(field)).for_each(|(f, why)| all.add(f, why));
        Self { errors: all, ..Self::refused(shown, form, refused) }
    }

    pub(crate) fn asks_for_code(&self) -> bool {
        self.registration.code_requirement != CodeRequirement::No
    }

    pub(crate) fn requires_code(&self) -> bool {
        self.registration.code_requirement == CodeRequirement::Required
    }

    /// The URL that checks a code.
    pub(crate) fn code_url(&self) -> String {
        urls::join_code(&self.slug)
    }

    /// The custom fields as (name, field, answer).
    pub(crate) fn fields(&self) -> Vec<(String, &CustomField, &str)> {
        let fields = self.registration.fields.iter().enumerate();
        fields.map(|(at, field)| (format!("answer_{at}"), field, self.form.answer(at))).collect()
    }
}

#[derive(Template)]
#[template(path = "join/form.html")]
struct JoinPage {
    page: PublicPage,
    apply: Apply,
}

#[derive(Template)]
#[template(path = "join/closed.html")]
pub(super) struct ClosedPage {
    pub(crate) page: PublicPage,
    pub(crate) program: String,
    /// An application was submitted, and rejected for this reason.
    pub(crate) was_submitted: bool,
}

#[derive(Template)]
#[template(path = "join/sent.html")]
struct SentPage {
    page: PublicPage,
    program: String,
    asks_for_code: bool,
}

/// `GET /join/{program}`
pub(crate) async fn show(
    db: Data<Db>,
    page: PublicPage,
    program: Path<String>,
) -> AppResult<HttpResponse> {
    let shown = shown(&db, &program).await?;
    if !shown.registration.is_open {
        return ok(&ClosedPage { page, program: shown.name, was_submitted: false });
    }
    let apply = Apply::of(shown, ApplicationForm::default(), FormErrors::new());
    ok(&JoinPage { page, apply })
}

/// `POST /join/{program}`: the response is the same for known and unknown emails.
pub(crate) async fn apply(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: PublicPage,
    program: Path<String>,
    CsrfForm(form): CsrfForm<ApplicationForm>,
) -> AppResult<HttpResponse> {
    limits.send(peer(&req))?;
    let shown = shown(&db, &program).await?;
    if !shown.registration.is_open {
        return rejected(&ClosedPage { page, program: shown.name, was_submitted: true });
    }
    let sent = see_other(&urls::join_sent(&shown.slug));
    if form.is_by_a_program() {
        return Ok(sent);
    }
    let applicant = match form.read(&shown.registration) {
        Ok(applicant) => applicant,
        Err(errors) => {
            let refused = code_refusal(&db, &shown, &form).await?;
            return rejected(&JoinPage { page, apply: Apply::wrong(shown, form, errors, refused) });
        }
    };
    let (merchant_id, now) = (shown.merchant_id, clock::now());
    let asked = shown.clone();
    let outcome = db
        .merchant(merchant_id, move |conn| {
            let may_write = || limits.email(merchant_id, &email_key(&applicant.email));
            application::apply(conn, &asked, &encryptor, &applicant, may_write, now)
        })
        .await?;
    match outcome {
        ApplicationOutcome::Posted => Ok(sent),
        ApplicationOutcome::Refused(refused) => {
            rejected(&JoinPage { page, apply: Apply::refused(shown, form, refused) })
        }
    }
}

/// Why the code isn't available, for a form that already has other errors.
async fn code_refusal(
    db: &Db,
    shown: &PublicProgram,
    form: &ApplicationForm,
) -> AppResult<Option<UnavailableValue>> {
    let (code, name) = (form.wanted_code().to_owned(), form.name.trim().chars().take(200));
    if code.is_empty() || shown.registration.code_requirement == CodeRequirement::No {
        return Ok(None);
    }
    let (merchant_id, name, now) = (shown.merchant_id, name.collect::<String>(), clock::now());
    let checked = db
        .merchant(merchant_id, move |conn| {
            code_requests::check(conn, merchant_id, &code, &name, now)
        })
        .await?;
    Ok(checked.err())
}

/// The form as typed so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JoinQuery {
    code: String,
    name: String,
}

/// `GET /join/{program}/code`: whether a code is available, for a script. It returns no more than
/// the form does.
pub(crate) async fn code(
    db: Data<Db>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: PublicPage,
    program: Path<String>,
    query: Query<JoinQuery>,
) -> AppResult<HttpResponse> {
    limits.look(peer(&req))?;
    let shown = shown(&db, &program).await?;
    if !page.is_fragment() || !shown.registration.is_open {
        return Ok(see_other(&shown.path()));
    }
    let JoinQuery { code, name } = query.into_inner();
    if code.trim().is_empty() {
        return code_requests::answer(None, None);
    }
    let (merchant_id, now) = (shown.merchant_id, clock::now());
    let name: String = name.chars().take(200).collect();
    let checked = db
        .merchant(merchant_id, move |conn| {
            code_requests::check(conn, merchant_id, &code, &name, now)
        })
        .await?;
    code_requests::answer(Some(checked), None)
}

/// `GET /join/{program}/sent`: the next steps, the same for everyone.
pub(crate) async fn sent(
    db: Data<Db>,
    page: PublicPage,
    program: Path<String>,
) -> AppResult<HttpResponse> {
    let shown = shown(&db, &program).await?;
    let asks_for_code = shown.registration.code_requirement != CodeRequirement::No;
    ok(&SentPage { page, program: shown.name, asks_for_code })
}
