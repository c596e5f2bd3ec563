use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::FirstRun;
use super::forms::FirstRunForm;
use super::text;
use crate::features::auth::pages::PublicPage;
use crate::features::auth::sign_in::sign_in;
use crate::features::auth::{Hashing, NewUser, Origin};
use crate::features::merchants::{self, CreateMerchantError, NewMerchant, Owner, choices};
use crate::kit::clock;
use crate::kit::db::advisory::LockKind;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::{ok, rejected};

#[derive(Template)]
#[template(path = "first_run/new.html")]
struct FirstRunPage {
    page: PublicPage,
    form: FirstRunForm,
    errors: FormErrors,
}

/// `GET /first-run/{token}`
pub(crate) async fn show(
    db: Data<Db>,
    first_run: Data<FirstRun>,
    page: PublicPage,
    token: Path<String>,
) -> AppResult<HttpResponse> {
    admit(&db, &first_run, &token).await?;
    ok(&FirstRunPage { page, form: FirstRunForm::blank(), errors: FormErrors::new() })
}

/// `POST /first-run/{token}`: creates the first merchant and its owner, and signs them in.
pub(crate) async fn create(
    db: Data<Db>,
    first_run: Data<FirstRun>,
    hashing: Data<Hashing>,
    origin: Origin,
    page: PublicPage,
    token: Path<String>,
    CsrfForm(mut form): CsrfForm<FirstRunForm>,
) -> AppResult<HttpResponse> {
    admit(&db, &first_run, &token).await?;
    let (currency, time_zone) = match form.check() {
        Ok(checked) => checked,
        Err(errors) => return rejected(&FirstRunPage { page, form, errors }),
    };
    let password_hash = hashing.hash(std::mem::take(&mut form.password)).await?;
    let (form, outcome) = db
        .run(Scope::Instance, move |conn| {
            // Concurrent first runs go one at a time.
            LockKind::FirstRun.lock(conn, 0)?;
            if merchants::any_exists(conn)? {
                return Err(AppError::NotFound);
            }
            let owner = Owner::New(NewUser {
                email: &form.email,
                name: &form.name,
                password_hash: Some(&password_hash),
                is_support: false,
            });
            let new = NewMerchant { name: &form.program, currency, time_zone, owner };
            let outcome = merchants::create(conn, &new, clock::now());
            Ok((form, outcome))
        })
        .await?;
    match outcome {
        Ok(created) => {
            let answer =
                sign_in(&db, page.session(), &origin, created.owner_id, &LocalPath::default())
                    .await?;
            page.leave(FlashKind::Success, text::welcome(&form.program))?;
            Ok(answer)
        }
        Err(error @ CreateMerchantError::EmailTaken) => {
            let errors = FormErrors::one("email", error.to_string());
            rejected(&FirstRunPage { page, form, errors })
        }
        Err(CreateMerchantError::Database(error)) => Err(error.into()),
    }
}

/// The page doesn't exist without the token, or once there's a merchant.
async fn admit(db: &Db, first_run: &FirstRun, token: &str) -> AppResult<()> {
    if !first_run.fits(token) {
        return Err(AppError::NotFound);
    }
    match db.run(Scope::Support, merchants::any_exists).await? {
        true => Err(AppError::NotFound),
        false => Ok(()),
    }
}
