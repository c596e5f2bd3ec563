use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde::Deserialize;

use super::denial::ask_again;
use super::status_form::{StatusForm, own_page};
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::auth::pages::MerchantPage;
use crate::features::registration;
use crate::features::registration::text;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::secrets::Encryptor;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::reversal;
use crate::kit::web::see_other;

/// The maximum number of affiliates per bulk action, because the undo URL lists each one.
const MAX_AT_ONCE: usize = 200;

/// An undo of a status change, as in its button's URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusReversalQuery {
    /// The time of the change, in microseconds since 1970.
    at: i64,
    /// The IDs of the changed affiliates, separated by commas.
    ids: String,
    back: LocalPath,
}

/// `POST /affiliates/{affiliate_id}/status`
pub(crate) async fn change(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(form): CsrfForm<StatusForm>,
) -> AppResult<HttpResponse> {
    let (status, id) = (wanted(&form)?, *affiliate_id);
    let denial = match form.denial(status) {
        Ok(denial) => denial,
        Err(problem) => {
            let form =
                StatusForm { ids: vec![id], back: LocalPath::read(&urls::affiliate(id)), ..form };
            return ask_again(&db, page, form, problem).await;
        }
    };
    let actor = page.actor();
    let now = actor.now;
    let (affiliate, decided) = db
        .merchant(actor.merchant_id, move |conn| {
            let affiliate = Affiliate::find(conn, actor.merchant_id, id)?;
            let decided =
                registration::decide(conn, &actor, &encryptor, &[id], status, denial.as_ref())?;
            QueryResult::Ok((affiliate, decided))
        })
        .await?;
    let back = urls::affiliate(id);
    if decided.changed.is_empty() {
        page.leave(FlashKind::Info, text::already(&affiliate.name, status))?;
    } else {
        let undo = undo_url(now, &decided.changed, &back);
        let words = text::changed(&decided, status);
        page.done_undoable(words, undo)?;
    }
    Ok(see_other(&back))
}

/// `POST /affiliates/status`
pub(crate) async fn change_several(
    db: Data<Db>,
    encryptor: Data<Encryptor>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<StatusForm>,
) -> AppResult<HttpResponse> {
    let status = wanted(&form)?;
    let back = form.back_to();
    if form.ids.is_empty() {
        page.leave(FlashKind::Info, text::SELECT_AFFILIATES)?;
        return Ok(see_other(back));
    }
    if form.ids.len() > MAX_AT_ONCE {
        return Err(AppError::BadRequest(text::too_many_affiliates(MAX_AT_ONCE)));
    }
    let denial = match form.denial(status) {
        Ok(denial) => denial,
        Err(problem) => return ask_again(&db, page, form, problem).await,
    };
    let (actor, chosen) = (page.actor(), form.ids.clone());
    let now = actor.now;
    let decided = db
        .merchant(actor.merchant_id, move |conn| {
            registration::decide(conn, &actor, &encryptor, &chosen, status, denial.as_ref())
        })
        .await?;
    if decided.changed.is_empty() {
        page.leave(FlashKind::Info, text::all_already(status))?;
    } else {
        let undo = undo_url(now, &decided.changed, back);
        let words = text::changed(&decided, status);
        page.done_undoable(words, undo)?;
    }
    Ok(see_other(back))
}

/// `POST /affiliates/reversals`: undoes a status change.
pub(crate) async fn reverse(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<StatusReversalQuery>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let parsed = reversal::parse(query.at, &query.ids, MAX_AT_ONCE);
    let (since, ids) = parsed.ok_or(AppError::NotFound)?;
    let asked = ids.len();
    let undone = db
        .merchant(actor.merchant_id, move |conn| registration::undo(conn, &actor, &ids, since))
        .await?;
    let left = asked - undone.len();
    let words = text::undone(&undone, left);
    match left {
        0 => page.done(words)?,
        _ => page.leave(FlashKind::Warning, words)?,
    }
    Ok(see_other(own_page(&query.back)))
}

fn wanted(form: &StatusForm) -> AppResult<AffiliateStatus> {
    AffiliateStatus::parse(&form.status)
        .ok_or_else(|| AppError::BadRequest(text::CHOOSE_STATUS.into()))
}

fn undo_url(at: DateTime<Utc>, changed: &[Affiliate], back: &str) -> String {
    let ids: Vec<i64> = changed.iter().map(|affiliate| affiliate.id).collect();
    urls::affiliate_status_reversals(at, &ids, back)
}
