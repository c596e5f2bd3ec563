use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use diesel::QueryResult;
use serde::Deserialize;

use super::codes::CodesPage;
use crate::features::affiliates::Affiliate;
use crate::features::auth::pages::AffiliatePage;
use crate::features::code_requests::{self, MAX_WAITING, RequestOutcome, refusal_text_for};
use crate::features::portal::forms::CodeRequestForm;
use crate::features::portal::text;
use crate::features::registration::{self, RegistrationLimits};
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::Params;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::peer::peer;
use crate::kit::web::{rejected, see_other};

/// The code as typed so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodeRequestQuery {
    code: String,
}

/// `GET /portal/code-requests/code`: whether a code is available, for a script. It returns no more
/// than the form does.
pub(crate) async fn code(
    db: Data<Db>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: AffiliatePage,
    query: Query<CodeRequestQuery>,
) -> AppResult<HttpResponse> {
    limits.look(peer(&req))?;
    if !page.is_fragment() {
        return Ok(see_other(&urls::portal()));
    }
    let (merchant_id, affiliate_id) = (page.merchant_id(), page.affiliate_context.affiliate_id);
    let typed = query.into_inner().code;
    if typed.trim().is_empty() {
        return code_requests::answer(None, Some(affiliate_id));
    }
    let checked = db
        .merchant(merchant_id, move |conn| {
            if !registration::allows_code_requests(conn, merchant_id)? {
                return QueryResult::Ok(None);
            }
            let name = Affiliate::find(conn, merchant_id, affiliate_id)?.name;
            code_requests::check(conn, merchant_id, &typed, &name, clock::now()).map(Some)
        })
        .await?;
    code_requests::answer(checked, Some(affiliate_id))
}

/// `POST /portal/code-requests`: requests an additional code, which is reserved from then on.
pub(crate) async fn ask(
    db: Data<Db>,
    limits: Data<RegistrationLimits>,
    req: HttpRequest,
    page: AffiliatePage,
    CsrfForm(form): CsrfForm<CodeRequestForm>,
) -> AppResult<HttpResponse> {
    limits.send(peer(&req))?;
    let (actor, affiliate_id) = (page.actor(), page.affiliate_context.affiliate_id);
    let typed = form.wanted().to_owned();
    let asked = db
        .merchant(actor.merchant_id, move |conn| {
            if !registration::allows_code_requests(conn, actor.merchant_id)? {
                return QueryResult::Ok(None);
            }
            code_requests::ask(conn, &actor, affiliate_id, &typed).map(Some)
        })
        .await?;
    let program = page.merchant_name().to_owned();
    let refused = match asked {
        Some(RequestOutcome::Waits(request)) => {
            let words = text::requested(&request.code, &program);
            page.leave(FlashKind::Success, words)?;
            return Ok(see_other(&urls::portal()));
        }
        Some(RequestOutcome::Refused(refused)) => refused,
        Some(RequestOutcome::TooMany) => {
            let words = text::too_many(MAX_WAITING);
            return turned_away(&page, words);
        }
        Some(RequestOutcome::NotActive) => {
            let words = text::not_active(&program);
            return turned_away(&page, words);
        }
        None => {
            let words = text::closed(&program);
            return turned_away(&page, words);
        }
    };
    let mut shown = CodesPage::load(&db, page, Params::default()).await?;
    form.wanted().clone_into(&mut shown.typed);
    shown.errors = FormErrors::one("code", refusal_text_for(&refused, affiliate_id));
    shown.checked = Some(Err(refused));
    rejected(&shown)
}

fn turned_away(page: &AffiliatePage, words: String) -> AppResult<HttpResponse> {
    page.leave(FlashKind::Warning, words)?;
    Ok(see_other(&urls::portal()))
}

/// `POST /portal/code-requests/{request_id}/withdrawal`
pub(crate) async fn withdraw(
    db: Data<Db>,
    page: AffiliatePage,
    request_id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, affiliate_id) = (page.actor(), page.affiliate_context.affiliate_id);
    let withdrawn = db
        .merchant(actor.merchant_id, move |conn| {
            code_requests::withdraw(conn, &actor, affiliate_id, *request_id)
        })
        .await?;
    match withdrawn {
        Some(request) => {
            page.leave(FlashKind::Success, text::withdrawn(&request.code))?;
        }
        None => {
            page.leave(FlashKind::Info, text::ALREADY_REVIEWED)?;
        }
    }
    Ok(see_other(&urls::portal()))
}
