//! `/unsent-form`: a form that was submitted after the session had ended.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::pages::PersonPage;
use crate::kit::clock;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::session::chosen_workspace;
use crate::kit::urls;
use crate::kit::web::unsent::{UNSENT, Unsent};
use crate::kit::web::{html, see_other};

/// The form as typed, for the person after they sign in again.
#[derive(Template)]
#[template(path = "unsent.html")]
struct UnsentPage {
    page: PersonPage,
    unsent: Unsent,
}

/// `GET /unsent-form`
pub(crate) async fn show(page: PersonPage, encryptor: Data<Encryptor>) -> AppResult<HttpResponse> {
    let kept = Unsent::kept(page.session(), &encryptor);
    let Some(unsent) = kept.filter(|unsent| unsent.is_for(page.person.id, clock::now())) else {
        page.session().remove(UNSENT);
        return Ok(see_other("/"));
    };
    let workspace = chosen_workspace(page.session())?;
    if workspace.is_empty() && !unsent.workspace().is_empty() {
        return Err(AppError::WorkspaceNeeded(urls::unsent_form().into()));
    }
    // A form for one program must not be submitted to another.
    if workspace != unsent.workspace() && !unsent.workspace().is_empty() {
        return Ok(see_other("/"));
    }
    html(StatusCode::OK, &UnsentPage { page, unsent })
}
