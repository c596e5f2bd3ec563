use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::{OptionalExtension, QueryResult};
use serde::Deserialize;

use super::show::{impossible, no_such_affiliate};
use crate::features::auth::lock_open_merchant;
use crate::features::auth::pages::PersonPage;
use crate::features::support::acts;
use crate::features::support::merchant::{affiliate_workspace, person_of};
use crate::features::support::text;
use crate::features::team;
use crate::kit::db::{Db, Scope};
use crate::kit::email::EmailLimits;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;
use crate::kit::security::{self, Kind};
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::see_other;

/// An affiliate, by affiliate ID or email.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FindAffiliateForm {
    affiliate: String,
}

/// `POST /support/merchants/{merchant_id}/people/{user_id}/sign-out`: ends every session of a member or an
/// affiliate.
pub(crate) async fn end_sessions(
    db: Data<Db>,
    page: PersonPage,
    path: Path<(i64, i64)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (merchant_id, user_id) = path.into_inner();
    let name = db.run(Scope::Support, move |conn| person_of(conn, merchant_id, user_id)).await?;
    end(&db, page, merchant_id, user_id, name).await
}

/// `POST /support/merchants/{merchant_id}/affiliate-sign-outs`: ends the sessions of an affiliate, by
/// affiliate ID or email.
pub(crate) async fn end_sessions_of_affiliate(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
    CsrfForm(form): CsrfForm<FindAffiliateForm>,
) -> AppResult<HttpResponse> {
    let (id, typed) = (*merchant_id, form.affiliate.clone());
    let found = db
        .run(Scope::Support, move |conn| affiliate_workspace(conn, id, typed.trim()).optional())
        .await?;
    match found {
        Some((user_id, name, _)) => end(&db, page, id, user_id, name).await,
        None => no_such_affiliate(&db, page, id, form.affiliate).await,
    }
}

async fn end(
    db: &Db,
    page: PersonPage,
    merchant_id: i64,
    user_id: i64,
    name: String,
) -> AppResult<HttpResponse> {
    let actor = page.support_actor(merchant_id);
    let name = db
        .merchant(merchant_id, move |conn| {
            acts::end_sessions(conn, &actor, (user_id, &name))?;
            QueryResult::Ok(name)
        })
        .await?;
    security::note(Kind::SessionsEnded.about("user", user_id));
    page.leave(FlashKind::Success, text::signed_out(&name))?;
    Ok(see_other(&format!("/support/merchants/{merchant_id}")))
}

/// `POST /support/merchants/{merchant_id}/invitations/{invitation_id}/sending`: sends the invitation again,
/// with a new link.
pub(crate) async fn resend_invitation(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    limits: Data<EmailLimits>,
    page: PersonPage,
    path: Path<(i64, i64)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (merchant_id, invitation_id) = path.into_inner();
    let actor = page.support_actor(merchant_id);
    let sent = db
        .merchant(merchant_id, move |conn| -> AppResult<Option<String>> {
            if !lock_open_merchant(conn, merchant_id)? {
                return Ok(None);
            }
            limits.take(merchant_id, &team::invited_address(conn, merchant_id, invitation_id)?)?;
            Ok(Some(team::resend(conn, &actor, &encryptor, invitation_id)?))
        })
        .await?;
    let Some(email) = sent else {
        return impossible(&db, page, merchant_id, "", text::CLOSED_PROGRAM).await;
    };
    page.leave(FlashKind::Success, text::invitation_resent(&email, page.sends_email()))?;
    Ok(see_other(&format!("/support/merchants/{merchant_id}")))
}
