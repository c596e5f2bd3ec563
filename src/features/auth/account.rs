use actix_session::Session;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::emails::password_changed;
use super::forms::NewPassword;
use super::hashing::Hashing;
use super::limits::AttemptLimits;
use super::model::{Person, User, change_password as store_password};
use super::password::MAX_BYTES;
use super::personal_words::personal_words_of;
use super::text;
use crate::features::auth::pages::AccountPage;
use crate::features::emails::post;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::security::{self, Kind};
use crate::kit::session::renew_session;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::peer::peer;
use crate::kit::web::{ok, rejected, see_other};

/// Neither password is sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordForm {
    current: String,
    new: String,
}

#[derive(Template)]
#[template(path = "auth/password.html")]
struct PasswordPage {
    page: AccountPage,
    errors: FormErrors,
}

/// `GET /account/password`
pub(crate) async fn password_form(page: AccountPage) -> AppResult<HttpResponse> {
    ok(&PasswordPage { page, errors: FormErrors::new() })
}

/// `POST /account/password`: ends the person's other sessions and renews this session's key.
pub(crate) async fn change_password(
    db: Data<Db>,
    hashing: Data<Hashing>,
    attempts: Data<AttemptLimits>,
    req: HttpRequest,
    page: AccountPage,
    CsrfForm(form): CsrfForm<PasswordForm>,
) -> AppResult<HttpResponse> {
    match change(&db, &hashing, &attempts, &req, &page.person, page.session(), form).await? {
        Ok(()) => {
            page.leave(FlashKind::Success, text::PASSWORD_CHANGED)?;
            Ok(see_other("/"))
        }
        Err(errors) => rejected(&PasswordPage { page, errors }),
    }
}

/// Changes the password of a person who knows the current one. Their other sessions end, and
/// `session` gets a new key. The inner error belongs to the fields `current` and `new`. Fails with
/// `TooMany` after too many attempts.
pub(crate) async fn change(
    db: &Db,
    hashing: &Hashing,
    attempts: &AttemptLimits,
    req: &HttpRequest,
    person: &Person,
    session: &Session,
    form: PasswordForm,
) -> AppResult<Result<(), FormErrors>> {
    // Someone at an unattended browser must not get more guesses here than at sign-in.
    attempts.take(&person.email, peer(req))?;
    let user_id = person.id;
    let user = db.run(Scope::Unowned, move |conn| User::find(conn, user_id)).await?;
    let mut errors = FormErrors::new();
    let fits = form.current.len() <= MAX_BYTES
        && hashing.verify(form.current.clone(), user.password_hash).await?;
    if !fits {
        security::note(Kind::WrongPassword);
        errors.add("current", text::WRONG_CURRENT_PASSWORD);
    }
    let known = personal_words_of(db, person).await?;
    NewPassword { field: "new", password: &form.new, about_the_person: &known }.check(&mut errors);
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let hash = hashing.hash(form.new).await?;
    let owner = person.clone();
    db.run(Scope::Unowned, move |conn| {
        store_password(conn, user_id, &hash)?;
        post(conn, &password_changed(&owner, clock::now()))
    })
    .await?;
    security::note(Kind::PasswordChanged);
    renew_session(session)?;
    Ok(Ok(()))
}
