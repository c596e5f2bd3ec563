use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::model;
use crate::features::auth::forms::NewPassword;
use crate::features::auth::hashing::Hashing;
use crate::features::auth::limits::AttemptLimits;
use crate::features::auth::model::Person;
use crate::features::auth::pages::PublicPage;
use crate::features::auth::personal_words::personal_words_of;
use crate::features::auth::text;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::session::renew_session;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::peer::peer;
use crate::kit::web::{html, ok, rejected, see_other};

/// A reset request takes this long to answer, whether the email is known or not.
const ANSWER_AFTER: Duration = Duration::from_millis(300);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AskForm {
    email: String,
}

/// The new password is never sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResetForm {
    new: String,
}

#[derive(Template)]
#[template(path = "auth/reset_ask.html")]
struct AskPage {
    page: PublicPage,
    form: AskForm,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "auth/reset.html")]
struct ResetPage {
    page: PublicPage,
    person: Person,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "auth/reset_dead.html")]
struct DeadPage {
    page: PublicPage,
}

/// `GET /password-resets/new`
pub(crate) async fn new(page: PublicPage) -> AppResult<HttpResponse> {
    ok(&AskPage { page, form: AskForm::default(), errors: FormErrors::new() })
}

/// `POST /password-resets`: the response and its timing are the same for known and unknown emails.
pub(crate) async fn create(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    attempts: Data<AttemptLimits>,
    req: HttpRequest,
    page: PublicPage,
    CsrfForm(form): CsrfForm<AskForm>,
) -> AppResult<HttpResponse> {
    let began = Instant::now();
    let mut errors = FormErrors::new();
    errors.check_email("email", &form.email);
    if !errors.is_empty() {
        return rejected(&AskPage { page, form, errors });
    }
    attempts.take(&form.email, peer(&req))?;
    let email = form.email.trim().to_owned();
    db.run(Scope::Unowned, move |conn| model::ask(conn, &encryptor, &form.email, clock::now()))
        .await?;
    page.leave(FlashKind::Info, text::reset_requested(&email, page.sends_email()))?;
    sleep_until(began + ANSWER_AFTER).await;
    Ok(see_other("/login"))
}

/// `GET /password-resets/{token}`: doesn't use up the link, because email programs open links too.
pub(crate) async fn show(
    db: Data<Db>,
    page: PublicPage,
    token: Path<String>,
) -> AppResult<HttpResponse> {
    match owner(&db, &token).await? {
        Some(person) => ok(&ResetPage { page, person, errors: FormErrors::new() }),
        None => html(StatusCode::NOT_FOUND, &DeadPage { page }),
    }
}

/// `POST /password-resets/{token}`: ends all of the person's sessions. They sign in again.
pub(crate) async fn update(
    db: Data<Db>,
    hashing: Data<Hashing>,
    page: PublicPage,
    token: Path<String>,
    CsrfForm(form): CsrfForm<ResetForm>,
) -> AppResult<HttpResponse> {
    let Some(person) = owner(&db, &token).await? else {
        return html(StatusCode::NOT_FOUND, &DeadPage { page });
    };
    let known = personal_words_of(&db, &person).await?;
    let mut errors = FormErrors::new();
    NewPassword { field: "new", password: &form.new, about_the_person: &known }.check(&mut errors);
    if !errors.is_empty() {
        return rejected(&ResetPage { page, person, errors });
    }
    let hash = hashing.hash(form.new).await?;
    let taken =
        db.run(Scope::Unowned, move |conn| model::take(conn, &token, &hash, clock::now())).await?;
    if !taken {
        return html(StatusCode::NOT_FOUND, &DeadPage { page });
    }
    security::note(Kind::PasswordReset.by(person.id));
    // Ends this browser's session too.
    let session = page.session();
    session.clear();
    renew_session(session)?;
    page.leave(FlashKind::Success, text::PASSWORD_RESET)?;
    Ok(see_other("/login"))
}

async fn owner(db: &Db, token: &str) -> AppResult<Option<Person>> {
    let token = token.to_owned();
    db.run(Scope::Unowned, move |conn| model::find(conn, &token, clock::now())).await
}
