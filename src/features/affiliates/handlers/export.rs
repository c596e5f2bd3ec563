use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use vouch_core::money::format_plain;

use crate::features::affiliates::list::{
    self, AffiliateFilter, AffiliateRow, AffiliateSort, since,
};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{self, Params, Sort};
use crate::kit::web::csv::Cell;

/// The last column contains payout details. The file of viewers, and of support staff under "view as",
/// omits it.
const COLUMNS: [&str; 13] = [
    "Affiliate ID",
    "Name",
    "Email",
    "Status",
    "Offer",
    "Joined",
    "Codes",
    "Conversions, 30 days",
    "Revenue, 30 days",
    "Commission, 30 days",
    "Currency",
    "Commission in other currencies, 30 days",
    "Payout details",
];

/// `GET /affiliates.csv`: all pages of the list that has the same parameters.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let mut address = params.into_inner().at("/affiliates.csv");
    let filter = AffiliateFilter::read(&mut address);
    let sort = AffiliateSort::read(&mut address, &filter.search);
    let since = since(page.actor().now, &merchant);
    let width = if page.may_write() { COLUMNS.len() } else { COLUMNS.len() - 1 };
    let file = ("affiliates.csv", &COLUMNS[..width]);
    lists::export(db, page.actor(), file, sort.order(), move |conn, range| {
        let found = list::rows(conn, merchant.id, (&filter, sort), range, since)?;
        Ok(found.map(|row| {
            let mut cells = line(&row, &merchant);
            cells.truncate(width);
            cells
        }))
    })
    .await
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
    let conversions: i64 = row.rollups.iter().map(|rollups| rollups.conversions).sum();
    let joined = row.affiliate.created_at.with_timezone(&merchant.tz());
    vec![
        Cell::plain(&row.affiliate.public_id),
        Cell::text(&row.affiliate.name),
        Cell::text(&row.affiliate.email),
        Cell::plain(row.affiliate.status),
        Cell::text(&row.offer_name),
        Cell::plain(joined.to_rfc3339()),
        Cell::plain(row.codes),
        Cell::plain(conversions),
        Cell::plain(format_plain(mine.map_or(0, |rollups| rollups.revenue_minor), own)),
        Cell::plain(format_plain(mine.map_or(0, |rollups| rollups.commission_minor), own)),
        Cell::plain(own),
        Cell::plain(others.join("; ")),
        Cell::text(&row.affiliate.payout_details),
    ]
}
