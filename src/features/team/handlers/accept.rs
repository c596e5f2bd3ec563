use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::prelude::*;
use serde::Deserialize;

use crate::features::auth::links::merchant_of;
use crate::features::auth::pages::PublicPage;
use crate::features::auth::sign_in::{enter_program, signed_in};
use crate::features::auth::{Hashing, NewPassword, NewUserError, Origin, Person};
use crate::features::team::text;
use crate::features::team::{self, Invitation, Joining};
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{html, ok, rejected};

/// A new member's name and password. The password is never sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct JoinForm {
    name: String,
    password: String,
}

/// The next step for the recipient of a link.
enum JoinStep {
    /// Choose a name and a password.
    New,
    /// Sign in, because the email has an account.
    SignIn,
    /// Only accept.
    Ready(i64),
    /// Sign out, because the invitation is for someone else.
    OtherAccount(String),
}

#[derive(Template)]
#[template(path = "team/invitation.html")]
struct InvitationPage {
    page: PublicPage,
    invitation: Invitation,
    step: JoinStep,
    form: JoinForm,
    errors: FormErrors,
}

impl InvitationPage {
    fn login(&self) -> String {
        urls::login(self.page.path())
    }
}

#[derive(Template)]
#[template(path = "team/invitation_dead.html")]
struct DeadPage {
    page: PublicPage,
}

/// `GET /invitations/{invitation_token}`: doesn't use up the link.
pub(crate) async fn show(
    db: Data<Db>,
    page: PublicPage,
    token: Path<String>,
) -> AppResult<HttpResponse> {
    let Some(invitation) = find(&db, &token).await? else { return dead(page) };
    let step = step(signed_in(&db, page.session()).await?, &invitation);
    ok(&InvitationPage {
        page,
        invitation,
        step,
        form: JoinForm::default(),
        errors: FormErrors::new(),
    })
}

/// `POST /invitations/{invitation_token}`: accepts and redirects to the new program.
pub(crate) async fn join(
    db: Data<Db>,
    hashing: Data<Hashing>,
    origin: Origin,
    page: PublicPage,
    token: Path<String>,
    CsrfForm(mut form): CsrfForm<JoinForm>,
) -> AppResult<HttpResponse> {
    let Some(invitation) = find(&db, &token).await? else { return dead(page) };
    let step = step(signed_in(&db, page.session()).await?, &invitation);
    let mut errors = FormErrors::new();
    let known = match step {
        JoinStep::Ready(user_id) => Some(user_id),
        JoinStep::New => {
            errors.check_name("name", &form.name, "Enter your name.");
            let about = [form.name.clone(), invitation.email.clone(), invitation.program.clone()];
            NewPassword { field: "password", password: &form.password, about_the_person: &about }
                .check(&mut errors);
            None
        }
        JoinStep::SignIn | JoinStep::OtherAccount(_) => {
            errors.add("", text::SIGN_IN_AS_INVITED);
            None
        }
    };
    if !errors.is_empty() {
        return rejected(&InvitationPage { page, invitation, step, form, errors });
    }
    let joining = match known {
        Some(user_id) => Accepting::Person(user_id),
        None => {
            let hash = hashing.hash(std::mem::take(&mut form.password)).await?;
            Accepting::New(form.name.clone(), hash)
        }
    };
    let merchant_id = invitation.merchant_id;
    let Some(user_id) =
        accept(&db, merchant_id, token.into_inner(), joining, origin.address()).await?
    else {
        return dead(page);
    };
    let answer = enter_program(&db, page.session(), &origin, user_id, merchant_id).await?;
    page.leave(FlashKind::Success, format!("You joined {}.", invitation.program))?;
    Ok(answer)
}

/// [`Joining`] with owned data, for another thread.
enum Accepting {
    Person(i64),
    New(String, String),
}

async fn accept(
    db: &Db,
    merchant_id: i64,
    token: String,
    accepting: Accepting,
    came_from: &str,
) -> AppResult<Option<i64>> {
    let came_from = Some(came_from.to_owned());
    db.merchant(merchant_id, move |conn| {
        let joining = match &accepting {
            Accepting::Person(user_id) => Joining::Person(*user_id),
            Accepting::New(name, password_hash) => Joining::New { name, password_hash },
        };
        team::accept(conn, merchant_id, &token, &joining, came_from, clock::now()).map_err(
            |error| match error {
                NewUserError::Database(error) => AppError::from(error),
                // They chose a password in another browser meanwhile.
                NewUserError::EmailTaken => AppError::BadRequest(text::HAS_ACCOUNT.to_owned()),
            },
        )
    })
    .await
}

async fn find(db: &Db, token: &str) -> AppResult<Option<Invitation>> {
    let Some(merchant_id) = merchant_of(token) else { return Ok(None) };
    let token = token.to_owned();
    db.run(Scope::Merchant(merchant_id), move |conn| -> QueryResult<_> {
        team::find(conn, merchant_id, &token, clock::now())
    })
    .await
}

fn step(visitor: Option<Person>, invitation: &Invitation) -> JoinStep {
    match (visitor, invitation.account) {
        (Some(visitor), Some(account)) if visitor.id == account => JoinStep::Ready(account),
        (Some(visitor), _) => JoinStep::OtherAccount(visitor.email),
        (None, Some(_)) => JoinStep::SignIn,
        (None, None) => JoinStep::New,
    }
}

fn dead(page: PublicPage) -> AppResult<HttpResponse> {
    html(StatusCode::NOT_FOUND, &DeadPage { page })
}
