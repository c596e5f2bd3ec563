use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use vouch_core::money::format_plain;

use super::query::ListQuery;
use crate::features::affiliates::list::{self, AffiliateRow, since};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::paginate::Cursor;

/// The last one is for members who may pay: a viewer, and support staff under "view as", get a file
/// without it.
const COLUMNS: [&str; 13] = [
    "Affiliate ID",
    "Name",
    "E-mail",
    "Status",
    "Offer",
    "Joined",
    "Codes",
    "Orders, 30 days",
    "Revenue, 30 days",
    "Commission, 30 days",
    "Currency",
    "Commission in other currencies, 30 days",
    "Payment address",
];

/// `GET /affiliates.csv`: exactly what the list shows under the same address, all pages of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let (filter, sort) = (query.filter(), query.sort());
    let since = since(page.actor().now, &merchant);
    let width = if page.may_write() { COLUMNS.len() } else { COLUMNS.len() - 1 };
    let download = csv::Download::begin(&db, page.actor(), "affiliates.csv").await?;
    Ok(csv::stream(&download, &COLUMNS[..width], move |cursor| {
        let (db, merchant, filter) = (db.clone(), merchant.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let merchant_id = merchant.id;
            let (rows, next) = db
                .merchant(merchant_id, move |conn| {
                    list::piece(conn, merchant_id, &filter, sort, &cursor, csv::CHUNK, since)
                })
                .await?;
            let line = |row: &AffiliateRow| {
                let mut cells = line(row, &merchant);
                cells.truncate(width);
                cells
            };
            Ok((rows.iter().map(line).collect(), next))
        }
    }))
}

fn line(row: &AffiliateRow, merchant: &Merchant) -> Vec<Cell> {
    let own = merchant.currency;
    let mine = row.rollups.iter().find(|rollups| rollups.currency == own);
    let others: Vec<String> = row
        .rollups
        .iter()
        .filter(|rollups| rollups.currency != own)
        .map(|rollups| {
            let currency = rollups.currency;
            format!("{} {currency}", format_plain(rollups.commission_minor, currency))
        })
        .collect();
    let orders: i64 = row.rollups.iter().map(|rollups| rollups.conversions).sum();
    let joined = row.affiliate.created_at.with_timezone(&merchant.tz());
    vec![
        Cell::plain(&row.affiliate.public_id),
        Cell::text(&row.affiliate.name),
        Cell::text(&row.affiliate.email),
        Cell::plain(row.affiliate.status),
        Cell::text(&row.offer_name),
        Cell::plain(joined.to_rfc3339()),
        Cell::plain(row.codes),
        Cell::plain(orders),
        Cell::plain(format_plain(mine.map_or(0, |rollups| rollups.revenue_minor), own)),
        Cell::plain(format_plain(mine.map_or(0, |rollups| rollups.commission_minor), own)),
        Cell::plain(own),
        Cell::plain(others.join("; ")),
        Cell::text(&row.affiliate.payout_details),
    ]
}
