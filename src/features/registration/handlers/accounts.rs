use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::program;
use crate::features::auth::pages::PublicPage;
use crate::features::auth::sign_in::sign_in;
use crate::features::auth::{Hashing, Merchant, NewPassword, Origin};
use crate::features::registration::text;
use crate::features::registration::{self, PortalInvitation, RegistrationLimits};
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::peer::peer;
use crate::kit::web::{html, ok, rejected, see_other};

/// The first password is never sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountForm {
    password: String,
}

#[derive(Template)]
#[template(path = "join/account.html")]
struct NewAccountPage {
    page: PublicPage,
    program: String,
    invitation: PortalInvitation,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "join/account_gone.html")]
struct AccountGonePage {
    page: PublicPage,
    program: String,
}

/// The invitation of the link in a URL.
async fn invited(
    db: &Db,
    slug: &str,
    token: &str,
) -> AppResult<(Merchant, Option<PortalInvitation>)> {
    let merchant = program(db, slug).await?;
    let (merchant_id, token, now) = (merchant.id, token.to_owned(), clock::now());
    let found = db
        .merchant(merchant_id, move |conn| {
            PortalInvitation::of_link(conn, merchant_id, &token, now)
        })
        .await?;
    Ok((merchant, found))
}

/// `GET /join/{program}/accounts/{token}`: changes nothing, because email programs open links too.
pub(crate) async fn account(
    db: Data<Db>,
    page: PublicPage,
    path: Path<(String, String)>,
) -> AppResult<HttpResponse> {
    let (slug, token) = path.into_inner();
    let (merchant, found) = invited(&db, &slug, &token).await?;
    let program = merchant.name;
    match found {
        Some(invitation) => {
            ok(&NewAccountPage { page, program, invitation, errors: FormErrors::new() })
        }
        None => html(StatusCode::GONE, &AccountGonePage { page, program }),
    }
}

/// `POST /join/{program}/accounts/{token}`: connects the affiliate to an account, and signs in if
/// that's a new one.
pub(crate) async fn accept(
    db: Data<Db>,
    hashing: Data<Hashing>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: PublicPage,
    path: Path<(String, String)>,
    CsrfForm(form): CsrfForm<AccountForm>,
) -> AppResult<HttpResponse> {
    limits.send(peer(&req))?;
    let (slug, token) = path.into_inner();
    let (merchant, found) = invited(&db, &slug, &token).await?;
    let (merchant_id, program) = (merchant.id, merchant.name);
    let Some(invitation) = found else {
        return html(StatusCode::GONE, &AccountGonePage { page, program });
    };
    let (mut hash, has_account) = (None, invitation.has_account);
    if !has_account {
        let mut errors = FormErrors::new();
        let about = [&invitation.name, &invitation.email, &program].map(Clone::clone);
        let password = &form.password;
        NewPassword { field: "password", password, about_the_person: &about }.check(&mut errors);
        if !errors.is_empty() {
            return rejected(&NewAccountPage { page, program, invitation, errors });
        }
        hash = Some(hashing.hash(form.password).await?);
    }
    let now = clock::now();
    let accepted = db
        .merchant(merchant_id, move |conn| {
            registration::accept(conn, merchant_id, &token, hash.as_deref(), now)
        })
        .await?;
    match accepted {
        None => html(StatusCode::GONE, &AccountGonePage { page, program }),
        // The link proves that the email is theirs, but not that they know the password.
        Some(_) if has_account => {
            page.leave(FlashKind::Success, text::added_to_account(&program))?;
            Ok(see_other(&urls::login("/portal")))
        }
        Some(user_id) => {
            let origin = Origin::extract(&req).await?;
            sign_in(&db, page.session(), &origin, user_id, &LocalPath::read("/portal")).await
        }
    }
}
