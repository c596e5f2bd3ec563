use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};

use super::words::DifferenceView;
use crate::features::auth::pages::MerchantPage;
use crate::features::code_syncs::{BY_CODE, CodeSync, DifferenceFilter, rows};
use crate::features::stores::Store;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{self, Listing, Params};
use crate::kit::urls;
use crate::kit::web::csv::Cell;

const COLUMNS: [&str; 8] = [
    "Code",
    "Result",
    "Code in store",
    "Status in store",
    "Discount",
    "Affiliate",
    "What to do",
    "Store URL",
];

/// `GET /settings/stores/{store_id}/code-sync.csv`: all pages of the list that has the same parameters.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    store_id: Path<i64>,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let (merchant_id, store_id) = (page.merchant_id(), *store_id);
    let mut address = params.into_inner().at(urls::code_sync_csv(store_id));
    let filter = DifferenceFilter::read(&mut address);
    // Before anything is sent, so that a missing store is a 404.
    db.merchant(merchant_id, move |conn| Store::find_called(conn, merchant_id, store_id)).await?;
    let file = ("codes-compared.csv", &COLUMNS[..]);
    lists::export(db, page.actor(), file, BY_CODE, move |conn, range| {
        let store = Store::find_called(conn, merchant_id, store_id)?;
        let Some(shown) = CodeSync::shown(conn, &store)? else { return Ok(Listing::empty()) };
        let found = rows(conn, &store, &shown, &filter, range)?;
        Ok(found.map(|row| line(&DifferenceView::new(row, &store, &shown))))
    })
    .await
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
