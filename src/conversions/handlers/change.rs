use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;

use crate::conversions::ConversionStatus;
use crate::conversions::change::{self, Changed, OverruleError};
use crate::db::Db;
use crate::error::{AppError, AppResult};
use crate::urls;
use crate::web::form::{CsrfForm, Nothing};
use crate::web::page::{FlashKind, MerchantPage};
use crate::web::see_other;

/// The most characters of a note.
pub(super) const NOTE_LENGTH: usize = 500;

/// What is decided, on which conversions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StatusForm {
    ids: Vec<i64>,
    status: String,
    note: String,
    back: String,
}

/// What is noted with a decision on one conversion.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NoteForm {
    note: String,
    back: String,
}

/// `POST /conversions/statuses`: approves, denies, or sets back to Pending.
pub async fn set_status(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<StatusForm>,
) -> AppResult<HttpResponse> {
    let back = back_to(&form.back);
    let status = ConversionStatus::parse(&form.status)
        .filter(|status| *status != ConversionStatus::Unqualified)
        .ok_or_else(|| AppError::BadRequest("Choose Approve, Deny or Back to Pending.".into()))?;
    if form.ids.is_empty() {
        page.leave(FlashKind::Info, "Choose at least one conversion first.")?;
        return Ok(see_other(&back));
    }
    let (actor, ids, note) = (page.actor(), form.ids, noted(&form.note));
    let changed = db
        .merchant(actor.merchant_id, move |conn| {
            change::set_status(conn, &actor, &ids, status, &note)
        })
        .await?;
    tell(&page, changed, &was_set(status, changed.changed), &back)?;
    Ok(see_other(&back))
}

fn was_set(status: ConversionStatus, count: usize) -> String {
    let what = if count == 1 { "1 conversion".to_owned() } else { format!("{count} conversions") };
    match status {
        ConversionStatus::Approved => format!("Approved {what}."),
        ConversionStatus::Denied => format!("Denied {what}: no commission counts for it."),
        ConversionStatus::Pending | ConversionStatus::Unqualified => {
            format!("Set {what} back to Pending.")
        }
    }
}

/// Says what was done, with the way back, and what was left alone.
fn tell(page: &MerchantPage, changed: Changed, done: &str, back: &str) -> AppResult<()> {
    let left_alone = match changed.left_alone {
        0 => String::new(),
        1 => " 1 was left alone: it stands so already, or is Unqualified.".to_owned(),
        n => format!(" {n} were left alone: they stand so already, or are Unqualified."),
    };
    match changed.change_id {
        None => page.leave(FlashKind::Info, format!("Nothing was changed.{left_alone}")),
        Some(id) => page
            .done_undoable(format!("{done}{left_alone}"), urls::conversion_change_undo(id, back)),
    }
}

/// `POST /conversions/{conversion_id}/overruling`
pub async fn overrule(
    db: Data<Db>,
    page: MerchantPage,
    conversion_id: Path<i64>,
    CsrfForm(form): CsrfForm<NoteForm>,
) -> AppResult<HttpResponse> {
    let back = back_to(&form.back);
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
        Ok(changed) => tell(&page, changed, "Overruled: the conversion counts now.", &back)?,
        Err(refusal) => page.leave(FlashKind::Warning, refusal.to_string())?,
    }
    Ok(see_other(&back))
}

/// Where an undo leads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UndoQuery {
    back: String,
}

/// `POST /conversions/changes/{change_id}/undo`
pub async fn undo(
    db: Data<Db>,
    page: MerchantPage,
    change_id: Path<i64>,
    query: Query<UndoQuery>,
    _form: CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let undone =
        db.merchant(actor.merchant_id, move |conn| change::undo(conn, &actor, *change_id)).await?;
    let what = match undone.changed {
        1 => "Undone: 1 conversion is as it was before.".to_owned(),
        count => format!("Undone: {count} conversions are as they were before."),
    };
    let left = match undone.left_alone {
        0 => String::new(),
        n => format!(" {n} had changed again since and stayed so."),
    };
    page.done(format!("{what}{left}"))?;
    Ok(see_other(&back_to(&query.back)))
}

fn noted(typed: &str) -> String {
    typed.trim().chars().take(NOTE_LENGTH).collect()
}

/// Only lists and pages that show conversions.
fn back_to(typed: &str) -> String {
    let known = ["/conversions", "/orders/", "/affiliates/"];
    let plain = !typed.contains(['\\', '\r', '\n']) && typed.len() < 2_000;
    if plain && known.iter().any(|start| typed.starts_with(start)) {
        typed.to_owned()
    } else {
        urls::conversions()
    }
}
