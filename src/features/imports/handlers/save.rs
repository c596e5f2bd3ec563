use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Deserialize;

use super::show::{CREATE_CHANGED, FORMER_SKIP_CHANGED, ImportPage, SKIP_CHANGED};
use crate::features::auth::pages::MerchantPage;
use crate::features::imports::text;
use crate::features::imports::{
    self, CheckedRow, Completed, Import, ImportCounts, ImportDecisions,
};
use crate::features::pushes;
use crate::features::triggers::Reach;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::memory::Memory;
use crate::kit::web::{rejected, see_other};

/// The decisions of a member who has seen the rows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CompletionForm {
    /// How many rows were fine then.
    fine: usize,
    /// How many were excluded.
    excluded: usize,
    /// How many a spreadsheet seemed to have changed.
    changed: usize,
    /// How many were only possible as codes that already exist in the stores.
    existing: usize,
    override_exclusions: bool,
    /// The choice for the changed rows: [`CREATE_CHANGED`](super::show::CREATE_CHANGED) or
    /// `SKIP_CHANGED`.
    changed_rows: String,
    only_in_vouch: bool,
}

impl CompletionForm {
    fn choice(&self) -> ImportDecisions {
        let &Self { fine, excluded, changed, existing, .. } = self;
        ImportDecisions {
            override_exclusions: self.override_exclusions,
            keep_changed: match self.changed_rows.as_str() {
                CREATE_CHANGED => Some(true),
                SKIP_CHANGED | FORMER_SKIP_CHANGED => Some(false),
                _ => None,
            },
            reach: if self.only_in_vouch { Reach::VouchOnly } else { Reach::Stores },
            seen: ImportCounts { fine, excluded, existing, changed },
        }
    }
}

/// `POST /triggers/imports/{import_id}/completion`: creates the possible triggers, or the first portion of
/// a large file.
pub(crate) async fn complete(
    db: Data<Db>,
    page: MerchantPage,
    memory: Data<Memory>,
    id: Path<i64>,
    CsrfForm(form): CsrfForm<CompletionForm>,
) -> AppResult<HttpResponse> {
    let _permit = memory.file_permit().await?;
    let (actor, choice) = (page.actor(), form.choice());
    let (completed, stores) = db
        .merchant(actor.merchant_id, move |conn| {
            let completed = imports::complete(conn, &actor, *id, choice)?;
            diesel::QueryResult::Ok((completed, pushes::destinations(conn, actor.merchant_id)?))
        })
        .await?;
    match completed {
        Completed::Begun(import) => {
            if !import.is_running() {
                let stores = if choice.reach == Reach::VouchOnly { &[][..] } else { &stores };
                page.done(text::created(import.created_count, stores))?;
            }
            Ok(see_other(&urls::import(import.id)))
        }
        Completed::Already(import) => {
            page.leave(FlashKind::Info, text::ALREADY_CREATED)?;
            Ok(see_other(&urls::import(import.id)))
        }
        Completed::Changed(import, checked) => refuse(
            page,
            import,
            checked,
            (stores, form),
            FormErrors::one("", text::CHANGED_SINCE_PREVIEW),
        ),
        Completed::Undecided(import, checked) => {
            let errors = FormErrors::one("changed_rows", text::CHOOSE_CHANGED);
            refuse(page, import, checked, (stores, form), errors)
        }
        Completed::Nothing(import, checked) => refuse(
            page,
            import,
            checked,
            (stores, form),
            FormErrors::one("", text::NOTHING_TO_CREATE),
        ),
    }
}

fn refuse(
    page: MerchantPage,
    import: Import,
    checked: Vec<CheckedRow>,
    (stores, form): (Vec<String>, CompletionForm),
    errors: FormErrors,
) -> AppResult<HttpResponse> {
    rejected(&ImportPage {
        page,
        import,
        checked,
        skipped: Vec::new(),
        waiting: 0,
        stores,
        errors,
        override_exclusions: form.override_exclusions,
        changed_rows: form.changed_rows,
        only_in_vouch: form.only_in_vouch,
    })
}
