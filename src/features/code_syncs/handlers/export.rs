use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use diesel::QueryResult;

use super::query::DifferenceQuery;
use super::words::DifferenceView;
use crate::features::auth::pages::MerchantPage;
use crate::features::code_syncs::{CodeSync, piece};
use crate::features::stores::Store;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::paginate::Cursor;

const COLUMNS: [&str; 8] = [
    "Code",
    "Finding",
    "In the store as",
    "State in the store",
    "A shopper gets",
    "Affiliate",
    "What to do",
    "Page in the store",
];

/// `GET /settings/stores/{store_id}/code_sync.csv`: exactly what the list shows under the same
/// address, all pages of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    query: Query<DifferenceQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, store_id) = (page.merchant_id(), *store_id);
    let filter = query.filter();
    // Before anything is sent, so that a store that is not there is 404.
    db.merchant(merchant_id, move |conn| Store::find_called(conn, merchant_id, store_id)).await?;
    let download = csv::Download::begin(&db, page.actor(), "codes-compared.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, filter) = (db.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            db.merchant(merchant_id, move |conn| -> QueryResult<_> {
                let store = Store::find_called(conn, merchant_id, store_id)?;
                let Some(shown) = CodeSync::shown(conn, &store)? else {
                    return Ok((Vec::new(), None));
                };
                let (rows, next) = piece(conn, &store, &shown, &filter, &cursor, csv::CHUNK)?;
                let rows = rows.into_iter().map(|row| DifferenceView::new(row, &store, &shown));
                Ok((rows.map(|view| line(&view)).collect(), next))
            })
            .await
        }
    }))
}

fn line(view: &DifferenceView) -> Vec<Cell> {
    let finding = view.finding();
    let here = view.row.trigger.as_ref().map_or(&finding.code, |trigger| &trigger.value);
    let there = if finding.state.is_some() { finding.code.as_str() } else { "" };
    vec![
        Cell::text(here),
        Cell::plain(finding.status),
        Cell::text(there),
        Cell::plain(finding.state.map_or("", |state| state.label())),
        Cell::text(&finding.rules),
        Cell::text(&view.row.holder),
        Cell::text(&view.next),
        Cell::text(finding.admin_url().unwrap_or_default()),
    ]
}
