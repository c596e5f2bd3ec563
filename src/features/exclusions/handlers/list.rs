use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::enabled;
use super::query::ListQuery;
use crate::features::auth::pages::MerchantPage;
use crate::features::availability::{Excluded, exclusion_of};
use crate::features::exclusions::list::{self, ExclusionRow, ExclusionSort, ExclusionState};
use crate::features::exclusions::{Exclusion, ExclusionScope};
use crate::features::triggers::CouponCode;
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::display_time::{DisplayTime, day, day_of};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Cursor, Listing};

/// Whether what was searched for, taken as a code, may be claimed.
struct Tried {
    code: CouponCode,
    excluded: Option<Excluded>,
}

/// Everything in `#results`.
struct ExclusionList {
    query: ListQuery,
    listing: Listing<ExclusionRow>,
    count: Count,
    tried: Option<Tried>,
    now: DateTime<Utc>,
}

impl ExclusionList {
    fn count(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 exclusion".to_owned(),
            _ => format!("{} exclusions", self.count),
        }
    }

    fn first(&self) -> String {
        if self.listing.previous.is_some() {
            self.query.first(&urls::exclusions())
        } else {
            String::new()
        }
    }

    fn previous(&self) -> String {
        self.query.page("before", &self.listing.previous)
    }

    fn next(&self) -> String {
        self.query.page("after", &self.listing.next)
    }

    fn export(&self) -> String {
        self.query.first(&urls::exclusions_csv())
    }

    fn by(&self, sort: ExclusionSort) -> String {
        self.query.sorted(sort)
    }

    fn direction(&self, sort: ExclusionSort) -> &'static str {
        match (self.query.sort() == sort, sort) {
            (false, _) => "",
            (true, ExclusionSort::Newest) => "descending",
            (true, ExclusionSort::Code) => "ascending",
        }
    }

    fn state(&self, row: &ExclusionRow) -> ExclusionState {
        ExclusionState::of(&row.exclusion, self.now)
    }
}

#[derive(Template)]
#[template(path = "exclusions/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: ExclusionList,
}

impl IndexPage {
    fn scopes() -> Vec<(&'static str, &'static str)> {
        ExclusionScope::ALL.iter().map(|scope| (scope.as_str(), scope.label())).collect()
    }

    fn states() -> Vec<(&'static str, &'static str)> {
        ExclusionState::ALL.iter().map(|state| (state.as_str(), state.label())).collect()
    }

    fn added(&self, row: &ExclusionRow) -> DisplayTime {
        let (at, tz) = (row.exclusion.added_at, self.page.merchant().tz());
        DisplayTime { text: day(day_of(at, tz)), ..DisplayTime::new(at, tz) }
    }

    /// `27 Nov 2026 to 30 Nov 2026`
    fn dates(row: &ExclusionRow) -> String {
        match (row.exclusion.starts_on, row.exclusion.ends_on) {
            (None, None) => "Always".to_owned(),
            (Some(first), None) => format!("From {}", day(first)),
            (None, Some(last)) => format!("Until {}", day(last)),
            (Some(first), Some(last)) => format!("{} to {}", day(first), day(last)),
        }
    }
}

/// `GET /settings/coupon-exclusions`
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let query = query.into_inner();
    let (filter, sort, cursor) = (query.filter(), query.sort(), query.cursor());
    let (merchant_id, now) = (page.merchant_id(), clock::now());
    let ((listing, count), tried) = db
        .merchant(merchant_id, move |conn| {
            let found = list::page(conn, merchant_id, &filter, sort, &cursor, now)?;
            QueryResult::Ok((found, tried(conn, merchant_id, &filter.q, now)?))
        })
        .await?;
    let list = ExclusionList { query, listing, count, tried, now };
    ok(&IndexPage { page, list })
}

fn tried(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Tried>> {
    let Ok(code) = CouponCode::parse_existing(typed) else { return Ok(None) };
    let excluded = exclusion_of(conn, merchant_id, &code, now)?;
    Ok(Some(Tried { code, excluded }))
}

/// The header of the file: an upload takes the same.
pub(super) const COLUMNS: [&str; 5] =
    ["Coupon_Code", "Description", "Starts", "Ends", "Applied_To"];

/// `GET /settings/coupon-exclusions.csv`: what the list shows under the same address, all of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let (merchant_id, now) = (page.merchant_id(), clock::now());
    let (filter, sort) = (query.filter(), query.sort());
    let download = csv::Download::begin(&db, page.actor(), "coupon-exclusions.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, filter) = (db.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let (rows, next) = db
                .merchant(merchant_id, move |conn| {
                    let size = (csv::CHUNK, now);
                    list::piece(conn, merchant_id, &filter, sort, &cursor, size)
                })
                .await?;
            Ok((rows.iter().map(line).collect(), next))
        }
    }))
}

fn line(exclusion: &Exclusion) -> Vec<Cell> {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    vec![
        Cell::text(&exclusion.value),
        Cell::text(&exclusion.note),
        Cell::plain(day(exclusion.starts_on)),
        Cell::plain(day(exclusion.ends_on)),
        Cell::plain(exclusion.scope),
    ]
}
