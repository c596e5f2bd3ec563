use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use diesel::prelude::*;
use vouch_core::money::{format_money, format_plain};

use super::query::ListQuery;
use crate::features::affiliates::{Frame, FrameItem};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::list::{self, ConversionRow, Names, StatusFilter, Totals};
use crate::features::conversions::{ConversionFilter, DenialReason, Review, Via};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;
use crate::kit::web::paginate::{Cursor, Listing};

/// A list of conversions, of the program or of one affiliate: everything in `#results`.
pub struct ConversionList {
    /// Where the list stands.
    pub path: String,
    /// What its address says.
    pub query: ListQuery,
    /// The list of one affiliate; of all, who then stand in a column, if `None`.
    pub affiliate_id: Option<i64>,
    /// Whether the rows can be chosen and decided upon.
    pub may_write: bool,
    names: Names,
    rows: Vec<ConversionView>,
    previous: Option<String>,
    next: Option<String>,
    totals: Totals,
}

/// A conversion as a row shows it.
pub struct ConversionView {
    /// The row.
    pub row: ConversionRow,
    /// When the order was placed, or the amount given.
    pub when: DisplayTime,
}

impl ConversionView {
    fn new(row: ConversionRow, merchant: &Merchant) -> Self {
        Self { when: DisplayTime::new(row.conversion.occurred_at, merchant.tz()), row }
    }

    fn money(&self, minor: i64) -> String {
        format_money(minor, self.row.conversion.currency)
    }

    fn revenue(&self) -> String {
        // A manual amount stands for no sale.
        if self.row.conversion.order_id.is_none() {
            return String::new();
        }
        self.money(self.row.conversion.revenue_minor)
    }

    fn commission(&self) -> String {
        self.money(self.row.conversion.commission_minor)
    }

    fn affiliate_url(&self) -> String {
        urls::affiliate_conversions(self.row.conversion.affiliate_id)
    }

    fn order_url(&self) -> Option<String> {
        self.row.conversion.order_id.map(urls::order)
    }

    fn order_name(&self) -> &str {
        self.row.order.as_deref().unwrap_or("Order")
    }

    fn trigger_url(&self) -> String {
        self.row.conversion.trigger_id.map(urls::trigger).unwrap_or_default()
    }

    /// What the check box stands for, for who cannot see the row.
    fn choice(&self) -> String {
        let what = self.row.order.as_deref().unwrap_or("manual credit");
        format!("Choose {what} of {}", self.row.affiliate)
    }
}

impl ConversionList {
    /// The rows of a page as it shows them.
    pub fn new(
        page: &MerchantPage,
        (path, query): (String, ListQuery),
        affiliate_id: Option<i64>,
        found: Found,
    ) -> Self {
        let Listing { rows, previous, next } = found.listing;
        let merchant = page.merchant();
        Self {
            path,
            query,
            affiliate_id,
            may_write: page.may_write(),
            names: found.names,
            rows: rows.into_iter().map(|row| ConversionView::new(row, merchant)).collect(),
            previous,
            next,
            totals: found.totals,
        }
    }

    fn shows_affiliate(&self) -> bool {
        self.affiliate_id.is_none()
    }

    /// The list as it stands, as a file.
    fn export(&self) -> String {
        let mut query = self.query.clone();
        if let Some(id) = self.affiliate_id {
            query.affiliate = id.to_string();
        }
        query.first(&urls::conversions_csv())
    }

    fn chips(&self) -> Vec<(String, String)> {
        self.query.chips(&self.path, &self.names)
    }

    /// Whether the search looked at a part only, so that the rows are not all there is.
    fn is_cut(&self) -> bool {
        self.totals.is_cut
    }

    /// `1,234 conversions`, with what the credited ones come to.
    fn count(&self) -> String {
        let count = match self.totals.count.exact() {
            Some(1) => "1 conversion".to_owned(),
            _ => format!("{} conversions", self.totals.count),
        };
        let credited: Vec<String> = self
            .totals
            .credited
            .iter()
            .map(|sum| {
                let money = |minor| format_money(minor, sum.currency);
                let (commission, revenue) = (money(sum.commission_minor), money(sum.revenue_minor));
                let refunds = match sum.refunded_minor {
                    0 => String::new(),
                    refunded => format!(" after {} refunds", money(refunded)),
                };
                format!("{commission} commission on {revenue} revenue{refunds}")
            })
            .collect();
        if credited.is_empty() {
            return count;
        }
        format!("{count}; Pending and Approved: {}", credited.join(", "))
    }

    fn first(&self) -> String {
        if self.previous.is_some() { self.query.first(&self.path) } else { String::new() }
    }

    fn previous(&self) -> String {
        self.query.page(&self.path, "before", &self.previous)
    }

    fn next(&self) -> String {
        self.query.page(&self.path, "after", &self.next)
    }

    fn denial_reasons(&self) -> &'static [DenialReason] {
        DenialReason::ALL
    }

    fn statuses(&self) -> Vec<(&'static str, &'static str)> {
        StatusFilter::ALL.iter().map(|status| (status.as_str(), status.label())).collect()
    }

    /// The address of this very page, to come back to.
    fn here(&self) -> String {
        self.query.here(&self.path)
    }
}

/// What a list was asked for.
pub struct Found {
    listing: Listing<ConversionRow>,
    totals: Totals,
    names: Names,
}

/// Reads a page of conversions, with the names of what it is filtered by.
pub fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    cursor: &Cursor<list::Place>,
) -> QueryResult<Found> {
    let (listing, totals) = list::page(conn, merchant_id, filter, cursor)?;
    let names = list::names(conn, merchant_id, filter)?;
    Ok(Found { listing, totals, names })
}

#[derive(Template)]
#[template(path = "conversions/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: ConversionList,
}

#[derive(Template)]
#[template(path = "conversions/_list.html")]
struct ListPart {
    page: MerchantPage,
    list: ConversionList,
}

/// `GET /conversions`
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, cursor) = (query.filter(), query.cursor());
    let merchant_id = page.merchant_id();
    let found =
        db.merchant(merchant_id, move |conn| find(conn, merchant_id, &filter, &cursor)).await?;
    let list = ConversionList::new(&page, (urls::conversions(), query), None, found);
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list })
}

#[derive(Template)]
#[template(path = "conversions/affiliate.html")]
struct AffiliatePage {
    page: MerchantPage,
    frame: Frame,
    list: ConversionList,
}

/// `GET /affiliates/{affiliate_id}/conversions`
pub async fn of_affiliate(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let affiliate_id = *affiliate_id;
    let query = ListQuery { affiliate: String::new(), ..query.into_inner() };
    let (mut filter, cursor) = (query.filter(), query.cursor());
    filter.affiliate_id = Some(affiliate_id);
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let (frame, found) = db
        .merchant(merchant.id, move |conn| {
            let item = FrameItem::Conversions;
            let frame = Frame::load(conn, &merchant, now, affiliate_id, item)?;
            QueryResult::Ok((frame, find(conn, merchant.id, &filter, &cursor)?))
        })
        .await?;
    let path = urls::affiliate_conversions(affiliate_id);
    let list = ConversionList::new(&page, (path, query), Some(affiliate_id), found);
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&AffiliatePage { page, frame, list })
}

const COLUMNS: [&str; 15] = [
    "Placed",
    "Affiliate",
    "Affiliate ID",
    "Order",
    "Type",
    "Conversion trigger",
    "Status",
    "Reason",
    "Currency",
    "Revenue",
    "Commission",
    "Note",
    "Review",
    "Reviewed by",
    "Qualification",
];

/// `GET /conversions.csv`: exactly what the list shows under the same address, all pages of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let filter = query.filter();
    let download = csv::Download::begin(&db, page.actor(), "conversions.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, merchant, filter) = (db.clone(), merchant.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let merchant_id = merchant.id;
            let (rows, next) = db
                .merchant(merchant_id, move |conn| {
                    list::piece(conn, merchant_id, &filter, &cursor, csv::CHUNK)
                })
                .await?;
            Ok((rows.into_iter().map(|row| line(row, &merchant)).collect(), next))
        }
    }))
}

fn line(row: ConversionRow, merchant: &Merchant) -> Vec<Cell> {
    let conversion = row.conversion;
    let plain = |minor: i64| format_plain(minor, conversion.currency);
    let said = conversion.said();
    let by = if conversion.is_fraud { row.fraud_by } else { conversion.reviewed_by.clone() };
    vec![
        Cell::plain(conversion.occurred_at.with_timezone(&merchant.tz()).to_rfc3339()),
        Cell::text(row.affiliate),
        Cell::plain(row.public_id),
        Cell::text(row.order.unwrap_or_default()),
        Cell::plain(conversion.via),
        Cell::text(row.trigger.unwrap_or_default()),
        Cell::plain(conversion.status),
        Cell::plain(conversion.reason_label()),
        Cell::plain(conversion.currency),
        Cell::plain(plain(conversion.revenue_minor)),
        Cell::plain(plain(conversion.commission_minor)),
        Cell::text(&conversion.note),
        Cell::plain(said.map_or("", Review::label)),
        Cell::text(by.unwrap_or_default()),
        Cell::plain(conversion.qualification_label()),
    ]
}
