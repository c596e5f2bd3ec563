use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use diesel::prelude::*;
use serde::Deserialize;

use super::counted_form::CountedForm;
use super::show::shown;
use crate::features::auth::pages::MerchantPage;
use crate::features::code_syncs::text;
use crate::features::code_syncs::{self, CountedCodes, RepairError, SyncRequest};
use crate::features::stores::Store;
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::Params;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{rejected, see_other};

/// `POST /settings/stores/{store_id}/code-sync`: requests a sync check now.
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let asked = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store = Store::find_called(conn, actor.merchant_id, store_id)?;
            if !store.has_credentials() {
                return Ok(None);
            }
            code_syncs::ask(conn, &actor, &store).map(Some)
        })
        .await?;
    match asked {
        Some(SyncRequest::Begins) => page.done(text::CHECK_STARTED)?,
        Some(SyncRequest::Follows) => page.leave(FlashKind::Info, text::CHECK_QUEUED)?,
        None => page.leave(FlashKind::Danger, text::NO_CREDENTIALS)?,
    }
    Ok(see_other(&urls::code_sync(store_id)))
}

/// `POST /settings/stores/{store_id}/code-sync/counted-codes`
pub(crate) async fn set_counted_codes(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<CountedForm>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let counted = match CountedCodes::parse(&form.counted) {
        Ok(counted) => counted,
        Err(error) => {
            let errors = FormErrors::one("counted", error.to_string());
            let typed = Some((form, errors));
            return rejected(&shown(&db, page, store_id, Params::default(), typed).await?);
        }
    };
    let is_compared = db
        .merchant(page.merchant_id(), move |conn| -> AppResult<bool> {
            let store = Store::find_called(conn, actor.merchant_id, store_id)?;
            let (merchant_id, action) = (actor.merchant_id, Some("store.counted_codes_set"));
            let record =
                Record { merchant_id, kind: SubjectKind::Store, id: Some(store_id), action };
            form.check_version(conn, record, |conn| {
                code_syncs::counted_codes(conn, &store).map(|codes| CountedForm::of(&codes))
            })?;
            code_syncs::set_counted_codes(conn, &actor, &store, &counted)?;
            if store.has_credentials() {
                code_syncs::ask(conn, &actor, &store)?;
            }
            Ok(store.has_credentials())
        })
        .await?;
    page.done(match is_compared {
        true => text::WATCHED_SAVED_CHECKING,
        false => text::WATCHED_SAVED,
    })?;
    Ok(see_other(&urls::code_sync(store_id)))
}

/// The trigger to push. Without it, all missing codes are pushed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RepairForm {
    trigger_id: Option<i64>,
}

/// `POST /settings/stores/{store_id}/code-sync/repairs`: creates missing codes in the store.
pub(crate) async fn repair(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    CsrfForm(form): CsrfForm<RepairForm>,
) -> AppResult<HttpResponse> {
    let (actor, store_id) = (page.actor(), *store_id);
    let sent = db
        .merchant(page.merchant_id(), move |conn| -> QueryResult<_> {
            let store = Store::find_called(conn, actor.merchant_id, store_id)?;
            match code_syncs::repair(conn, &actor, &store, form.trigger_id) {
                Ok(sent) => Ok(Ok(sent)),
                Err(RepairError::Database(error)) => Err(error),
                Err(refusal @ RepairError::NotCreating(_)) => Ok(Err(refusal)),
            }
        })
        .await?;
    match sent {
        Ok(0) => page.leave(FlashKind::Info, text::NOTHING_MISSING)?,
        Ok(count) => {
            page.done(text::sent(count))?;
        }
        Err(refusal) => page.leave(FlashKind::Danger, refusal.to_string())?,
    }
    Ok(see_other(&urls::code_sync(store_id)))
}
