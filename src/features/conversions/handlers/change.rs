use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use diesel::QueryResult;
use serde::Deserialize;

use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::change::{
    self, NOTE_LENGTH, NewReview, OverruleError, ReviewOutcome,
};
use crate::features::conversions::{DenialReason, Review, text};
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::local_path::LocalPath;
use crate::kit::web::see_other;

/// The conversions to review, with the new status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReviewForm {
    ids: Vec<i64>,
    status: String,
    /// The reason for a denial. If it's empty or `Other`, the note decides.
    reason: String,
    note: String,
    back: LocalPath,
}

impl ReviewForm {
    fn review<'a>(&self, note: &'a str) -> Option<NewReview<'a>> {
        match Review::parse(&self.status)? {
            Review::Approved => Some(NewReview::Approve { note }),
            Review::Pending => Some(NewReview::BackToPending { note }),
            Review::Denied => {
                let reason = match DenialReason::parse(&self.reason) {
                    None if !self.reason.is_empty() => return None,
                    None | Some(DenialReason::Other) => DenialReason::of_note(note),
                    Some(reason) => reason,
                };
                Some(NewReview::Deny { reason, note })
            }
        }
    }
}

/// A note on the decision about one conversion.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NoteForm {
    note: String,
    back: LocalPath,
}

/// `POST /conversions/statuses`: approves, denies, or sets back to pending.
pub(crate) async fn set_status(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<ReviewForm>,
) -> AppResult<HttpResponse> {
    let back = back_to(&form.back).to_owned();
    let note = noted(&form.note);
    if form.review(&note).is_none() {
        return Err(AppError::BadRequest(text::CHOOSE_STATUS.into()));
    }
    if form.ids.is_empty() {
        page.leave(FlashKind::Info, text::SELECT_ONE)?;
        return Ok(see_other(&back));
    }
    let actor = page.actor();
    let (changed, result) = db
        .merchant(actor.merchant_id, move |conn| {
            let Some(review) = form.review(&note) else { return Ok(Default::default()) };
            let changed = change::review(conn, &actor, &form.ids, &review)?;
            QueryResult::Ok((changed, text::reviewed(&review, &changed)))
        })
        .await?;
    tell(&page, changed, &result, &back)?;
    Ok(see_other(&back))
}

/// Shows a message with the result, and an undo button if anything changed.
fn tell(page: &MerchantPage, changed: ReviewOutcome, result: &str, back: &str) -> AppResult<()> {
    match changed.change_id {
        None => page.leave(FlashKind::Info, result),
        Some(id) => page.done_undoable(result, urls::conversion_change_undo(id, back)),
    }
}

/// `POST /conversions/{conversion_id}/overruling`
pub(crate) async fn overrule(
    db: Data<Db>,
    page: MerchantPage,
    conversion_id: Path<i64>,
    CsrfForm(form): CsrfForm<NoteForm>,
) -> AppResult<HttpResponse> {
    let back = back_to(&form.back).to_owned();
    let (actor, note) = (page.actor(), noted(&form.note));
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            match change::overrule(conn, &actor, *conversion_id, &note) {
                Err(OverruleError::Database(error)) => Err(error),
                outcome => Ok(outcome),
            }
        })
        .await?;
    match outcome {
        Ok(changed) => tell(&page, changed, text::CREDITED, &back)?,
        Err(refusal) => page.leave(FlashKind::Warning, refusal.to_string())?,
    }
    Ok(see_other(&back))
}

/// The page to return to after an undo.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct UndoQuery {
    back: LocalPath,
}

/// `POST /conversions/changes/{change_id}/undo`
pub(crate) async fn undo(
    db: Data<Db>,
    page: MerchantPage,
    change_id: Path<i64>,
    query: Query<UndoQuery>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let undone =
        db.merchant(actor.merchant_id, move |conn| change::undo(conn, &actor, *change_id)).await?;
    let kind = if undone.changed == 0 { FlashKind::Info } else { FlashKind::Success };
    page.leave(kind, text::undone(&undone))?;
    Ok(see_other(back_to(&query.back)))
}

fn noted(typed: &str) -> String {
    typed.trim().chars().take(NOTE_LENGTH).collect()
}

/// Only pages that show conversions are allowed.
fn back_to(back: &LocalPath) -> &str {
    back.under(&["/conversions", "/orders", "/affiliates"]).unwrap_or("/conversions")
}
