use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::lines::{ImportLine, ReadingView};
use crate::features::auth::pages::MerchantPage;
use crate::features::imports::text;
use crate::features::imports::{
    self, CheckedRow, Import, ImportCounts, ImportRow, RowStatus, check,
};
use crate::features::pushes;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::FormErrors;
use crate::kit::web::memory::Memory;
use crate::kit::web::numbers::{self, thousands};
use crate::kit::web::ok;

/// How many rows are shown. The download has all rejected rows.
const SHOWN: usize = 500;

/// The form values of the choice for rows that a spreadsheet seems to have changed.
pub(super) const CREATE_CHANGED: &str = "create";
pub(super) const SKIP_CHANGED: &str = "skip";
/// As pages from before an upgrade send it.
pub(super) const FORMER_SKIP_CHANGED: &str = "leave_out";

/// An import before, during or after it's saved.
#[derive(Template)]
#[template(path = "imports/show.html")]
pub(super) struct ImportPage {
    pub(crate) page: MerchantPage,
    pub(crate) import: Import,
    /// All rows of an open import. Empty once it's saved.
    pub(crate) checked: Vec<CheckedRow>,
    /// The skipped rows of an import that's saved or being saved, as long as they're stored.
    pub(crate) skipped: Vec<ImportRow>,
    /// How many rows are still to be created, while it's being saved.
    pub(crate) waiting: i64,
    /// The names of the stores that get new codes.
    pub(crate) stores: Vec<String>,
    pub(crate) errors: FormErrors,
    pub(crate) override_exclusions: bool,
    pub(crate) changed_rows: String,
    pub(crate) only_in_vouch: bool,
}

impl ImportPage {
    fn is_open(&self) -> bool {
        self.import.is_open()
    }

    /// How many triggers a running import creates in total.
    fn total(&self) -> i64 {
        i64::from(self.import.created_count) + self.waiting
    }

    fn to_create(&self) -> String {
        thousands(self.waiting)
    }

    fn counts(&self) -> ImportCounts {
        ImportCounts::of(&self.checked)
    }

    fn count(&self, is: fn(&RowStatus) -> bool) -> usize {
        self.checked.iter().filter(|one| is(&one.status)).count()
    }

    fn known(&self) -> usize {
        self.count(|status| matches!(status, RowStatus::Known(_)))
    }

    fn refused(&self) -> usize {
        self.count(|status| matches!(status, RowStatus::Refused(_)))
    }

    /// Includes the excluded rows that also look changed.
    fn all_excluded(&self) -> usize {
        self.count(|status| matches!(status, RowStatus::Excluded(..)))
    }

    fn can_create(&self) -> bool {
        let ImportCounts { fine, excluded, existing, changed } = self.counts();
        fine + excluded + existing + changed > 0
    }

    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn reading(&self) -> Option<ReadingView> {
        self.import.reading().map(ReadingView)
    }

    /// Rows that need attention come first.
    fn lines(&self) -> Vec<ImportLine<'_>> {
        if !self.is_open() {
            return self.skipped.iter().take(SHOWN).map(ImportLine::skipped).collect();
        }
        let place = |one: &&CheckedRow| match one.status {
            RowStatus::Refused(_) => 0,
            _ if one.is_changed() => 1,
            _ if one.existing_only().is_some() => 2,
            RowStatus::Excluded(..) => 3,
            RowStatus::Known(_) => 4,
            RowStatus::Fine => 5,
        };
        let mut checked: Vec<&CheckedRow> = self.checked.iter().collect();
        checked.sort_by_key(place);
        checked.into_iter().take(SHOWN).map(ImportLine::of).collect()
    }

    fn hidden(&self) -> usize {
        (self.checked.len() + self.skipped.len()).saturating_sub(SHOWN)
    }

    /// Whether a download of rows with reasons exists.
    fn has_reasons(&self) -> bool {
        !self.skipped.is_empty() || self.checked.iter().any(|one| one.reason().is_some())
    }

    fn create_words(&self) -> String {
        let ImportCounts { fine, excluded, existing, changed } = self.counts();
        text::create(fine, excluded + existing + changed)
    }

    fn override_words(&self) -> String {
        text::override_exclusions(self.all_excluded())
    }

    fn changed_words(&self) -> String {
        text::changed_codes(self.counts().changed)
    }

    fn changed_choices() -> [(&'static str, &'static str); 2] {
        [(SKIP_CHANGED, text::SKIP_THEM), (CREATE_CHANGED, text::CREATE_AS_SHOWN)]
    }

    fn offers_reach(&self) -> bool {
        !self.stores.is_empty() || self.checked.iter().any(|one| one.existing_only().is_some())
    }

    fn reach_hint(&self) -> String {
        let existing = self.checked.iter().filter(|one| one.existing_only().is_some()).count();
        text::existing_codes_hint(&self.stores, existing)
    }
}

struct PageData {
    import: Import,
    checked: Vec<CheckedRow>,
    skipped: Vec<ImportRow>,
    waiting: i64,
    stores: Vec<String>,
}

/// `GET /triggers/imports/{import_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    memory: Data<Memory>,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let _permit = memory.file_permit().await?;
    let (merchant_id, now) = (page.merchant_id(), page.actor().now);
    let found = db.merchant(merchant_id, move |conn| load(conn, merchant_id, *id, now)).await?;
    ok(&ImportPage {
        page,
        import: found.import,
        checked: found.checked,
        skipped: found.skipped,
        waiting: found.waiting,
        stores: found.stores,
        errors: FormErrors::new(),
        override_exclusions: false,
        changed_rows: String::new(),
        only_in_vouch: false,
    })
}

fn load(
    conn: &mut PgConnection,
    merchant_id: i64,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<PageData> {
    let import = Import::find(conn, merchant_id, id)?;
    let stores = pushes::destinations(conn, merchant_id)?;
    let (mut checked, mut skipped, mut waiting) = (Vec::new(), Vec::new(), 0);
    if import.is_open() {
        let rows = imports::rows(conn, merchant_id, id)?;
        checked = check(conn, merchant_id, rows, now)?;
    } else {
        skipped = imports::skipped_rows(conn, &import)?;
        waiting = imports::waiting_count(conn, &import)?;
    }
    Ok(PageData { import, checked, skipped, waiting, stores })
}

/// The upload's columns come first, so that the file can be corrected and uploaded again.
const COLUMNS: [&str; 7] =
    ["Affiliate", "Affiliate ID", "Affiliate Email", "Type", "Code", "Line", "Reason"];

/// `GET /triggers/imports/{import_id}/refused.csv`
pub(crate) async fn refused(
    db: Data<Db>,
    page: MerchantPage,
    memory: Data<Memory>,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let _permit = memory.file_permit().await?;
    let (merchant_id, now) = (page.merchant_id(), page.actor().now);
    let found = db.merchant(merchant_id, move |conn| load(conn, merchant_id, *id, now)).await?;
    let of_open = found.checked.into_iter().filter_map(|one| Some((one.reason()?, one.row)));
    let of_saved = found.skipped.into_iter().map(|row| (row.reason().unwrap_or_default(), row));
    let rows = of_open.chain(of_saved).map(|(reason, row)| {
        let texts = [row.affiliate, row.named_id, row.named_email, row.kind, row.value];
        let about = [Cell::plain(row.line), Cell::text(reason)];
        texts.into_iter().map(Cell::Text).chain(about).collect()
    });
    let download = csv::Download::begin(&db, page.actor(), "refused-rows.csv").await?;
    csv::whole(&download, &COLUMNS, rows.collect())
}
