use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::QueryResult;

use super::enabled;
use crate::features::auth::pages::MerchantPage;
use crate::features::exclusions::text;
use crate::features::exclusions::{self, SaveError};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::see_other;

/// `POST /settings/coupon-exclusions/{exclusion_id}/removal`
pub(crate) async fn remove(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let (actor, id) = (page.actor(), *id);
    let (exclusion, removed) =
        db.merchant(actor.merchant_id, move |conn| exclusions::remove(conn, &actor, id)).await?;
    if removed {
        page.done_undoable(text::removed(&exclusion.value), urls::exclusion_restoration(id))?;
    } else {
        page.leave(FlashKind::Info, text::already_removed(&exclusion.value))?;
    }
    Ok(see_other(&urls::exclusions()))
}

/// `POST /settings/coupon-exclusions/{exclusion_id}/restoration`: undoes a removal.
pub(crate) async fn restore(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let (actor, id) = (page.actor(), *id);
    let restored = db
        .merchant(actor.merchant_id, move |conn| match exclusions::restore(conn, &actor, id) {
            Err(SaveError::Database(error)) => Err(error),
            restored => QueryResult::Ok(restored.map_err(|error| error.to_string())),
        })
        .await?;
    match restored {
        Ok((exclusion, true)) => page.done(text::restored(&exclusion.value))?,
        Ok((exclusion, false)) => {
            page.leave(FlashKind::Info, text::already_restored(&exclusion.value))?;
        }
        Err(why) => page.leave(FlashKind::Warning, why)?,
    }
    Ok(see_other(&urls::exclusions()))
}
