use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use vouch_core::calendar::Calendar;

use super::model::{self, Device, name_of};
use crate::features::auth::pages::AccountPage;
use crate::features::auth::text;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::security::{self, Kind};
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::{ok, see_other};

const HERE: &str = "/account/sessions";

#[derive(Template)]
#[template(path = "auth/devices.html")]
struct DevicesPage {
    page: AccountPage,
    devices: Vec<Device>,
    /// The URL prefix of the forms that end sessions.
    base: &'static str,
}

impl DevicesPage {
    /// In UTC, because a person can belong to several programs.
    fn calendar(&self) -> Calendar {
        Calendar::UTC
    }
}

/// The message after `count` other sessions were ended.
pub(crate) fn ended_others(count: usize) -> &'static str {
    match count {
        0 => text::NO_OTHER_DEVICES,
        _ => text::OTHER_DEVICES_SIGNED_OUT,
    }
}

/// `GET /account/sessions`
pub(crate) async fn index(db: Data<Db>, page: AccountPage) -> AppResult<HttpResponse> {
    let (user_id, this) = (page.person.id, name_of(page.session())?);
    let devices = db
        .run(Scope::Unowned, move |conn| model::devices(conn, user_id, &this, clock::now()))
        .await?;
    ok(&DevicesPage { page, devices, base: HERE })
}

/// `POST /account/sessions/{session_id}/removal`
pub(crate) async fn end(
    db: Data<Db>,
    page: AccountPage,
    session_id: Path<String>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let user_id = page.person.id;
    db.run(Scope::Unowned, move |conn| model::end(conn, user_id, &session_id, clock::now()))
        .await?;
    security::note(Kind::SessionsEnded);
    page.leave(FlashKind::Success, text::DEVICE_SIGNED_OUT)?;
    Ok(see_other(HERE))
}

/// `POST /account/sessions/others/removal`
pub(crate) async fn end_others(
    db: Data<Db>,
    page: AccountPage,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (user_id, this) = (page.person.id, name_of(page.session())?);
    let ended = db
        .run(Scope::Unowned, move |conn| model::end_others(conn, user_id, &this, clock::now()))
        .await?;
    security::note(Kind::SessionsEnded);
    page.leave(FlashKind::Success, ended_others(ended))?;
    Ok(see_other(HERE))
}
