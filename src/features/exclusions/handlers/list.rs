use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::TextEnum;

use super::enabled;
use crate::features::auth::pages::MerchantPage;
use crate::features::availability::{Excluded, exclusion_of};
use crate::features::exclusions::list::{
    self, ExclusionFilter, ExclusionRow, ExclusionSort, ExclusionState,
};
use crate::features::exclusions::{Exclusion, ExclusionScope};
use crate::features::triggers::CouponCode;
use crate::kit::clock;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params, Sort, export as export_list};
use crate::kit::urls;
use crate::kit::web::csv::Cell;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;

/// Whether what was searched for, taken as a code, may be claimed.
struct Tried {
    code: CouponCode,
    excluded: Option<Excluded>,
}

/// Everything in `#results`.
struct ExclusionList {
    page: ListPage<ExclusionRow>,
    tried: Option<Tried>,
    now: DateTime<Utc>,
}

impl ExclusionList {
    fn export(&self) -> String {
        self.page.address.export_url(&urls::exclusions_csv())
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
    fn added(&self, row: &ExclusionRow) -> DisplayTime {
        DisplayTime::day(row.exclusion.added_at, self.page.merchant().calendar())
    }

    /// `Nov 27, 2026 to Nov 30, 2026`
    fn dates(&self, row: &ExclusionRow) -> String {
        let day = |day| self.page.merchant().calendar().date(day);
        match (row.exclusion.starts_on, row.exclusion.ends_on) {
            (None, None) => "Always".to_owned(),
            (Some(first), None) => format!("From {}", day(first)),
            (None, Some(last)) => format!("Until {}", day(last)),
            (Some(first), Some(last)) => format!("{} to {}", day(first), day(last)),
        }
    }
}

/// `GET /settings/coupon-exclusions`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let mut address = params.into_inner().at(urls::exclusions());
    let filter = ExclusionFilter::read(&mut address);
    let sort = address.sort(ExclusionSort::default());
    let range = address.page(sort.order());
    let (merchant_id, now) = (page.merchant_id(), clock::now());
    let ((listing, count), tried) = db
        .merchant(merchant_id, move |conn| {
            let found = list::page(conn, merchant_id, (&filter, sort), &range, now)?;
            QueryResult::Ok((found, tried(conn, merchant_id, &filter.q, now)?))
        })
        .await?;
    let list = ExclusionList { page: ListPage::new(address, listing, Some(count)), tried, now };
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
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let (merchant_id, now) = (page.merchant_id(), clock::now());
    let mut address = params.into_inner().at(urls::exclusions_csv());
    let filter = ExclusionFilter::read(&mut address);
    let sort = address.sort(ExclusionSort::default());
    let file = ("coupon-exclusions.csv", &COLUMNS[..]);
    export_list(db, page.actor(), file, sort.order(), move |conn, range| {
        let found = list::rows(conn, merchant_id, (&filter, sort), range, now)?;
        Ok(found.map(|exclusion| line(&exclusion)))
    })
    .await
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
