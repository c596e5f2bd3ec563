use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::model::{self, Device, ORIGIN, Origin};
use crate::clock;
use crate::db::{Db, Scope};
use crate::error::AppResult;
use crate::web::form::CsrfForm;
use crate::web::page::{FlashKind, PersonPage};
use crate::web::when::When;
use crate::web::{ok, see_other};

const HERE: &str = "/account/sessions";

/// A form with nothing but its button.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

#[derive(Template)]
#[template(path = "auth/devices.html")]
struct DevicesPage {
    page: PersonPage,
    devices: Vec<Device>,
    /// The session that looks.
    this: String,
}

impl DevicesPage {
    fn when(at: &DateTime<Utc>) -> When {
        When::new(*at, Tz::UTC)
    }

    fn is_this(&self, device: &Device) -> bool {
        device.id == self.this
    }
}

/// `GET /account/sessions`
pub async fn index(db: Data<Db>, page: PersonPage) -> AppResult<HttpResponse> {
    let user_id = page.person.id;
    let devices =
        db.run(Scope::Unowned, move |conn| model::devices(conn, user_id, clock::now())).await?;
    let this = this(&page)?;
    ok(&DevicesPage { page, devices, this })
}

/// `POST /account/sessions/{session_id}/removal`
pub async fn end(
    db: Data<Db>,
    page: PersonPage,
    session_id: Path<String>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let user_id = page.person.id;
    db.run(Scope::Unowned, move |conn| model::end(conn, user_id, &session_id, clock::now()))
        .await?;
    tracing::info!(user_id, "ended a session of theirs");
    page.leave(FlashKind::Success, "You are signed out there.")?;
    Ok(see_other(HERE))
}

/// `POST /account/sessions/others/removal`
pub async fn end_others(
    db: Data<Db>,
    page: PersonPage,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (user_id, this) = (page.person.id, this(&page)?);
    let ended = db
        .run(Scope::Unowned, move |conn| model::end_others(conn, user_id, &this, clock::now()))
        .await?;
    tracing::info!(user_id, ended, "ended their other sessions");
    let text = match ended {
        0 => "You were signed in nowhere else.",
        _ => "You are signed out everywhere else.",
    };
    page.leave(FlashKind::Success, text)?;
    Ok(see_other(HERE))
}

fn this(page: &PersonPage) -> AppResult<String> {
    let origin = page.session().get::<Origin>(ORIGIN)?;
    Ok(origin.map(|origin| origin.id).unwrap_or_default())
}
