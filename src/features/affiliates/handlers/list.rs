use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::QueryResult;

use super::query::{BY_JOINING, BY_NAME, ListQuery};
use crate::features::affiliates::list::{self, AffiliateRow, since};
use crate::features::affiliates::status::AffiliateStatus;
use crate::features::applications::CodeRequest;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers;
use crate::features::rollups::amounts;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day, day_of};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Listing, count_label, thousands};

/// Everything in `#results`, and the filters above it.
struct AffiliateList {
    query: ListQuery,
    offers: Vec<(String, String)>,
    listing: Listing<AffiliateRow>,
    count: Count,
}

impl AffiliateList {
    fn count(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 affiliate".to_owned(),
            _ => format!("{} affiliates", self.count),
        }
    }

    fn first(&self) -> String {
        if self.listing.previous.is_some() { self.query.first() } else { String::new() }
    }

    fn previous(&self) -> String {
        self.query.page("before", &self.listing.previous)
    }

    fn next(&self) -> String {
        self.query.page("after", &self.listing.next)
    }

    fn by_name(&self) -> String {
        self.query.sorted(BY_NAME)
    }

    fn by_joining(&self) -> String {
        self.query.sorted(BY_JOINING)
    }

    fn name_direction(&self) -> &'static str {
        let sort = self.query.sort();
        if sort == BY_NAME[0] {
            "ascending"
        } else if sort == BY_NAME[1] {
            "descending"
        } else {
            ""
        }
    }

    fn joining_direction(&self) -> &'static str {
        let sort = self.query.sort();
        if sort == BY_JOINING[1] {
            "ascending"
        } else if sort == BY_JOINING[0] {
            "descending"
        } else {
            ""
        }
    }

    fn statuses(&self) -> Vec<(&'static str, &'static str)> {
        statuses()
    }
}

/// Names and words of the statuses, for a select.
pub fn statuses() -> Vec<(&'static str, &'static str)> {
    AffiliateStatus::ALL.iter().map(|status| (status.as_str(), status.label())).collect()
}

#[derive(Template)]
#[template(path = "affiliates/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: AffiliateList,
    /// How many further codes wait for a decision.
    codes_waiting: i64,
}

impl IndexPage {
    /// How many further codes wait.
    fn waiting_words(&self) -> String {
        match self.codes_waiting {
            1 => "1 further code".to_owned(),
            count => format!("{} further codes", count_label(count)),
        }
    }
}

#[derive(Template)]
#[template(path = "affiliates/_list.html")]
struct ListPart {
    page: MerchantPage,
    list: AffiliateList,
}

/// What rows are written with.
trait RowWords {
    fn page(&self) -> &MerchantPage;

    fn url(&self, row: &AffiliateRow) -> String {
        urls::affiliate(row.affiliate.id)
    }

    fn joined(&self, row: &AffiliateRow) -> DisplayTime {
        let (at, tz) = (row.affiliate.created_at, self.page().merchant().tz());
        DisplayTime { text: day(day_of(at, tz)), ..DisplayTime::new(at, tz) }
    }

    fn orders(&self, row: &AffiliateRow) -> String {
        thousands(row.rollups.iter().map(|rollups| rollups.conversions).sum())
    }

    fn commission(&self, row: &AffiliateRow) -> Vec<String> {
        let own = self.page().merchant().currency;
        amounts(&row.rollups, own, |rollups| rollups.commission_minor)
    }
}

impl RowWords for IndexPage {
    fn page(&self) -> &MerchantPage {
        &self.page
    }
}

impl RowWords for ListPart {
    fn page(&self) -> &MerchantPage {
        &self.page
    }
}

/// `GET /affiliates`
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, sort, cursor) = (query.filter(), query.sort(), query.cursor());
    let (merchant_id, since) = (page.merchant_id(), since(page.actor().now, page.merchant()));
    let is_fragment = page.is_fragment();
    let ((listing, count), offers, codes_waiting) = db
        .merchant(merchant_id, move |conn| {
            let found = list::page(conn, merchant_id, &filter, sort, &cursor, since)?;
            let codes_waiting =
                if is_fragment { 0 } else { CodeRequest::count_waiting(conn, merchant_id)? };
            QueryResult::Ok((found, offers::all_options(conn, merchant_id)?, codes_waiting))
        })
        .await?;
    let list = AffiliateList { query, offers, listing, count };
    if is_fragment {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list, codes_waiting })
}
