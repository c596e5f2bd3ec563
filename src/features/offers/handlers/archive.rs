use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::QueryResult;

use crate::features::auth::pages::MerchantPage;
use crate::features::offers::model::{self, ArchiveError};
use crate::features::offers::read::Offer;
use crate::features::offers::text;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::see_other;

/// `POST /offers/{offer_id}/archival`
pub(crate) async fn archive(
    db: Data<Db>,
    page: MerchantPage,
    offer_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, id) = (page.actor(), *offer_id);
    let (offer, refused) = db
        .merchant(actor.merchant_id, move |conn| match model::archive(conn, &actor, id) {
            Ok(offer) => QueryResult::Ok((offer, None)),
            Err(ArchiveError::Database(error)) => Err(error),
            Err(refused) => Ok((Offer::find(conn, actor.merchant_id, id)?, Some(refused))),
        })
        .await?;
    match refused {
        None => {
            page.done_undoable(text::archived(&offer.name), format!("/offers/{id}/restoration"))?
        }
        Some(refused) => {
            page.leave(FlashKind::Warning, text::not_archived(&offer.name, &refused.to_string()))?
        }
    }
    Ok(see_other(&urls::offer(id)))
}

/// `POST /offers/{offer_id}/restoration`
pub(crate) async fn restore(
    db: Data<Db>,
    page: MerchantPage,
    offer_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, id) = (page.actor(), *offer_id);
    let offer =
        db.merchant(actor.merchant_id, move |conn| model::restore(conn, &actor, id)).await?;
    page.done(text::restored(&offer.name))?;
    Ok(see_other(&urls::offer(id)))
}
