use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::further::waiting_page;
use super::model::CodeRequest;
use crate::affiliates::Affiliate;
use crate::db::Db;
use crate::error::{AppError, AppResult};
use crate::registration::{self, DecidedCodes, Denial};
use crate::urls;
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::{FlashKind, MerchantPage};
use crate::web::paginate::{Cursor, Listing};
use crate::web::when::When;
use crate::web::{ok, rejected, see_other};

/// Most codes of one decision.
const MOST_AT_ONCE: usize = 200;
/// Longest reason of a denial, as the database has it.
const REASON_CHARACTERS: usize = 1_000;

/// Where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RequestsQuery {
    after: String,
    before: String,
}

/// What was decided about the chosen codes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DecisionForm {
    /// approve or deny.
    decision: String,
    ids: Vec<i64>,
    /// Whose page it was sent from; empty for the list.
    affiliate: String,
    denial_reason: String,
    /// "send" for a letter.
    denial_letter: String,
}

#[derive(Template)]
#[template(path = "code_requests/index.html")]
struct RequestsPage {
    page: MerchantPage,
    requests: Listing<(CodeRequest, Affiliate)>,
    chosen: Vec<i64>,
    reason: String,
    letter: bool,
    errors: FormErrors,
}

impl RequestsPage {
    fn asked_at(&self, request: &CodeRequest) -> When {
        When::new(request.requested_at, self.page.merchant().tz())
    }

    fn address(direction: &str, key: Option<&String>) -> String {
        key.map_or_else(String::new, |key| {
            urls::with_query(&urls::code_requests(), &[(direction, key)])
        })
    }

    fn first(&self) -> String {
        self.requests.previous.as_ref().map_or_else(String::new, |_| urls::code_requests())
    }

    fn previous(&self) -> String {
        Self::address("before", self.requests.previous.as_ref())
    }

    fn next(&self) -> String {
        Self::address("after", self.requests.next.as_ref())
    }
}

/// `GET /affiliates/code-requests`: further codes that wait.
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<RequestsQuery>,
) -> AppResult<HttpResponse> {
    let cursor = Cursor::read(&query.after, &query.before);
    let requests = load(&db, page.merchant_id(), cursor).await?;
    let (chosen, reason, errors) = (Vec::new(), String::new(), FormErrors::new());
    ok(&RequestsPage { page, requests, chosen, reason, letter: true, errors })
}

async fn load(
    db: &Db,
    merchant_id: i64,
    cursor: Cursor<i64>,
) -> AppResult<Listing<(CodeRequest, Affiliate)>> {
    db.merchant(merchant_id, move |conn| waiting_page(conn, merchant_id, &cursor)).await
}

/// `POST /affiliates/code-requests/decisions`
pub async fn decide(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<DecisionForm>,
) -> AppResult<HttpResponse> {
    let approves = match form.decision.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(AppError::BadRequest("Choose Approve or Deny on the page.".into())),
    };
    let back = form.affiliate.parse().map_or_else(|_| urls::code_requests(), urls::affiliate);
    if form.ids.is_empty() {
        page.leave(FlashKind::Info, "Choose codes by their check boxes first.")?;
        return Ok(see_other(&back));
    }
    if form.ids.len() > MOST_AT_ONCE {
        return Err(AppError::BadRequest(format!("Choose at most {MOST_AT_ONCE} codes at once.")));
    }
    let characters = form.denial_reason.trim().chars().count();
    if !approves && characters > REASON_CHARACTERS {
        let words = format!("Shorten it to 1,000 characters; it has {characters}.");
        let errors = FormErrors::one("denial_reason", words);
        let requests = load(&db, page.merchant_id(), Cursor::Start).await?;
        let DecisionForm { ids: chosen, denial_reason: reason, denial_letter, .. } = form;
        let letter = !denial_letter.is_empty();
        return rejected(&RequestsPage { page, requests, chosen, reason, letter, errors });
    }
    let actor = page.actor();
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            if approves {
                return registration::approve_codes(conn, &actor, &form.ids);
            }
            let denial = Denial { reason: form.denial_reason.trim().to_owned() };
            let sends = !form.denial_letter.is_empty();
            registration::deny_codes(conn, &actor, &form.ids, &denial, sends)
        })
        .await?;
    let (kind, text) = words(&outcome, approves);
    page.leave(kind, text)?;
    Ok(see_other(&back))
}

/// What became of the chosen codes.
fn words(outcome: &DecidedCodes, approves: bool) -> (FlashKind, String) {
    let mut sentences = Vec::new();
    match (outcome.decided.as_slice(), approves) {
        ([], _) => {}
        ([(code, name)], true) => sentences.push(format!("{code} is a code of {name} now.")),
        ([(code, _)], false) => sentences.push(format!("{code} is denied, and free again.")),
        (codes, true) => sentences.push(format!("{} codes are approved.", codes.len())),
        (codes, false) => {
            sentences.push(format!("{} codes are denied, and free again.", codes.len()));
        }
    }
    for (code, name) in &outcome.inactive {
        sentences.push(format!("{code} waits on: {name} is not Active."));
    }
    for (code, name) in &outcome.lost {
        sentences
            .push(format!("{code} has gone to somebody else meanwhile: give {name} another code."));
    }
    if sentences.is_empty() {
        let text = "Nothing to decide: the codes were decided meanwhile, or are not asked for any \
                    more.";
        return (FlashKind::Info, text.to_owned());
    }
    let fine = outcome.inactive.is_empty() && outcome.lost.is_empty();
    let kind = if fine { FlashKind::Success } else { FlashKind::Warning };
    (kind, sentences.join(" "))
}
