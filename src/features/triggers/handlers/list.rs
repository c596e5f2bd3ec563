use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use vouch_core::money::format_plain;

use super::query::{BY_CREATION, BY_VALUE, ListQuery};
use super::view::{Notes, TriggerView, notes_of};
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::pushes::{self, Poll, PushStatus};
use crate::features::rollups::Rollups;
use crate::features::triggers::list::{self, TriggerRow};
use crate::features::triggers::{TriggerKind, TriggerState};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Cursor, Listing};

/// A list of triggers, of the program or of one affiliate: everything in `#results`.
pub struct TriggerList {
    /// Where the list stands.
    pub path: String,
    /// What its address says.
    pub query: ListQuery,
    /// Whether the holder stands in a column.
    pub shows_holder: bool,
    /// The names of the stores that new codes go to.
    pub stores: Vec<String>,
    listing: Listing<TriggerView>,
    count: Count,
}

impl TriggerList {
    /// The rows of a page as it shows them.
    pub fn new(
        path: String,
        query: ListQuery,
        shows_holder: bool,
        (found, count): (Listing<TriggerRow>, Count),
        mut notes: Notes,
        merchant: &Merchant,
        stores: Vec<String>,
    ) -> Self {
        let Listing { rows, previous, next } = found;
        let view = |row: TriggerRow| {
            let notes = notes.remove(&row.trigger.id).unwrap_or_default();
            TriggerView::new(row, notes, merchant)
        };
        let rows = rows.into_iter().map(view).collect();
        let listing = Listing { rows, previous, next };
        Self { path, query, shows_holder, stores, listing, count }
    }

    /// Whether there is anything to say of codes in stores.
    pub(super) fn shows_pushes(&self) -> bool {
        !self.stores.is_empty() || self.rows().iter().any(|row| !row.pushes.lines.is_empty())
    }

    /// How many columns the table has.
    pub(super) fn columns(&self) -> usize {
        if self.shows_holder { 8 } else { 7 }
    }

    /// The codes that are on their way while somebody looks.
    pub(super) fn moving(&self) -> Poll {
        Poll::of(self.rows().iter().map(|row| &row.pushes))
    }

    /// Whether what is shown are codes that failed in a store.
    pub(super) fn shows_failed(&self) -> bool {
        self.query.push_status() == Some(PushStatus::Failed)
    }

    pub(super) fn push_statuses(&self) -> Vec<(&'static str, &'static str)> {
        PushStatus::ALL.iter().map(|status| (status.as_str(), status.label())).collect()
    }

    pub(super) fn rows(&self) -> &[TriggerView] {
        &self.listing.rows
    }

    /// Where a trigger is added to it.
    pub(super) fn new_url(&self) -> String {
        format!("{}/new", self.path)
    }

    /// What the dialog is called in which that happens.
    pub(super) fn new_title(&self) -> &'static str {
        if self.shows_holder { "Add Conversion Trigger" } else { "Add Trigger" }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listing.rows.is_empty()
    }

    /// The list as it stands, as a file.
    pub(super) fn export(&self) -> String {
        self.query.first(&urls::triggers_csv())
    }

    pub(super) fn chips(&self) -> Vec<(String, String)> {
        self.query.chips(&self.path)
    }

    pub(super) fn count(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 conversion trigger".to_owned(),
            _ => format!("{} conversion triggers", self.count),
        }
    }

    pub(super) fn first(&self) -> String {
        if self.listing.previous.is_some() { self.query.first(&self.path) } else { String::new() }
    }

    pub(super) fn previous(&self) -> String {
        self.query.page(&self.path, "before", &self.listing.previous)
    }

    pub(super) fn next(&self) -> String {
        self.query.page(&self.path, "after", &self.listing.next)
    }

    pub(super) fn by_value(&self) -> String {
        self.query.sorted(&self.path, BY_VALUE)
    }

    pub(super) fn by_creation(&self) -> String {
        self.query.sorted(&self.path, BY_CREATION)
    }

    pub(super) fn value_direction(&self) -> &'static str {
        direction(self.query.sort() == BY_VALUE[0], self.query.sort() == BY_VALUE[1])
    }

    pub(super) fn creation_direction(&self) -> &'static str {
        direction(self.query.sort() == BY_CREATION[1], self.query.sort() == BY_CREATION[0])
    }

    pub(super) fn kinds(&self) -> Vec<(&'static str, &'static str)> {
        kinds()
    }

    pub(super) fn states(&self) -> Vec<(&'static str, &'static str)> {
        TriggerState::ALL.iter().map(|state| (state.as_str(), state.label())).collect()
    }
}

fn direction(ascending: bool, descending: bool) -> &'static str {
    match (ascending, descending) {
        (true, _) => "ascending",
        (_, true) => "descending",
        _ => "",
    }
}

/// Names and words of the kinds, for a select.
pub fn kinds() -> Vec<(&'static str, &'static str)> {
    TriggerKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
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
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, sort, cursor) = (query.filter(None), query.sort(), query.cursor());
    let merchant_id = page.merchant_id();
    let (found, notes, stores) = db
        .merchant(merchant_id, move |conn| {
            let found = list::page(conn, merchant_id, &filter, sort, &cursor)?;
            let notes = notes_of(conn, merchant_id, &found.0.rows)?;
            QueryResult::Ok((found, notes, pushes::destinations(conn, merchant_id)?))
        })
        .await?;
    let list =
        TriggerList::new(urls::triggers(), query, true, found, notes, page.merchant(), stores);
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
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let merchant = page.merchant().clone();
    let (filter, sort) = (query.filter(None), query.sort());
    let download = csv::Download::begin(&db, page.actor(), "conversion-triggers.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, merchant, filter) = (db.clone(), merchant.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let merchant_id = merchant.id;
            let (rows, next) = db
                .merchant(merchant_id, move |conn| {
                    list::piece(conn, merchant_id, &filter, sort, &cursor, csv::CHUNK)
                })
                .await?;
            let rows = rows.iter().flat_map(|row| lines(row, &merchant)).collect();
            Ok((rows, next))
        }
    }))
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
