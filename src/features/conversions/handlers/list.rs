use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use diesel::prelude::*;
use vouch_core::TextEnum;
use vouch_core::money::{format_money, format_plain};

use crate::features::affiliates::{Frame, FrameItem};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::conversions::list::{self, ConversionRow, ConversionTotals, StatusFilter};
use crate::features::conversions::{
    ConversionFilter, ConversionStatus, DenialReason, Review, Via, text,
};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, ListUrl, Listing, Params, Range, export as export_list};
use crate::kit::urls;
use crate::kit::web::csv::Cell;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;

/// A list of conversions, of the program or of one affiliate: everything in `#results`.
struct ConversionList {
    page: ListPage<ConversionView>,
    /// `None` for the list of all affiliates, which has a column for them.
    affiliate_id: Option<i64>,
    /// Whether the rows can be selected and reviewed.
    may_write: bool,
    totals: ConversionTotals,
}

/// A conversion as a row shows it.
struct ConversionView {
    row: ConversionRow,
    /// When the order was placed, or the amount was added.
    when: DisplayTime,
}

impl ConversionView {
    fn new(row: ConversionRow, merchant: &Merchant) -> Self {
        Self { when: DisplayTime::new(row.conversion.occurred_at, merchant.calendar()), row }
    }

    fn money(&self, minor: i64) -> String {
        format_money(minor, self.row.conversion.currency)
    }

    fn revenue(&self) -> String {
        // A manual amount isn’t a sale.
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

    /// The label of the check box.
    fn choice(&self) -> String {
        text::select(&self.row)
    }
}

impl ConversionList {
    fn new(
        page: &MerchantPage,
        mut address: ListUrl,
        affiliate_id: Option<i64>,
        found: ListData,
    ) -> Self {
        let ListData { listing, totals, names: (affiliate, trigger) } = found;
        for (part, name) in [("affiliate", affiliate), ("trigger", trigger)] {
            if let Some(name) = name {
                address.name(part, &name);
            }
        }
        let merchant = page.merchant();
        let listing = listing.map(|row| ConversionView::new(row, merchant));
        let may_write = page.may_write();
        Self { page: ListPage::new(address, listing, None), affiliate_id, may_write, totals }
    }

    fn shows_affiliate(&self) -> bool {
        self.affiliate_id.is_none()
    }

    fn search_hint(&self) -> &'static str {
        if self.shows_affiliate() { "Affiliate, code or order" } else { "Code or order" }
    }

    /// The URL of the same list as a CSV file.
    fn export(&self) -> String {
        let path = urls::conversions_csv();
        match self.affiliate_id {
            Some(id) => self.page.address.export_url_with(&path, ("affiliate", &id.to_string())),
            None => self.page.address.export_url(&path),
        }
    }

    /// Whether the search considered only some matches, so rows may be missing.
    fn is_cut(&self) -> bool {
        self.totals.is_cut
    }

    fn count(&self) -> String {
        text::totals(self.totals.count, &self.totals.credited)
    }

    fn denial_reasons(&self) -> &'static [DenialReason] {
        DenialReason::ALL
    }
}

/// The data of a list.
struct ListData {
    listing: Listing<ConversionRow>,
    totals: ConversionTotals,
    names: (Option<String>, Option<String>),
}

fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
    range: &Range,
) -> QueryResult<ListData> {
    let (listing, totals) = list::page(conn, merchant_id, filter, range)?;
    let names = list::names(conn, merchant_id, filter)?;
    Ok(ListData { listing, totals, names })
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
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(urls::conversions());
    let filter = ConversionFilter::read(&mut address, None);
    let (merchant_id, range) = (page.merchant_id(), address.page(list::NEWEST));
    let found =
        db.merchant(merchant_id, move |conn| find(conn, merchant_id, &filter, &range)).await?;
    let list = ConversionList::new(&page, address, None, found);
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list })
}

#[derive(Template)]
#[template(path = "conversions/affiliate.html")]
struct AffiliateConversionsPage {
    page: MerchantPage,
    frame: Frame,
    list: ConversionList,
}

/// `GET /affiliates/{affiliate_id}/conversions`
pub(crate) async fn of_affiliate(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let affiliate_id = *affiliate_id;
    let mut address = params.into_inner().at(urls::affiliate_conversions(affiliate_id));
    let filter = ConversionFilter::read(&mut address, Some(affiliate_id));
    let range = address.page(list::NEWEST);
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let (frame, found) = db
        .merchant(merchant.id, move |conn| {
            let item = FrameItem::Conversions;
            let frame = Frame::load(conn, &merchant, now, affiliate_id, item)?;
            QueryResult::Ok((frame, find(conn, merchant.id, &filter, &range)?))
        })
        .await?;
    let list = ConversionList::new(&page, address, Some(affiliate_id), found);
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&AffiliateConversionsPage { page, frame, list })
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

/// `GET /conversions.csv`: all pages of the list with the same filters.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let filter = ConversionFilter::read(&mut params.into_inner().at(urls::conversions_csv()), None);
    let file = ("conversions.csv", &COLUMNS[..]);
    export_list(db, page.actor(), file, list::NEWEST, move |conn, range| {
        let found = list::rows(conn, merchant.id, &filter, range)?;
        Ok(found.map(|row| line(row, &merchant)))
    })
    .await
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
