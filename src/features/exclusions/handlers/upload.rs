use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::prelude::*;

use super::enabled;
use super::list::COLUMNS;
use crate::features::auth::pages::MerchantPage;
use crate::features::code_requests;
use crate::features::exclusions::SaveError;
use crate::features::exclusions::upload::{self, Upload, UploadRow, UploadStatus};
use crate::features::triggers::list::count_like;
use crate::kit::audit::Actor;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::form::FormErrors;
use crate::kit::web::idempotency::AnswerAt;
use crate::kit::web::memory::Memory;
use crate::kit::web::numbers::{self, counted, thousands};
use crate::kit::web::upload::CsrfUpload;
use crate::kit::web::{ok, rejected};

/// How many rows of a file are shown.
const SHOWN: usize = 500;
/// Up to this many new exclusions are checked against affiliates' codes.
const LOOKED_AT: usize = 300;

#[derive(Template)]
#[template(path = "exclusions/upload.html")]
struct UploadPage {
    page: MerchantPage,
    errors: FormErrors,
    /// The parsed file, if any.
    status: Option<UploadResult>,
    choice: Choice,
}

/// The selected checkboxes.
#[derive(Clone, Copy, Debug, Default)]
struct Choice {
    /// Add the valid rows and skip the others.
    good_rows: bool,
    /// Add codes that look changed by a spreadsheet as they are.
    keep_changed: bool,
}

/// The result of an upload.
struct UploadResult {
    file_name: String,
    upload: Upload,
    /// Whether its valid rows were added.
    is_done: bool,
    /// How many of them match affiliates' codes; `None` if there are too many to check.
    touching: Option<usize>,
}

impl UploadResult {
    fn count(&self, is: impl Fn(&UploadStatus) -> bool) -> String {
        thousands(self.upload.count(is))
    }

    fn added(&self) -> String {
        self.count(|status| *status == UploadStatus::Added)
    }

    fn left_out(&self) -> usize {
        self.upload.wrong() + self.upload.changed()
    }

    fn columns(&self) -> String {
        let used = self.upload.reading.used.iter().map(|used| used.name.as_str());
        used.collect::<Vec<_>>().join(", ")
    }

    fn on_list(&self) -> usize {
        self.upload.count(|status| matches!(status, UploadStatus::OnList(_)))
    }

    /// How many repeat an earlier line of the file.
    fn repeated(&self) -> usize {
        self.upload.count(|status| matches!(status, UploadStatus::InFile(_)))
    }

    /// Rows that need attention come first.
    fn rows(&self) -> Vec<&UploadRow> {
        let is_wrong = |row: &&UploadRow| {
            matches!(row.status, UploadStatus::Wrong(_) | UploadStatus::Changed(_))
        };
        let mut rows: Vec<&UploadRow> = self.upload.rows.iter().filter(is_wrong).collect();
        rows.extend(self.upload.rows.iter().filter(|row| !is_wrong(row)));
        rows.truncate(SHOWN);
        rows
    }

    fn all(&self) -> String {
        counted(self.upload.rows.len(), "row", "rows")
    }

    fn hidden(&self) -> usize {
        self.upload.rows.len().saturating_sub(SHOWN)
    }
}

/// `GET /settings/coupon-exclusions/uploads/new`
pub(crate) async fn new_upload(page: MerchantPage) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let choice = Choice::default();
    ok(&UploadPage { page, errors: FormErrors::new(), status: None, choice })
}

/// The example rows of the template.
const EXAMPLES: [[&str; 5]; 2] = [
    ["BLACKFRIDAY*", "Store sale", "2026-11-20", "2026-11-30", "Claims"],
    ["WELCOME10", "Newsletter code", "", "", "Claims and orders"],
];

/// `GET /settings/coupon-exclusions/template.csv`
pub(crate) async fn template(page: MerchantPage) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let rows = EXAMPLES.iter().map(|row| row.iter().copied().map(Cell::text).collect());
    csv::template("coupon-exclusions-template.csv", &COLUMNS, rows.collect())
}

/// `POST /settings/coupon-exclusions/uploads`: adds all rows of a file, or none. With `good_rows`
/// it adds the valid rows, with `keep_changed` also codes that look changed by a spreadsheet.
pub(crate) async fn upload(
    db: Data<Db>,
    page: MerchantPage,
    memory: Data<Memory>,
    sent: CsrfUpload,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let _permit = memory.file_permit().await?;
    let is_ticked = |name: &str| !sent.field(name).is_empty();
    let choice =
        Choice { good_rows: is_ticked("good_rows"), keep_changed: is_ticked("keep_changed") };
    let (file_name, tz) = (sent.file_name.clone(), page.merchant().tz());
    let read = move |file: &[u8]| upload::read(file, tz, choice.keep_changed);
    let file = match sent.read_file(read).await? {
        Ok(file) => file,
        Err(error) => {
            let errors = FormErrors::one("file", error.to_string());
            return rejected(&UploadPage { page, errors, status: None, choice });
        }
    };
    let actor = page.actor();
    let outcome =
        db.merchant(actor.merchant_id, move |conn| take(conn, &actor, file, choice)).await?;
    match outcome {
        Ok((upload, is_done, touching)) => {
            let status = Some(UploadResult { file_name, upload, is_done, touching });
            let shown = UploadPage { page, errors: FormErrors::new(), status, choice };
            if !is_done {
                return rejected(&shown);
            }
            let mut response = ok(&shown)?;
            response.extensions_mut().insert(AnswerAt("/settings/coupon-exclusions"));
            Ok(response)
        }
        Err(why) => {
            let errors = FormErrors::one("file", why);
            rejected(&UploadPage { page, errors, status: None, choice })
        }
    }
}

type UploadCheck = (Upload, bool, Option<usize>);

fn take(
    conn: &mut PgConnection,
    actor: &Actor,
    mut file: Upload,
    choice: Choice,
) -> QueryResult<Result<UploadCheck, String>> {
    upload::compare(conn, actor.merchant_id, &mut file)?;
    let is_done = file.wrong() + file.changed() == 0 || choice.good_rows;
    if is_done {
        match upload::add_all(conn, actor, &file) {
            Ok(()) => {}
            Err(SaveError::Database(error)) => return Err(error),
            // Rejected before anything was written.
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    let touching = touching(conn, actor.merchant_id, &file)?;
    Ok(Ok((file, is_done, touching)))
}

fn touching(
    conn: &mut PgConnection,
    merchant_id: i64,
    file: &Upload,
) -> QueryResult<Option<usize>> {
    if file.added() > LOOKED_AT {
        return Ok(None);
    }
    let asked = code_requests::waiting(conn, merchant_id)?;
    let mut touching = 0;
    for pattern in file.patterns() {
        let touches = asked.iter().any(|one| one.is_like(pattern))
            || !count_like(conn, merchant_id, pattern)?.is_zero();
        touching += usize::from(touches);
    }
    Ok(Some(touching))
}
