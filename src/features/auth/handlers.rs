use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::devices::Origin;
use super::forms::{LoginForm, ProgramForm};
use super::hashing::Hashing;
use super::limits::AttemptLimits;
use super::model::{User, closed_programs_of, is_deserted};
use super::password::{MAX_BYTES, is_outdated, replace_hash};
use super::sign_in::{sign_in, workspaces};
use super::text;
use super::two_factor::second_step;
use crate::features::auth::pages::{PersonPage, PublicPage};
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::security::{self, Kind};
use crate::kit::session::{USER_ID, WORKSPACE, Workspace, renew_session};
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::peer::peer;
use crate::kit::web::unsent;
use crate::kit::web::{html, ok, rejected, see_other};

#[derive(Template)]
#[template(path = "auth/login.html")]
struct LoginPage {
    page: PublicPage,
    form: LoginForm,
    errors: FormErrors,
}

/// No user can sign in yet.
#[derive(Template)]
#[template(path = "auth/deserted.html")]
struct DesertedPage {
    page: PublicPage,
}

#[derive(Template)]
#[template(path = "auth/programs.html")]
struct ProgramsPage {
    page: PersonPage,
    /// Where to go next, if the chosen workspace has that page.
    next: LocalPath,
    workspaces: Vec<Workspace>,
    /// The names of the person's closed programs.
    closed: Vec<String>,
    /// The key of the current workspace, if there is one.
    current: Option<String>,
}

impl ProgramsPage {
    fn is_here(&self, workspace: &Workspace) -> bool {
        self.current.as_ref() == Some(&workspace.key())
    }
}

/// Where to go after sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginQuery {
    next: LocalPath,
}

/// `GET /`: redirects to the person's start page.
pub(crate) async fn root(session: Session) -> AppResult<HttpResponse> {
    if session.get::<i64>(USER_ID)?.is_none() {
        return Ok(see_other("/login"));
    }
    let workspace = session.get::<Workspace>(WORKSPACE)?;
    Ok(see_other(workspace.map_or("/programs", |workspace| workspace.home())))
}

/// `GET /login`: in an empty instance, it says how to start instead.
pub(crate) async fn login_form(
    db: Data<Db>,
    page: PublicPage,
    query: Query<LoginQuery>,
) -> AppResult<HttpResponse> {
    if page.session().get::<i64>(USER_ID)?.is_some() {
        return Ok(see_other("/"));
    }
    if db.run(Scope::Unowned, is_deserted).await? {
        return ok(&DesertedPage { page });
    }
    let form = LoginForm { next: query.into_inner().next, ..LoginForm::default() };
    ok(&LoginPage { page, form, errors: FormErrors::new() })
}

/// `POST /login`: the response and its timing are the same for known and unknown emails.
pub(crate) async fn login(
    db: Data<Db>,
    hashing: Data<Hashing>,
    attempts: Data<AttemptLimits>,
    origin: Origin,
    req: HttpRequest,
    page: PublicPage,
    CsrfForm(mut form): CsrfForm<LoginForm>,
) -> AppResult<HttpResponse> {
    if let Err(seconds) = attempts.left(&form.email, peer(&req)) {
        return too_many(page, form, seconds);
    }
    let email = form.email.clone();
    let user = db.run(Scope::Unowned, move |conn| User::by_email(conn, &email)).await?;
    let password = std::mem::take(&mut form.password);
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let fits =
        password.len() <= MAX_BYTES && hashing.verify(password.clone(), stored.clone()).await?;
    let known_id = user.as_ref().map(|user| user.id);
    let Some(user) = user.filter(|_| fits) else {
        security::note(Kind::SignInFailed.by(known_id));
        let errors = FormErrors::one("email", text::INCORRECT_LOGIN);
        return rejected(&LoginPage { page, form, errors });
    };
    if let Some(old) = stored.filter(|phc| is_outdated(phc)) {
        let (user_id, new) = (user.id, hashing.hash(password).await?);
        db.run(Scope::Unowned, move |conn| replace_hash(conn, user_id, &old, &new)).await?;
    }
    if user.two_factor_at.is_some() {
        return second_step::begin(page.session(), user.id, &form.next);
    }
    sign_in(&db, page.session(), &origin, user.id, &form.next).await
}

/// 429, with the form as typed (except the password) and the time to wait.
fn too_many(page: PublicPage, form: LoginForm, seconds: u64) -> AppResult<HttpResponse> {
    let errors = FormErrors::one("password", text::too_many_attempts(seconds));
    let mut response = html(StatusCode::TOO_MANY_REQUESTS, &LoginPage { page, form, errors })?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(response)
}

/// Data that the browser clears at sign-out. Not `"cookies"`, which would also clear those of other
/// sites on the domain. Our cookie is removed anyway.
const CLEAR_SITE_DATA: (&str, &str) = ("clear-site-data", "\"cache\", \"storage\"");

/// `POST /logout`: ends the session on the server.
pub(crate) async fn logout(
    page: PublicPage,
    _form: CsrfForm<ProgramForm>,
) -> AppResult<HttpResponse> {
    let user_id = page.session().get::<i64>(USER_ID)?;
    page.session().purge();
    if user_id.is_some() {
        security::note(Kind::SignedOut.by(user_id));
    }
    let mut answer = see_other("/login");
    let (name, value) = CLEAR_SITE_DATA;
    answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    Ok(answer)
}

/// `GET /programs`: for people with several workspaces or none.
pub(crate) async fn choose_program(
    db: Data<Db>,
    page: PersonPage,
    query: Query<LoginQuery>,
) -> AppResult<HttpResponse> {
    let workspaces = workspaces(&db, page.person.id).await?;
    let person_id = page.person.id;
    let closed =
        db.run(Scope::Person(person_id), move |conn| closed_programs_of(conn, person_id)).await?;
    let current = page.session().get::<Workspace>(WORKSPACE)?.map(|workspace| workspace.key());
    ok(&ProgramsPage { page, next: query.into_inner().next, workspaces, closed, current })
}

/// `POST /programs`
pub(crate) async fn open_program(
    db: Data<Db>,
    page: PersonPage,
    CsrfForm(form): CsrfForm<ProgramForm>,
) -> AppResult<HttpResponse> {
    let workspaces = workspaces(&db, page.person.id).await?;
    let chosen = workspaces
        .into_iter()
        .find(|workspace| workspace.key() == form.workspace)
        .ok_or(AppError::NotFound)?;
    let session = page.session();
    if session.get::<Workspace>(WORKSPACE)?.is_some_and(|before| before.key() != chosen.key()) {
        // Forms that are still open for the previous workspace must not be saved into this one.
        renew_session(session)?;
    }
    session.insert(WORKSPACE, &chosen)?;
    if let Some(unsent) = unsent::page(session) {
        return Ok(see_other(unsent));
    }
    let next = form.next.get().filter(|next| chosen.has(next));
    Ok(see_other(next.unwrap_or(chosen.home())))
}
