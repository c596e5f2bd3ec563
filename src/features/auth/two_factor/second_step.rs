use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::model::{CodeCheck, check};
use crate::features::auth::devices::Origin;
use crate::features::auth::limits::AttemptLimits;
use crate::features::auth::model::Person;
use crate::features::auth::pages::PublicPage;
use crate::features::auth::sign_in::sign_in;
use crate::features::auth::text;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::session::renew_session;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::unsent;
use crate::kit::web::{html, ok, rejected, see_other};

/// The session key for a person who has entered their password but no code yet.
const PENDING: &str = "awaited";
/// How long the password stays valid.
const TIMEOUT: Duration = Duration::minutes(10);
/// After this many wrong codes, the person enters their password again.
const MAX_ATTEMPTS: u8 = 5;

/// A person who has entered their password but no code yet.
#[derive(Debug, Serialize, Deserialize)]
struct PendingSignIn {
    user_id: i64,
    next: LocalPath,
    since: DateTime<Utc>,
    attempts: u8,
}

/// Whether the form is for a code or a recovery code.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SecondStepQuery {
    with: String,
}

/// The code is never sent back to the browser, although it's worthless after use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SecondStepForm {
    code: String,
    with: String,
}

#[derive(Template)]
#[template(path = "auth/code.html")]
struct CodePage {
    page: PublicPage,
    /// Whether the form is for a recovery code.
    by_recovery: bool,
    errors: FormErrors,
}

/// Continues to the second step after a correct password. The session gets a new key but isn't
/// signed in yet.
pub(in crate::features::auth) fn begin(
    session: &Session,
    user_id: i64,
    next: &LocalPath,
) -> AppResult<HttpResponse> {
    unsent::clear_others(session)?;
    renew_session(session)?;
    let pending = PendingSignIn { user_id, next: next.clone(), since: clock::now(), attempts: 0 };
    session.insert(PENDING, pending)?;
    Ok(see_other("/login/code"))
}

/// `GET /login/code`
pub(crate) async fn show(
    page: PublicPage,
    query: Query<SecondStepQuery>,
) -> AppResult<HttpResponse> {
    if pending(page.session())?.is_none() {
        return Ok(see_other("/login"));
    }
    let by_recovery = query.with == "recovery";
    ok(&CodePage { page, by_recovery, errors: FormErrors::new() })
}

/// `POST /login/code`
pub(crate) async fn enter(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    attempts: Data<AttemptLimits>,
    origin: Origin,
    page: PublicPage,
    CsrfForm(form): CsrfForm<SecondStepForm>,
) -> AppResult<HttpResponse> {
    let Some(pending) = pending(page.session())? else {
        page.leave(FlashKind::Info, text::SIGN_IN_EXPIRED)?;
        return Ok(see_other("/login"));
    };
    let by_recovery = form.with == "recovery";
    if let Err(seconds) = attempts.code(pending.user_id) {
        return too_many(page, by_recovery, seconds);
    }
    let user_id = pending.user_id;
    let check = db
        .run(Scope::Unowned, move |conn| {
            let person = Person::find(conn, user_id)?;
            check(conn, &encryptor, &person, &form.code, clock::now())
        })
        .await?;
    match check {
        CodeCheck::Wrong => {
            security::note(Kind::WrongCode.by(user_id));
            wrong(page, pending, by_recovery)
        }
        CodeCheck::Code => sign_in(&db, page.session(), &origin, user_id, &pending.next).await,
        CodeCheck::Recovery(left) => {
            security::note(Kind::RecoveryCodeUsed.by(user_id));
            let answer = sign_in(&db, page.session(), &origin, user_id, &pending.next).await?;
            page.leave(FlashKind::Warning, text::recovery_code_used(left))?;
            Ok(answer)
        }
    }
}

fn pending(session: &Session) -> AppResult<Option<PendingSignIn>> {
    let pending = session.get::<PendingSignIn>(PENDING)?;
    Ok(pending.filter(|pending| clock::now() - pending.since < TIMEOUT))
}

fn wrong(page: PublicPage, pending: PendingSignIn, by_recovery: bool) -> AppResult<HttpResponse> {
    let attempts = pending.attempts + 1;
    if attempts >= MAX_ATTEMPTS {
        page.session().remove(PENDING);
        page.leave(FlashKind::Warning, text::TOO_MANY_WRONG_CODES)?;
        return Ok(see_other("/login"));
    }
    page.session().insert(PENDING, PendingSignIn { attempts, ..pending })?;
    let message = match by_recovery {
        true => text::WRONG_RECOVERY_CODE,
        false => text::WRONG_CODE,
    };
    rejected(&CodePage { page, by_recovery, errors: FormErrors::one("code", message) })
}

/// 429, with the time to wait.
fn too_many(page: PublicPage, by_recovery: bool, seconds: u64) -> AppResult<HttpResponse> {
    let errors = FormErrors::one("code", text::too_many_attempts(seconds));
    let page = CodePage { page, by_recovery, errors };
    let mut response = html(StatusCode::TOO_MANY_REQUESTS, &page)?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(response)
}
