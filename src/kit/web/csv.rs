//! CSV exports, streamed while the rows are read. The file is never in memory as a whole, and no
//! database connection is held while a slow reader downloads it.

use std::future::Future;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use diesel::QueryResult;
use futures_util::stream;

use super::spreadsheet;
use crate::kit::audit::{Actor, AuditRecord, SubjectKind, record};
use crate::kit::db::Db;
use crate::kit::error::{AppError, AppResult};
use crate::kit::security::{self, Kind};

/// The byte order mark in UTF-8. Without it, Excel uses the machine's own encoding.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The number of rows read at once.
pub(crate) const CHUNK: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Text from a user or a store. A spreadsheet must never treat it as a formula.
    Text(String),
    /// Text from Vouch: amounts, counts, times. It stays unchanged, so that −5.00 is a number.
    Plain(String),
}

impl Cell {
    /// Text from a user or a store.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Text from Vouch.
    pub(crate) fn plain(value: impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    fn safe(self) -> String {
        match self {
            Self::Plain(value) => value,
            Self::Text(text) => spreadsheet::safe(text),
        }
    }
}

/// Permission to send a file with a merchant's data. It proves that the audit log records the
/// download before the first byte is read.
pub(crate) struct Download {
    filename: &'static str,
}

impl Download {
    /// Records in the audit log that `actor` downloads the file.
    pub(crate) async fn begin(db: &Db, actor: Actor, filename: &'static str) -> AppResult<Self> {
        db.merchant(actor.merchant_id, move |conn| -> QueryResult<()> {
            let event = serde_json::json!({ "action": "export.downloaded", "file": filename });
            let act = AuditRecord {
                after: Some(serde_json::json!({ "file": filename })),
                ..AuditRecord::new(event, SubjectKind::Export, None)
            };
            record(conn, &actor, act)
        })
        .await?;
        security::note(Kind::ExportDownloaded.about("file", filename));
        Ok(Self { filename })
    }
}

/// Sends `header` and the rows of `chunk` as a file.
///
/// `chunk` gets its own last position (`None` at first) and returns rows with the next position;
/// none ends the file. An error aborts the download, so that a partial file doesn't look complete.
pub(crate) fn stream<K, F, Next>(download: &Download, header: &[&str], chunk: F) -> HttpResponse
where
    K: 'static,
    F: Fn(Option<K>) -> Next + 'static,
    Next: Future<Output = AppResult<(Vec<Vec<Cell>>, Option<K>)>> + 'static,
{
    let head = header.iter().copied().map(Cell::plain).collect();
    let body = stream::try_unfold(Some(State { head: Some(head), at: None, chunk }), advance);
    attachment(download.filename).streaming(Box::pin(body))
}

/// A short file: `header` and these rows.
pub(crate) fn whole(
    download: &Download,
    header: &[&str],
    rows: Vec<Vec<Cell>>,
) -> AppResult<HttpResponse> {
    template(download.filename, header, rows)
}

/// Like [`whole`], for a template file without any data of the merchant.
pub(crate) fn template(
    filename: &str,
    header: &[&str],
    rows: Vec<Vec<Cell>>,
) -> AppResult<HttpResponse> {
    let head = header.iter().copied().map(Cell::plain).collect();
    let bytes = write(true, std::iter::once(head).chain(rows))?;
    Ok(attachment(filename).body(bytes))
}

fn attachment(filename: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type("text/csv; charset=utf-8").insert_header((
        header::CONTENT_DISPOSITION,
        format!("attachment; filename=\"{filename}\""),
    ));
    response
}

struct State<K, F> {
    head: Option<Vec<Cell>>,
    at: Option<K>,
    chunk: F,
}

async fn advance<K, F, Next>(
    state: Option<State<K, F>>,
) -> AppResult<Option<(Bytes, Option<State<K, F>>)>>
where
    F: Fn(Option<K>) -> Next,
    Next: Future<Output = AppResult<(Vec<Vec<Cell>>, Option<K>)>>,
{
    let Some(mut state) = state else {
        return Ok(None);
    };
    let (rows, next) = (state.chunk)(state.at.take()).await?;
    let head = state.head.take();
    let bytes = write(head.is_some(), head.into_iter().chain(rows))?;
    let rest = next.map(|at| State { at: Some(at), ..state });
    Ok(Some((bytes, rest)))
}

/// Rows as CSV. If `is_start`, the byte order mark comes first.
fn write(is_start: bool, rows: impl Iterator<Item = Vec<Cell>>) -> AppResult<Bytes> {
    let fault = |error: csv::Error| AppError::Internal(error.into());
    let begin = if is_start { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(begin);
    for row in rows {
        writer.write_record(row.into_iter().map(Cell::safe)).map_err(fault)?;
    }
    let bytes =
        writer.into_inner().map_err(|error| AppError::Internal(error.into_error().into()))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn a_file_is_sent_chunk_by_chunk_under_one_header() {
        let download = Download { filename: "numbers.csv" };
        let response = stream(&download, &["Number", "Name"], |at: Option<i64>| async move {
            let at = at.unwrap_or(0);
            let row = vec![Cell::plain(at), Cell::text(format!("n\"{at}"))];
            Ok((vec![row], (at < 2).then_some(at + 1)))
        });
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, "\u{feff}Number,Name\n0,\"n\"\"0\"\n1,\"n\"\"1\"\n2,\"n\"\"2\"\n");
    }

    #[test]
    fn what_people_wrote_is_no_formula_and_amounts_stay_numbers() {
        assert_eq!(Cell::text("=1+1").safe(), "'=1+1");
        assert_eq!(Cell::plain("-5.00").safe(), "-5.00");
    }
}
