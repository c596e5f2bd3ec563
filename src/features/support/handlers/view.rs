use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::{OptionalExtension, QueryResult};
use serde::Deserialize;

use super::show::{impossible, no_such_affiliate};
use crate::features::auth::pages::PersonPage;
use crate::features::auth::{VIEW_LIMIT, Viewing};
use crate::features::support::acts;
use crate::features::support::merchant::{affiliate_workspace, member_workspace};
use crate::features::support::text;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::security::{self, Kind};
use crate::kit::session::Workspace;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::see_other;

/// The user whose view of the program is requested.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ViewForm {
    /// A member, by user ID.
    pub(crate) user_id: Option<i64>,
    /// An affiliate, by affiliate ID or email.
    pub(crate) affiliate: String,
}

/// `POST /support/merchants/{merchant_id}/views`: shows the program as one of its users sees it.
pub(crate) async fn begin_view(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
    CsrfForm(form): CsrfForm<ViewForm>,
) -> AppResult<HttpResponse> {
    let (id, wanted) = (*merchant_id, form.clone());
    let found = db
        .run(Scope::Support, move |conn| -> QueryResult<_> {
            let workspace = match wanted.user_id {
                Some(user_id) => member_workspace(conn, id, user_id),
                None => affiliate_workspace(conn, id, wanted.affiliate.trim()),
            };
            let Some(workspace) = workspace.optional()? else { return Ok(None) };
            let is_open = workspace.2.is_open_to(conn, workspace.0)?;
            Ok(Some((workspace, is_open)))
        })
        .await?;
    let Some(((user_id, name, workspace), is_open)) = found else {
        if form.user_id.is_some() {
            return Err(AppError::NotFound);
        }
        return no_such_affiliate(&db, page, id, form.affiliate).await;
    };
    if !is_open {
        let field = if form.user_id.is_some() { "" } else { "affiliate" };
        let why = text::no_access(&name);
        return impossible(&db, page, id, field, why).await;
    }
    let actor = page.support_actor(id);
    let viewing = Viewing { workspace, user_id, name, until: actor.now + VIEW_LIMIT };
    let viewing = db
        .merchant(id, move |conn| {
            acts::record_view_began(conn, &actor, &viewing)?;
            QueryResult::Ok(viewing)
        })
        .await?;
    viewing.begin(page.session())?;
    security::note(Kind::ViewBegan.about("merchant", id));
    Ok(see_other(viewing.workspace.home()))
}

/// `POST /support/views/end`
pub(crate) async fn end_view(
    db: Data<Db>,
    page: PersonPage,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let viewing = Viewing::of(page.session())?;
    Viewing::end(page.session());
    let merchant_id = viewing.as_ref().and_then(Viewing::merchant_id);
    let Some((viewing, merchant_id)) = viewing.zip(merchant_id) else {
        return Ok(see_other(Workspace::Support.home()));
    };
    let actor = page.support_actor(merchant_id);
    let viewing = db
        .merchant(merchant_id, move |conn| {
            acts::record_view_ended(conn, &actor, &viewing)?;
            QueryResult::Ok(viewing)
        })
        .await?;
    security::note(Kind::ViewEnded.about("merchant", merchant_id));
    page.leave(FlashKind::Success, text::view_stopped(&viewing.name))?;
    Ok(see_other(&format!("/support/merchants/{merchant_id}")))
}
