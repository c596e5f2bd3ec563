use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::lines::{Poll, PushCell, of_triggers};
use super::model;
use super::text;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::PAGE_SIZE;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::{ok, see_other};

/// The triggers that a page shows, as comma-separated IDs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UpdatesQuery {
    ids: String,
}

#[derive(Template)]
#[template(path = "pushes/_updates.html")]
struct UpdatesPart {
    page: MerchantPage,
    cells: Vec<PushCell>,
    poll: Poll,
}

/// `GET /triggers/pushes`: the current state of a page's codes, for its script. Others see the list
/// of triggers.
pub(crate) async fn updates(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<UpdatesQuery>,
) -> AppResult<HttpResponse> {
    // Opened in a browser, the fragment would be a blank page.
    if !page.is_fragment() {
        return Ok(see_other(&urls::triggers()));
    }
    let merchant_id = page.merchant_id();
    let ids: Vec<i64> =
        query.ids.split(',').filter_map(|id| id.parse().ok()).take(PAGE_SIZE).collect();
    let lines = db.merchant(merchant_id, move |conn| of_triggers(conn, merchant_id, &ids)).await?;
    let cells: Vec<PushCell> =
        lines.into_iter().map(|(trigger_id, lines)| PushCell { trigger_id, lines }).collect();
    let poll = Poll::of(&cells);
    ok(&UpdatesPart { page, cells, poll })
}

/// `POST /triggers/{trigger_id}/pushes/{push_id}/retry`
pub(crate) async fn retry(
    db: Data<Db>,
    page: MerchantPage,
    ids: Path<(i64, i64)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, (trigger_id, push_id)) = (page.actor(), *ids);
    db.merchant(page.merchant_id(), move |conn| model::retry(conn, &actor, trigger_id, push_id))
        .await?;
    page.done(text::RETRIED)?;
    Ok(see_other(&urls::trigger(trigger_id)))
}

/// `POST /triggers/{trigger_id}/pushes/{push_id}/attachment`
pub(crate) async fn attach(
    db: Data<Db>,
    page: MerchantPage,
    ids: Path<(i64, i64)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, (trigger_id, push_id)) = (page.actor(), *ids);
    db.merchant(page.merchant_id(), move |conn| model::attach(conn, &actor, trigger_id, push_id))
        .await?;
    page.done(text::ATTACHED)?;
    Ok(see_other(&urls::trigger(trigger_id)))
}

/// `POST /triggers/pushes/retries`: retries every failed code.
pub(crate) async fn retry_all(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let count = db.merchant(page.merchant_id(), move |conn| model::retry_all(conn, &actor)).await?;
    match count {
        0 => page.leave(FlashKind::Info, text::NONE_FAILED)?,
        count => page.done(text::retried(count))?,
    }
    Ok(see_other(&urls::triggers()))
}
