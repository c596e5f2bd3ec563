use actix_session::Session;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::codes::{Picture, picture, typed_form};
use super::model::{self, CodeCheck};
use crate::features::auth::hashing::Hashing;
use crate::features::auth::limits::AttemptLimits;
use crate::features::auth::model::User;
use crate::features::auth::pages::AccountPage;
use crate::features::auth::password::MAX_BYTES;
use crate::features::auth::text;
use crate::features::emails::post;
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::session::renew_session;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::peer::peer;
use crate::kit::web::{ok, rejected, see_other};

const HERE: &str = "/account/two-factor";
/// The session key that marks that the person entered their password to set up two-factor sign-in.
const SETS_UP: &str = "sets_up_two_factor";

/// The password is never sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfirmPasswordForm {
    current: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TwoFactorCodeForm {
    code: String,
}

/// The state of two-factor sign-in.
enum State {
    Off,
    /// The secret waits for its first code. It's shown as a QR code and for manual entry.
    Waits(Picture, String),
    /// Since when, and how many recovery codes are left.
    On(DisplayTime, i64),
}

#[derive(Template)]
#[template(path = "auth/two_factor.html")]
struct TwoFactorPage {
    page: AccountPage,
    state: State,
    /// New recovery codes, which are never shown again.
    codes: Vec<String>,
    errors: FormErrors,
}

/// `GET /account/two-factor`
pub(crate) async fn show(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    page: AccountPage,
) -> AppResult<HttpResponse> {
    let state = state(&db, &config, &encryptor, &page).await?;
    ok(&TwoFactorPage { page, state, codes: Vec::new(), errors: FormErrors::new() })
}

/// `POST /account/two-factor`: creates a secret after the person enters their password.
pub(crate) async fn begin(
    db: Data<Db>,
    hashing: Data<Hashing>,
    attempts: Data<AttemptLimits>,
    encryptor: Data<Encryptor>,
    req: HttpRequest,
    page: AccountPage,
    CsrfForm(form): CsrfForm<ConfirmPasswordForm>,
) -> AppResult<HttpResponse> {
    attempts.take(&page.person.email, peer(&req))?;
    if page.person.has_two_factor() {
        return Ok(see_other(HERE));
    }
    let user_id = page.person.id;
    let user = db.run(Scope::Unowned, move |conn| User::find(conn, user_id)).await?;
    let fits =
        form.current.len() <= MAX_BYTES && hashing.verify(form.current, user.password_hash).await?;
    if !fits {
        security::note(Kind::WrongPassword);
        let errors = FormErrors::one("current", text::WRONG_CURRENT_PASSWORD);
        return rejected(&TwoFactorPage { page, state: State::Off, codes: Vec::new(), errors });
    }
    db.run(Scope::Unowned, move |conn| model::begin(conn, &encryptor, user_id)).await?;
    page.session().insert(SETS_UP, true)?;
    Ok(see_other(HERE))
}

/// `POST /account/two-factor/confirmation`: the first code turns it on and ends the person's other
/// sessions.
pub(crate) async fn confirm(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    attempts: Data<AttemptLimits>,
    page: AccountPage,
    CsrfForm(form): CsrfForm<TwoFactorCodeForm>,
) -> AppResult<HttpResponse> {
    attempts.code(page.person.id).map_err(AppError::TooMany)?;
    if page.person.has_two_factor() || !sets_up(page.session())? {
        return Ok(see_other(HERE));
    }
    let (person, opener) = (page.person.clone(), encryptor.clone());
    let codes = db
        .run(Scope::Unowned, move |conn| {
            model::confirm(conn, &opener, &person, &form.code, clock::now())
        })
        .await?;
    let Some(codes) = codes else {
        return wrong(&db, &config, &encryptor, page).await;
    };
    security::note(Kind::TwoFactorOn);
    // All of the person's sessions were ended, so this one gets a new key to continue.
    renew_session(page.session())?;
    page.session().remove(SETS_UP);
    let now = Some(clock::now());
    let page = page.with_two_factor(now);
    let state = state(&db, &config, &encryptor, &page).await?;
    ok(&TwoFactorPage { page, state, codes, errors: FormErrors::new() })
}

/// `POST /account/two-factor/recovery-codes`
pub(crate) async fn renew_codes(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    attempts: Data<AttemptLimits>,
    page: AccountPage,
    CsrfForm(form): CsrfForm<TwoFactorCodeForm>,
) -> AppResult<HttpResponse> {
    attempts.code(page.person.id).map_err(AppError::TooMany)?;
    let (person, opener) = (page.person.clone(), encryptor.clone());
    let codes = db
        .run(Scope::Unowned, move |conn| {
            if model::check(conn, &opener, &person, &form.code, clock::now())? == CodeCheck::Wrong {
                return diesel::QueryResult::Ok(None);
            }
            let email =
                crate::features::auth::emails::recovery_codes_renewed(&person, clock::now());
            post(conn, &email)?;
            model::replace_recovery_codes(conn, person.id).map(Some)
        })
        .await?;
    let Some(codes) = codes.filter(|_| page.person.has_two_factor()) else {
        return wrong(&db, &config, &encryptor, page).await;
    };
    security::note(Kind::RecoveryCodesRenewed);
    let state = state(&db, &config, &encryptor, &page).await?;
    ok(&TwoFactorPage { page, state, codes, errors: FormErrors::new() })
}

/// `POST /account/two-factor/removal`: also the first step to switch devices.
pub(crate) async fn turn_off(
    db: Data<Db>,
    config: Data<Config>,
    encryptor: Data<Encryptor>,
    attempts: Data<AttemptLimits>,
    page: AccountPage,
    CsrfForm(form): CsrfForm<TwoFactorCodeForm>,
) -> AppResult<HttpResponse> {
    attempts.code(page.person.id).map_err(AppError::TooMany)?;
    let (person, opener) = (page.person.clone(), encryptor.clone());
    let is_right = db
        .run(Scope::Unowned, move |conn| {
            let check = model::check(conn, &opener, &person, &form.code, clock::now())?;
            if check != CodeCheck::Wrong {
                model::turn_off(conn, &person, clock::now())?;
            }
            diesel::QueryResult::Ok(check != CodeCheck::Wrong)
        })
        .await?;
    if !is_right {
        return wrong(&db, &config, &encryptor, page).await;
    }
    security::note(Kind::TwoFactorOff);
    renew_session(page.session())?;
    page.leave(FlashKind::Success, text::TWO_FACTOR_OFF)?;
    Ok(see_other(HERE))
}

fn sets_up(session: &Session) -> AppResult<bool> {
    Ok(session.get(SETS_UP)?.unwrap_or(false))
}

async fn state(
    db: &Db,
    config: &Config,
    encryptor: &Encryptor,
    page: &AccountPage,
) -> AppResult<State> {
    let user_id = page.person.id;
    if let Some(since) = page.person.two_factor_at {
        let left =
            db.run(Scope::Unowned, move |conn| model::recovery_codes_left(conn, user_id)).await?;
        return Ok(State::On(DisplayTime::utc(&since), left));
    }
    if !sets_up(page.session())? {
        return Ok(State::Off);
    }
    let opener = encryptor.clone();
    let secret =
        db.run(Scope::Unowned, move |conn| model::secret_of(conn, &opener, user_id)).await?;
    let host = config.public_url.split("://").nth(1).unwrap_or_default();
    let shown = secret.and_then(|secret| {
        let picture = picture(&secret, &page.person.email, host)?;
        Some(State::Waits(picture, typed_form(&secret)))
    });
    Ok(shown.unwrap_or(State::Off))
}

async fn wrong(
    db: &Db,
    config: &Config,
    encryptor: &Encryptor,
    page: AccountPage,
) -> AppResult<HttpResponse> {
    security::note(Kind::WrongCode);
    let state = state(db, config, encryptor, &page).await?;
    let errors = FormErrors::one("code", text::WRONG_CODE);
    rejected(&TwoFactorPage { page, state, codes: Vec::new(), errors })
}
