use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::TextEnum;
use vouch_core::money::format_plain;

use super::view::{NotesByTrigger, TriggerView, notes_of};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::pushes::{self, Poll, PushStatus};
use crate::features::rollups::Rollups;
use crate::features::triggers::list::{self, TriggerRow};
use crate::features::triggers::{TriggerFilter, TriggerKind, TriggerSort, TriggerState};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{
    Count, ListPage, ListUrl, Listing, Params, Range, Sort, export as export_list,
};
use crate::kit::urls;
use crate::kit::web::csv::Cell;
use crate::kit::web::ok;

/// A list of triggers, of the program or of one affiliate: everything in `#results`.
pub(crate) struct TriggerList {
    pub(super) page: ListPage<TriggerView>,
    /// Whether the holder stands in a column.
    pub(super) shows_holder: bool,
    /// Whether what is shown are codes that failed in a store.
    pub(super) shows_failed: bool,
    /// The names of the stores that new codes go to.
    pub(super) stores: Vec<String>,
}

/// What a list of triggers shows, as it was read.
pub(super) struct TriggerListData {
    listing: Listing<TriggerRow>,
    count: Count,
    notes: NotesByTrigger,
    stores: Vec<String>,
}

pub(super) fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &TriggerFilter,
    sort: TriggerSort,
    range: &Range,
) -> QueryResult<TriggerListData> {
    let (listing, count) = list::page(conn, merchant_id, filter, sort, range)?;
    let notes = notes_of(conn, merchant_id, &listing.rows)?;
    let stores = pushes::destinations(conn, merchant_id)?;
    Ok(TriggerListData { listing, count, notes, stores })
}

impl TriggerList {
    pub(super) fn new(
        address: ListUrl,
        shows_holder: bool,
        found: TriggerListData,
        merchant: &Merchant,
    ) -> Self {
        let TriggerListData { listing, count, mut notes, stores } = found;
        let listing = listing.map(|row| {
            let notes = notes.remove(&row.trigger.id).unwrap_or_default();
            TriggerView::new(row, notes, merchant)
        });
        let shows_failed = address.value("push") == PushStatus::Failed.as_str();
        let page = ListPage::new(address, listing, Some(count));
        Self { page, shows_holder, shows_failed, stores }
    }

    /// Whether there is anything to say of codes in stores.
    pub(super) fn shows_pushes(&self) -> bool {
        !self.stores.is_empty() || self.page.rows.iter().any(|row| !row.pushes.lines.is_empty())
    }

    /// How many columns the table has.
    pub(super) fn columns(&self) -> usize {
        if self.shows_holder { 8 } else { 7 }
    }

    /// The codes that are on their way while somebody looks.
    pub(super) fn moving(&self) -> Poll {
        Poll::of(self.page.rows.iter().map(|row| &row.pushes))
    }

    /// Where a trigger is added to it.
    pub(super) fn new_url(&self) -> String {
        format!("{}/new", self.page.address.path)
    }

    /// What the dialog is called in which that happens.
    pub(super) fn new_title(&self) -> &'static str {
        if self.shows_holder { "Add Conversion Trigger" } else { "Add Trigger" }
    }

    /// The list as it stands, as a file.
    pub(super) fn export(&self) -> String {
        self.page.address.export_url(&urls::triggers_csv())
    }
}

#[derive(Template)]
#[template(path = "triggers/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: TriggerList,
}

#[derive(Template)]
#[template(path = "triggers/_list.html")]
struct ListPart {
    page: MerchantPage,
    list: TriggerList,
}

/// `GET /triggers`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(urls::triggers());
    let filter = TriggerFilter::read(&mut address, None);
    let sort = address.sort(TriggerSort::default());
    let (merchant_id, range) = (page.merchant_id(), address.page(sort.order()));
    let found = db
        .merchant(merchant_id, move |conn| find(conn, merchant_id, &filter, sort, &range))
        .await?;
    let list = TriggerList::new(address, true, found, page.merchant());
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list })
}

const COLUMNS: [&str; 14] = [
    "Type",
    "Value",
    "Affiliate",
    "Affiliate ID",
    "State",
    "Created",
    "Retired",
    "Stores",
    "Currency",
    "Orders",
    "Revenue",
    "Discount",
    "Commission",
    "Refunds",
];

/// `GET /triggers.csv`: exactly what the list shows under the same address, all pages of it.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let mut address = params.into_inner().at(urls::triggers_csv());
    let filter = TriggerFilter::read(&mut address, None);
    let sort = address.sort(TriggerSort::default());
    let file = ("conversion-triggers.csv", &COLUMNS[..]);
    export_list(db, page.actor(), file, sort.order(), move |conn, range| {
        let found = list::rows(conn, merchant.id, &filter, sort, range)?;
        Ok(found.flat_map(|row| lines(&row, &merchant)))
    })
    .await
}

/// One line per currency, and one without currency for a trigger that nobody used yet.
fn lines(row: &TriggerRow, merchant: &Merchant) -> Vec<Vec<Cell>> {
    let tz = merchant.tz();
    let time = |at: DateTime<Utc>| at.with_timezone(&tz).to_rfc3339();
    let state = if row.trigger.is_retired() { TriggerState::Retired } else { TriggerState::Active };
    let in_stores: Vec<String> =
        row.pushes.iter().map(|line| format!("{}: {}", line.store, line.push.status)).collect();
    let about = [
        Cell::plain(row.trigger.kind),
        Cell::text(&row.trigger.value),
        Cell::text(&row.holder.name),
        Cell::plain(&row.holder.public_id),
        Cell::plain(state),
        Cell::plain(time(row.trigger.created_at)),
        Cell::plain(row.trigger.retired_at.map(time).unwrap_or_default()),
        Cell::text(in_stores.join("; ")),
    ];
    let line = |amounts: [String; 6]| {
        about.iter().cloned().chain(amounts.into_iter().map(Cell::Plain)).collect()
    };
    if row.rollups.is_empty() {
        return vec![line(["", "0", "0", "0", "0", "0"].map(str::to_owned))];
    }
    row.rollups.iter().map(|rollups| line(amounts(rollups))).collect()
}

fn amounts(rollups: &Rollups) -> [String; 6] {
    let plain = |minor: i64| format_plain(minor, rollups.currency);
    [
        rollups.currency.to_string(),
        rollups.conversions.to_string(),
        plain(rollups.revenue_minor),
        plain(rollups.discount_minor),
        plain(rollups.commission_minor),
        plain(rollups.refunded_minor),
    ]
}
