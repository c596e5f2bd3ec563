use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::decide::{DecidedCodes, ReversedCodes, approve_codes, deny_codes, reverse_codes};
use super::denial::Denial;
use super::request::{OLDEST, waiting_rows};
use super::text;
use crate::features::affiliates::Affiliate;
use crate::features::applications::CodeRequest;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::lists::{ListPage, Params};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::{FlashKind, FlashUndo};
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::{ok, rejected, reversal, see_other};

/// The maximum number of codes in one decision.
const MAX_AT_ONCE: usize = 200;

/// The decision for the chosen codes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DecisionForm {
    /// "approve" or "deny".
    decision: String,
    ids: Vec<i64>,
    /// The affiliate whose page sent it; empty for the list.
    affiliate: String,
    denial_reason: String,
    /// "send" to send an email.
    #[serde(alias = "denial_letter")]
    denial_email: String,
}

/// A reversal of a decision, as in the URL of its button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DecisionReversalQuery {
    /// The time of the decision, in microseconds since 1970.
    at: i64,
    /// The request IDs, separated by commas.
    ids: String,
    /// The affiliate whose page sent it; empty for the list.
    affiliate: String,
}

#[derive(Template)]
#[template(path = "code_requests/index.html")]
struct RequestsPage {
    page: MerchantPage,
    list: ListPage<(CodeRequest, Affiliate)>,
    chosen: Vec<i64>,
    reason: String,
    email: bool,
    errors: FormErrors,
}

impl RequestsPage {
    fn asked_at(&self, request: &CodeRequest) -> DisplayTime {
        DisplayTime::new(request.requested_at, self.page.merchant().calendar())
    }
}

/// `GET /affiliates/code-requests`: pending requests for additional codes.
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let list = load(&db, page.merchant_id(), params.into_inner()).await?;
    let (chosen, reason, errors) = (Vec::new(), String::new(), FormErrors::new());
    ok(&RequestsPage { page, list, chosen, reason, email: true, errors })
}

async fn load(
    db: &Db,
    merchant_id: i64,
    params: Params,
) -> AppResult<ListPage<(CodeRequest, Affiliate)>> {
    let mut address = params.at(urls::code_requests());
    let range = address.page(OLDEST);
    let listing =
        db.merchant(merchant_id, move |conn| waiting_rows(conn, merchant_id, &range)).await?;
    Ok(ListPage::new(address, listing, None))
}

/// `POST /affiliates/code-requests/decisions`
pub(crate) async fn decide(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<DecisionForm>,
) -> AppResult<HttpResponse> {
    let approves = match form.decision.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(AppError::BadRequest(text::CHOOSE_DECISION.into())),
    };
    let affiliate_id = form.affiliate.parse().ok();
    let back = page_of(affiliate_id);
    if form.ids.is_empty() {
        page.leave(FlashKind::Info, text::SELECT_CODES)?;
        return Ok(see_other(&back));
    }
    if form.ids.len() > MAX_AT_ONCE {
        return Err(AppError::BadRequest(text::too_many(MAX_AT_ONCE)));
    }
    let denial = (!approves).then(|| Denial::because(&form.denial_reason)).transpose();
    let denial = denial.map_err(text::reason_too_long);
    let denial = match denial {
        Ok(denial) => denial,
        Err(problem) => {
            let errors = FormErrors::one("denial_reason", problem);
            let list = load(&db, page.merchant_id(), Params::default()).await?;
            let DecisionForm { ids: chosen, denial_reason: reason, denial_email, .. } = form;
            let email = !denial_email.is_empty();
            return rejected(&RequestsPage { page, list, chosen, reason, email, errors });
        }
    };
    let actor = page.actor();
    let decided_at = actor.now;
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            let Some(denial) = denial else {
                return approve_codes(conn, &actor, &form.ids);
            };
            let sends = !form.denial_email.is_empty();
            deny_codes(conn, &actor, &form.ids, &denial, sends)
        })
        .await?;
    let (kind, text) = (kind_of(&outcome), text::reviewed(&outcome, approves));
    let undo = way_back(&outcome, approves, decided_at, affiliate_id);
    page.leave_undoable(kind, text, undo)?;
    Ok(see_other(&back))
}

/// The page to return to: the affiliate's or the list.
fn page_of(affiliate_id: Option<i64>) -> String {
    affiliate_id.map_or_else(urls::code_requests, urls::affiliate)
}

/// A denial can be undone. An approval can't, because the code stays the affiliate's, but the
/// trigger can be retired.
fn way_back(
    outcome: &DecidedCodes,
    approves: bool,
    decided_at: DateTime<Utc>,
    affiliate_id: Option<i64>,
) -> Option<FlashUndo> {
    let ids: Vec<i64> = outcome.decided.iter().map(|(request, _)| request.id).collect();
    let label = match (ids.len(), approves) {
        (0, _) => return None,
        (_, false) => "Undo",
        (1, true) => "Retire code",
        (_, true) => "Retire codes",
    };
    let action = urls::code_request_reversals(decided_at, &ids, affiliate_id);
    Some(FlashUndo { action, label: label.to_owned() })
}

/// `POST /affiliates/code-requests/reversals`: reverses decisions.
pub(crate) async fn reverse(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<DecisionReversalQuery>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let parsed = reversal::parse(query.at, &query.ids, MAX_AT_ONCE);
    let (decided_at, ids) = parsed.ok_or(AppError::NotFound)?;
    let outcome = db
        .merchant(actor.merchant_id, move |conn| reverse_codes(conn, &actor, &ids, decided_at))
        .await?;
    let (kind, text) = (kind_of_reversal(&outcome), text::reversed(&outcome));
    page.leave(kind, text)?;
    Ok(see_other(&page_of(query.affiliate.parse().ok())))
}

/// Whether everything was reversed.
fn kind_of_reversal(outcome: &ReversedCodes) -> FlashKind {
    if outcome.left == 0 { FlashKind::Success } else { FlashKind::Warning }
}

/// Whether all codes were decided.
fn kind_of(outcome: &DecidedCodes) -> FlashKind {
    match outcome {
        DecidedCodes { inactive, lost, .. } if !inactive.is_empty() || !lost.is_empty() => {
            FlashKind::Warning
        }
        DecidedCodes { decided, .. } if decided.is_empty() => FlashKind::Info,
        _ => FlashKind::Success,
    }
}
